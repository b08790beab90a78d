"""What a sweep runs: read from a TOML file, checked on reading."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dpcore import _validate
from dpcore import datasets as registry
from dpcore.errors import InvalidValue
from dpcore.training.config import TrainingConfig

PLANS = Path(__file__).with_name("plans")


@dataclass(frozen=True, kw_only=True)
class DatasetPlan:
    """How one dataset is trained on, and which settings its tuning may choose from."""

    name: str
    model: str
    epochs: int
    expected_batch_size: int
    max_grad_norm: float
    positive_weight: float
    tune_epochs: tuple[int, ...] = ()
    tune_max_grad_norm: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Raises InvalidValue for the first field that breaks its rule."""
        if self.name not in registry.names():
            raise InvalidValue(f"dataset name must be one of {', '.join(registry.names())}, but is {self.name!r}.")
        self.config(seed=0)

    def config(self, *, seed: int, **changes: Any) -> TrainingConfig:
        """Returns the training configuration of one run."""
        settings: dict[str, Any] = {
            "model": self.model,
            "epochs": self.epochs,
            "expected_batch_size": self.expected_batch_size,
            "max_grad_norm": self.max_grad_norm,
            "positive_weight": self.positive_weight,
            # The fastest for the shipped models on one core; no effect on the result.
            "chunk_size": 128,
        }
        return TrainingConfig(**{**settings, **changes}, seed=seed)


@dataclass(frozen=True, kw_only=True)
class SweepPlan:
    """A whole sweep: datasets × budgets × seeds, and no DP always behind the budgets."""

    name: str
    epsilons: tuple[float, ...]
    seeds: int
    delta: float
    #: Equivalence margin of the TOST, in MCC.
    tost_margin: float
    #: Assumed electrical power of one busy core, for the energy estimate.
    watts_per_core: float
    #: Budgets on each proven curve.
    curve_points: int
    datasets: tuple[DatasetPlan, ...]

    def __post_init__(self) -> None:
        """Raises InvalidValue for the first field that breaks its rule."""
        for epsilon in self.epsilons:
            _validate.positive(epsilon=epsilon)
        _validate.whole(minimum=2, seeds=self.seeds)
        _validate.open_unit(delta=self.delta)
        _validate.positive(tost_margin=self.tost_margin)
        _validate.positive(watts_per_core=self.watts_per_core)
        _validate.whole(minimum=10, curve_points=self.curve_points)
        if not self.epsilons or not self.datasets:
            raise InvalidValue("a plan must name at least one epsilon and one dataset.")

    def budgets(self) -> tuple[float | None, ...]:
        """Returns the budgets in rising order; None, without DP, comes last."""
        return (*sorted(self.epsilons), None)


def read_plan(name_or_path: str) -> SweepPlan:
    """Returns the plan of that name in `plans/`, or of that TOML file; raises InvalidValue."""
    path = PLANS / f"{name_or_path}.toml" if not name_or_path.endswith(".toml") else Path(name_or_path)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(p.stem for p in PLANS.glob("*.toml")))
        raise InvalidValue(f"plan must be one of {known} or a TOML file, but is {name_or_path!r}.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidValue(f"The plan {path.name} is not readable TOML: {error}.") from None
    try:
        raw["datasets"] = raw.pop("dataset", [])
        return plan_from_settings(raw)
    except InvalidValue:
        raise
    except (TypeError, KeyError, ValueError) as error:
        raise InvalidValue(f"The plan {path.name} has a missing, unknown or mistyped setting: {error}.") from None


def plan_from_settings(settings: dict[str, Any]) -> SweepPlan:
    """Returns the plan with those settings, as a TOML file or a manifest hold them; raises KeyError or TypeError."""
    lists = ("tune_epochs", "tune_max_grad_norm")
    tables: list[dict[str, Any]] = [
        {k: tuple(v) if k in lists else v for k, v in table.items()} for table in settings["datasets"]
    ]
    plain: dict[str, Any] = {
        **settings,
        "epsilons": tuple(float(epsilon) for epsilon in settings["epsilons"]),
        "datasets": tuple(DatasetPlan(**table) for table in tables),
    }
    return SweepPlan(**plain)


def settings_hash(settings: Any) -> str:
    """Returns 16 hexadecimal digits that change when any setting changes; settings are dataclasses or JSON values."""
    plain = asdict(settings) if hasattr(settings, "__dataclass_fields__") else settings
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]
