"""What a task is: a training with its attacks, a look at gradient norms, or a look at this machine's speed.

Settings, the copy of the data and the versions of what computes decide a task's result: tasks that share them share it.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import Any, ClassVar

from dpcore import _validate, datasets
from dpcore.datasets.registry import DATA_VARIABLE
from dpcore.errors import InvalidValue
from dpcore.privacy import Accountant, DpSgdMechanism, NonPrivate, PrivacyTarget, calibrate, check_accountant
from dpcore.settings import TrainingConfig, models_for
from dpcore.settings.digest import settings_hash
from dpcore.settings.versions import all_versions

#: Budgets of a whole curve: where utility falls, where it is back, and where attacks begin.
CURVE_EPSILONS = (0.5, 1.0, 2.0, 8.0, 32.0, 1e3, 1e6, 1e9)

_TRAINING = tuple(f.name for f in dataclasses.fields(TrainingConfig) if f.name not in ("chunk_size", "patience"))


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """One training, after which its model is attacked. Without `epsilon` and `noise_multiplier` it runs without DP."""

    kind: ClassVar[str] = "run"

    dataset: str
    training: TrainingConfig
    #: The budget that decides the noise.
    epsilon: float | None = None
    #: The noise itself (σ), instead of a budget.
    noise_multiplier: float | None = None
    delta: float = 8e-7
    accountant: Accountant = "rdp"

    def __post_init__(self) -> None:
        """Raises InvalidValue for the first field that breaks its rule."""
        spec = datasets.spec(self.dataset)
        if self.training.model not in models_for(spec):
            names = ", ".join(models_for(spec))
            raise InvalidValue(f"model must be one of {names} for {self.dataset}, but is {self.training.model!r}.")
        if self.training.multiplicity > 1 and spec.kind != "image":
            raise InvalidValue(
                f"multiplicity must be 1 for table rows, which cannot be mirrored, but is {self.training.multiplicity}."
            )
        if self.epsilon is not None and self.noise_multiplier is not None:
            raise InvalidValue("epsilon must be left out where noise_multiplier is given, but both are there.")
        if self.epsilon is not None:
            _validate.positive(epsilon=self.epsilon)
        if self.noise_multiplier is not None:
            _validate.positive(noise_multiplier=self.noise_multiplier)
        _validate.open_unit(delta=self.delta)
        check_accountant(self.accountant)

    @property
    def is_private(self) -> bool:
        """Whether the training adds noise."""
        return self.epsilon is not None or self.noise_multiplier is not None

    def mechanism(self, num_train: int) -> DpSgdMechanism | NonPrivate:
        """Returns the mechanism on that many training records; raises InvalidValue or CalibrationError."""
        rate, steps = self.training.sample_rate(num_train), self.training.steps(num_train)
        if self.noise_multiplier is not None:
            return DpSgdMechanism(noise_multiplier=self.noise_multiplier, sample_rate=rate, steps=steps)
        if self.epsilon is None:
            return NonPrivate()
        target = PrivacyTarget(epsilon=self.epsilon, delta=self.delta, accountant=self.accountant)
        return calibrate(target, sample_rate=rate, steps=steps)

    def without_dp(self) -> RunSettings:
        """Returns the same training without DP; what only DP uses is set to one value, so that all share a baseline."""
        return RunSettings(dataset=self.dataset, training=dataclasses.replace(self.training, max_grad_norm=1.0))

    def at(self, epsilon: float) -> RunSettings:
        """Returns the same training at another budget."""
        return dataclasses.replace(self, epsilon=epsilon, noise_multiplier=None)

    def to_json(self) -> dict[str, Any]:
        """Returns plain values from which `task_from_json` makes these settings again."""
        training = {name: getattr(self.training, name) for name in _TRAINING}
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in ("dataset", "training")}
        return {"kind": self.kind, "dataset": self.dataset, **training, **own}


@dataclass(frozen=True, kw_only=True)
class ProfileTask:
    """A look at gradient norms before clipping (`dpcore.training.profile`)."""

    kind: ClassVar[str] = "profile"

    dataset: str
    training: TrainingConfig
    on_private_data: bool = False

    def to_json(self) -> dict[str, Any]:
        """Returns plain values from which `task_from_json` makes this task again."""
        training = {name: getattr(self.training, name) for name in _TRAINING}
        return {"kind": self.kind, "dataset": self.dataset, **training, "on_private_data": self.on_private_data}


@dataclass(frozen=True, kw_only=True)
class ProbeTask:
    """A look at a dataset's size and at how fast this machine trains each of its models (`DatasetFacts`)."""

    kind: ClassVar[str] = "probe"

    dataset: str

    def to_json(self) -> dict[str, Any]:
        """Returns plain values from which `task_from_json` makes this task again."""
        return {"kind": self.kind, "dataset": self.dataset}


Task = RunSettings | ProfileTask | ProbeTask


def run_tasks(settings: RunSettings) -> tuple[Task, ...]:
    """Returns the tasks of one run: the training, and the same without DP to compare it with."""
    return (settings, settings.without_dp()) if settings.is_private else (settings.without_dp(),)


def curve_tasks(settings: RunSettings) -> tuple[Task, ...]:
    """Returns the tasks of a whole curve: without DP first, then eight budgets from the loosest on."""
    return (settings.without_dp(), *(settings.at(epsilon) for epsilon in reversed(CURVE_EPSILONS)))


def task_key(task: Task) -> str:
    """Returns the name under which a task's result is kept; another after an update, or with other copies of data."""
    decisive = {"task": task.to_json(), "versions": all_versions(), "data": os.environ.get(DATA_VARIABLE, "")}
    return f"{task.kind}-{task.dataset}-{settings_hash(decisive)}"


def task_from_json(plain: dict[str, Any]) -> Task:
    """Returns the task that `to_json` wrote down; raises InvalidValue for anything else."""
    given = dict(plain)
    kind = given.pop("kind", None)
    try:
        if kind == ProbeTask.kind:
            return ProbeTask(**given)
        if kind not in (RunSettings.kind, ProfileTask.kind):
            raise InvalidValue(f"kind must be run, profile or probe, but is {kind!r}.")
        training = TrainingConfig(**{name: given.pop(name) for name in _TRAINING})
        made = RunSettings if kind == RunSettings.kind else ProfileTask
        return made(training=training, **given)
    except (KeyError, TypeError):
        raise InvalidValue(f"A task must have the fields of its kind, but has {', '.join(sorted(plain))}.") from None
