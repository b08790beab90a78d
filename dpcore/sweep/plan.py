"""What a sweep runs: read from a TOML file, checked on reading."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dpcore import _validate
from dpcore import datasets as registry
from dpcore.errors import InvalidValue
from dpcore.planner.documents import read_document, shorten
from dpcore.settings import MODEL_NAMES, TrainingConfig
from dpcore.sweep.attack_plan import AuditPlan, MembershipPlan, ReconstructionPlan, part_from_table

PLANS = Path(__file__).with_name("plans")
#: The plan sets these itself: seeds by counting, the chunk to what is fastest for the shipped models on one core.
_NOT_IN_PLANS = ("seed", "chunk_size")
_CHUNK_SIZE = 128
_TRAINING = {f.name: f for f in dataclasses.fields(TrainingConfig) if f.name not in _NOT_IN_PLANS}
_NEEDED = [name for name, f in _TRAINING.items() if f.default is dataclasses.MISSING]
#: Part of every result's identity, whatever their values.
_ALWAYS = (*_NEEDED, "positive_weight")


@dataclass(frozen=True, kw_only=True)
class DatasetPlan:
    """How one model is trained on one dataset, and which settings its tuning may choose from."""

    name: str
    #: With seed 0; the runs differ from it in their seed only.
    training: TrainingConfig
    #: In place of the plan's, if given.
    epsilons: tuple[float, ...] | None = None
    seeds: int | None = None
    shadows: int | None = None
    tune_epochs: tuple[int, ...] = ()
    tune_max_grad_norm: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Raises InvalidValue for the first field that breaks its rule."""
        if self.name not in registry.names():
            raise InvalidValue(
                f"dataset name must be one of {', '.join(registry.names())}, but is {shorten(self.name)}."
            )
        if self.model not in MODEL_NAMES:
            raise InvalidValue(f"model must be one of {', '.join(MODEL_NAMES)}, but is {shorten(self.model)}.")
        if self.epsilons is not None:
            _check_epsilons(self.epsilons)
        if self.seeds is not None:
            _validate.whole(minimum=2, seeds=self.seeds)
        if self.shadows is not None:
            _validate.whole(minimum=4, shadows=self.shadows)
        for epochs in self.tune_epochs:
            _validate.whole(tune_epochs=epochs)
        for norm in self.tune_max_grad_norm:
            _validate.positive(tune_max_grad_norm=norm)

    @property
    def model(self) -> str:
        """Name of the architecture."""
        return self.training.model

    @property
    def epochs(self) -> int:
        """Passes over the training records in expectation."""
        return self.training.epochs

    @property
    def max_grad_norm(self) -> float:
        """Clipping norm, L2."""
        return self.training.max_grad_norm

    def config(self, *, seed: int, **changes: Any) -> TrainingConfig:
        """Returns the training configuration of one run."""
        return dataclasses.replace(self.training, **changes, seed=seed)

    def training_settings(self) -> dict[str, Any]:
        """Returns what decides the result of a training, less seed and budget: needed fields and those not default.

        A field that is added to TrainingConfig later, with a default that changes nothing, does not change this.
        """
        values = asdict(self.training)
        return {n: values[n] for n, f in _TRAINING.items() if n in _ALWAYS or values[n] != f.default}

    def settings(self) -> dict[str, Any]:
        """Returns the `[[dataset]]` table that makes this plan."""
        own = {k: v for k, v in asdict(self).items() if k not in ("name", "training") and v not in (None, ())}
        return {"name": self.name, **self.training_settings(), **own}


@dataclass(frozen=True, kw_only=True)
class SweepPlan:
    """A whole sweep: datasets with a model × budgets × seeds, and no DP always behind the budgets."""

    name: str
    epsilons: tuple[float, ...]
    seeds: int
    delta: float
    #: Equivalence margin of the TOST, in the unit of the utility (MCC or Dice).
    tost_margin: float
    #: Assumed electrical power of one busy core, for the energy estimate.
    watts_per_core: float
    #: Budgets on each proven curve.
    curve_points: int
    datasets: tuple[DatasetPlan, ...]
    #: What else is attacked; None = not at all.
    reconstruction: ReconstructionPlan | None = None
    membership: MembershipPlan | None = None
    audit: AuditPlan | None = None

    def __post_init__(self) -> None:
        """Raises InvalidValue for the first field that breaks its rule."""
        if not isinstance(self.name, str):
            raise InvalidValue(f"name must be a text, but is {shorten(self.name)}.")
        _check_epsilons(self.epsilons)
        _validate.whole(minimum=2, seeds=self.seeds)
        _validate.open_unit(delta=self.delta)
        _validate.positive(tost_margin=self.tost_margin)
        _validate.positive(watts_per_core=self.watts_per_core)
        _validate.whole(minimum=10, curve_points=self.curve_points)
        if not self.datasets:
            raise InvalidValue("dataset must be at least one [[dataset]] table, but there is none.")
        _all_different("[[dataset]] tables", [f"{d.name} with {d.model}" for d in self.datasets])

    def budgets(self, dataset: DatasetPlan | None = None) -> tuple[float | None, ...]:
        """Returns the budgets, of that dataset if one is given, in rising order; None, without DP, comes last."""
        own = dataset.epsilons if dataset else None
        return (*sorted(own or self.epsilons), None)

    def seeds_of(self, dataset: DatasetPlan) -> int:
        """Returns the number of runs at each budget of that dataset."""
        return dataset.seeds or self.seeds

    def settings(self) -> dict[str, Any]:
        """Returns plain values from which `plan_from_settings` makes this plan again."""
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        parts = {name: asdict(part) for name in _PARTS if (part := plain.pop(name)) is not None}
        return {**plain, "datasets": [d.settings() for d in self.datasets], **parts}


