"""What is planned: a training as far as privacy, utility and effort depend on it, and the budget it is given."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

from dpcore import _validate, datasets
from dpcore.errors import InvalidValue
from dpcore.privacy import RESOLUTION, Accountant, DpSgdMechanism, PrivacyTarget, calibrate, check_accountant
from dpcore.privacy.mechanism import MOST_STEPS
from dpcore.settings import MODEL_NAMES

Level = Literal["record", "patient"]
LEVELS: tuple[Level, ...] = ("record", "patient")

#: Budgets for which the calibration is tested.
EPSILON_LIMITS = (0.01, 1e15)
#: Within those of the mechanism even for a patient with as many records as may be.
NOISE_LIMITS = (1e-9, 1e9)
#: A match by chance, 1/N, must be resolved by the curves.
MOST_RECORDS = round(1 / RESOLUTION)
MOST_EPOCHS, MOST_LOOKS, MOST_IMAGES_PER_PATIENT = 100_000, 10**9, 1000
LONGEST_NAME = 80


def in_range(limits: tuple[float, float], **named: Any) -> None:
    """Raises InvalidValue unless the value lies within the limits, both included."""
    ((name, value),) = named.items()
    if not limits[0] <= value <= limits[1]:
        raise InvalidValue(f"{name} must be from {limits[0]:,g} to {limits[1]:,g}, but is {value!r}.")


def check_text(**named: Any) -> str:
    """Returns a name fit for a table's head; raises InvalidValue otherwise."""
    ((name, value),) = named.items()
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_NAME or not value.isprintable():
        shown = value[:LONGEST_NAME] if isinstance(value, str) else value
        raise InvalidValue(f"{name} must be a text of 1 to {LONGEST_NAME} printable characters, but is {shown!r}.")
    return value.strip()


def check_level(level: object) -> Level:
    """Returns "record" or "patient"; raises InvalidValue otherwise."""
    for known in LEVELS:
        if level == known:
            return known
    raise InvalidValue(f"level must be record or patient, but is {level!r}.")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A training with DP-SGD without its budget. Numbers are kept as int or float, whichever their field is."""

    #: Training records, N.
    num_train: int
    expected_batch_size: int
    delta: float
    #: Expected passes over the records; or, in their place, noisy releases.
    epochs: int | None = None
    steps: int | None = None
    #: The most records that any one patient has.
    images_per_patient: int = 1
    #: Of all records; None = as few as there can be, ⌈num_train / images_per_patient⌉, which is the safe side.
    num_patients: int | None = None
    accountant: Accountant = "rdp"
    #: Whose shipped sweep stands for utility, effort and the real attack; None = nobody's. Its main model if None.
    dataset: str | None = None
    model: str | None = None
    #: Noisy gradients of the same record that a real attacker averages; None = one an epoch.
    looks: int | None = None

    def __post_init__(self) -> None:
        """Raises InvalidValue for the first field that breaks its rule."""
        self._whole("num_train", (2, MOST_RECORDS))
        self._whole("expected_batch_size", (1, MOST_RECORDS))
        if self.expected_batch_size > self.num_train:
            raise InvalidValue(
                f"expected_batch_size must be at most the {self.num_train:,} training records, "
                f"but is {self.expected_batch_size:,}."
            )
        self._set("delta", _validate.open_unit(delta=self.delta))
        in_range((1e-100, 0.5), delta=self.delta)
        exactly_one(epochs=self.epochs, steps=self.steps)
        self._whole("epochs", (1, MOST_EPOCHS), optional=True)
        self._whole("steps", (1, MOST_STEPS), optional=True)
        in_range((1, MOST_STEPS), **{"epochs · num_train / expected_batch_size": self.num_steps})
        self._whole("images_per_patient", (1, MOST_IMAGES_PER_PATIENT))
        self._whole("num_patients", (2, MOST_RECORDS), optional=True)
        self._check_patients()
        check_accountant(self.accountant)
        self._whole("looks", (1, MOST_LOOKS), optional=True)
        _known(datasets.names(), dataset=self.dataset)
        _known(MODEL_NAMES, model=self.model)
        if self.model is not None and self.dataset is None:
            raise InvalidValue(f"dataset must be named where a model is, but only the model {self.model!r} is.")

    def _check_patients(self) -> None:
        fewest = math.ceil(self.num_train / self.images_per_patient)
        if fewest < 2:
            raise InvalidValue(
                f"images_per_patient must leave at least two patients of {self.num_train:,} records, "
                f"but is {self.images_per_patient:,}."
            )
        if self.num_patients is not None and not fewest <= self.num_patients <= self.num_train:
            raise InvalidValue(
                f"num_patients must be from {fewest:,} (num_train / images_per_patient) to {self.num_train:,}, "
                f"but is {self.num_patients:,}."
            )

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _whole(self, name: str, limits: tuple[float, float], *, optional: bool = False) -> None:
        value = getattr(self, name)
        if optional and value is None:
            return
        self._set(name, _validate.whole(minimum=int(limits[0]), **{name: value}))
        in_range(limits, **{name: getattr(self, name)})

    @property
    def sample_rate(self) -> float:
        """Poisson inclusion probability of a record in a step."""
        return self.expected_batch_size / self.num_train

    @property
    def num_steps(self) -> int:
        """Noisy releases: as given, or those whose expected passes come closest to `epochs`, at least 1."""
        if self.steps is not None:
            return self.steps
        return max(1, round((self.epochs or 0) / self.sample_rate))

    @property
    def passes(self) -> float:
        """Expected passes over the records, sample_rate · steps."""
        return self.sample_rate * self.num_steps

    @property
    def num_looks(self) -> int:
        """Looks of the real attacker: as given, or one an epoch."""
        return self.looks if self.looks is not None else max(1, round(self.passes))

    @property
    def patients(self) -> int:
        """Patients: as given, or as few as there can be."""
        return self.num_patients or math.ceil(self.num_train / self.images_per_patient)

    def kappa(self, level: Level) -> float:
        """Chance to match the right record, or patient, without the release: 1 over their number."""
        return 1 / (self.patients if level == "patient" else self.num_train)

    def records(self, level: Level) -> int:
        """Records that must be hidden together."""
        return self.images_per_patient if level == "patient" else 1

    def with_noise(self, noise_multiplier: float) -> DpSgdMechanism:
        """Returns the training's mechanism at that noise."""
        return DpSgdMechanism(noise_multiplier=noise_multiplier, sample_rate=self.sample_rate, steps=self.num_steps)