_PARTS = {"reconstruction": ReconstructionPlan, "membership": MembershipPlan, "audit": AuditPlan}


def _check_epsilons(epsilons: tuple[float, ...]) -> None:
    if not epsilons:
        raise InvalidValue("epsilons must be at least one budget, but there is none.")
    for epsilon in epsilons:
        _validate.positive(epsilon=epsilon)
    _all_different("epsilons", epsilons)


def _all_different(what: str, values: Iterable[Any]) -> None:
    seen = set()
    for value in values:
        if value in seen:
            raise InvalidValue(f"{what} must differ, but {value} is there twice.")
        seen.add(value)


def read_plan(name_or_path: str) -> SweepPlan:
    """Returns the plan of that name in `plans/`, or of that TOML file; raises InvalidValue."""
    path = PLANS / f"{name_or_path}.toml" if not name_or_path.endswith(".toml") else Path(name_or_path)
    if not _is_there(path):
        known = ", ".join(sorted(p.stem for p in PLANS.glob("*.toml")))
        raise InvalidValue(f"plan must be one of {known} or a TOML file, but is {shorten(name_or_path)}.")
    try:
        raw = read_document(path)
    except InvalidValue as error:
        raise InvalidValue(f"The plan {path.name} is not readable TOML: {error}") from None
    try:
        if "datasets" in raw:
            raise InvalidValue("datasets must be written as [[dataset]] tables.")
        raw["datasets"] = raw.pop("dataset", [])
        return plan_from_settings(raw)
    except InvalidValue as error:
        raise InvalidValue(f"In the plan {path.name}: {error}") from None


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # A name too long, or none at all.
        return False


def plan_from_settings(settings: dict[str, Any]) -> SweepPlan:
    """Returns the plan with those settings, as a TOML file or a manifest hold them; raises InvalidValue."""
    names = [f.name for f in dataclasses.fields(SweepPlan)]
    _check_keys("setting", settings, known=names, needed=[name for name in names if name not in _PARTS])
    tables = settings["datasets"]
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InvalidValue(f"dataset must be [[dataset]] tables, but is {shorten(tables)}.")
    epsilons = _floats(settings["epsilons"])
    parts: dict[str, Any] = {name: part_from_table(kind, name, settings.get(name)) for name, kind in _PARTS.items()}
    return SweepPlan(**{**settings, "epsilons": epsilons, "datasets": tuple(map(_dataset_plan, tables)), **parts})


def _dataset_plan(table: dict[str, Any]) -> DatasetPlan:
    own = [f.name for f in dataclasses.fields(DatasetPlan) if f.name != "training"]
    try:
        _check_keys("setting", table, known=[*own, *_TRAINING], needed=["name", *_NEEDED])
        training: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in table.items() if k in _TRAINING
        }
        _check_types(training)
        about = {k: table[k] for k in own if k in table}
        if "epsilons" in about:
            about["epsilons"] = _floats(about["epsilons"])
        for key in ("tune_epochs", "tune_max_grad_norm"):
            about[key] = tuple(_list(key, about.get(key, ())))
        return DatasetPlan(**about, training=TrainingConfig(**training, chunk_size=_CHUNK_SIZE))
    except InvalidValue as error:
        raise InvalidValue(f"[[dataset]] {table.get('name', 'without a name')}: {error}") from None


def _check_keys(what: str, given: dict[str, Any], *, known: list[str], needed: list[str]) -> None:
    for key in given:
        if key not in known:
            raise InvalidValue(f"{what} must be one of {', '.join(known)}, but is {shorten(key)}.")
    for key in needed:
        if key not in given:
            raise InvalidValue(f"{key} must be set, but is missing.")


def _check_types(training: dict[str, Any]) -> None:
    """The configuration checks its numbers; here come the texts and truth values."""
    for name, value in training.items():
        for annotation, kind, rule in (("str", str, "a text"), ("bool", bool, "true or false")):
            if _TRAINING[name].type == annotation and not isinstance(value, kind):
                raise InvalidValue(f"{name} must be {rule}, but is {shorten(value)}.")


def _list(name: str, value: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise InvalidValue(f"{name} must be a list, but is {shorten(value)}.")
    return value


def _floats(value: Any) -> tuple[float, ...]:
    return tuple(_validate.positive(epsilon=epsilon) for epsilon in _list("epsilons", value))