@dataclass(frozen=True, kw_only=True)
class Plan(Setting):
    """A setting with a name and a budget: either ε, counted by its accountant, or the noise itself."""

    name: str
    epsilon: float | None = None
    noise_multiplier: float | None = None

    def __post_init__(self) -> None:
        """Raises InvalidValue for the first field that breaks its rule."""
        self._set("name", check_text(name=self.name))
        super().__post_init__()
        exactly_one(epsilon=self.epsilon, noise_multiplier=self.noise_multiplier)
        for name, limits in (("epsilon", EPSILON_LIMITS), ("noise_multiplier", NOISE_LIMITS)):
            if getattr(self, name) is not None:
                self._set(name, _validate.positive(**{name: getattr(self, name)}))
                in_range(limits, **{name: getattr(self, name)})

    def mechanism(self) -> DpSgdMechanism:
        """Returns the mechanism: of the least noise that keeps ε, or of the noise given.

        Raises CalibrationError if no noise keeps ε.
        """
        if self.noise_multiplier is not None:
            return self.with_noise(self.noise_multiplier)
        assert self.epsilon is not None
        target = PrivacyTarget(epsilon=self.epsilon, delta=self.delta, accountant=self.accountant)
        return calibrate(target, sample_rate=self.sample_rate, steps=self.num_steps)


def setting_of(plan: Setting) -> Setting:
    """Returns the setting alone, without name and budget."""
    return Setting(**{field.name: getattr(plan, field.name) for field in dataclasses.fields(Setting)})


def exactly_one(**named: object) -> None:
    """Raises InvalidValue unless exactly one of the values is not None."""
    given = [name for name, value in named.items() if value is not None]
    if len(given) != 1:
        found = " and ".join(given) or "neither"
        raise InvalidValue(f"exactly one of {' and '.join(named)} must be given, but {found} is.")


def _known(names: tuple[str, ...], **named: str | None) -> None:
    ((field, value),) = named.items()
    if value is not None and value not in names:
        raise InvalidValue(f"{field} must be one of {', '.join(names)}, but is {value!r}.")
