"""A ledger of everything that was, or will be, released about the same patients, and what it adds up to."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass

from dpcore import _validate
from dpcore.errors import InvalidValue
from dpcore.planner.setting import EPSILON_LIMITS, MOST_IMAGES_PER_PATIENT, check_text, in_range
from dpcore.privacy import Accountant, DpSgdMechanism, check_accountant
from dpcore.privacy.mechanism import MOST_STEPS

MOST_RELEASES = 100
_YEARS = (1900, 2200)


@dataclass(frozen=True, kw_only=True)
class Release:
    """What all releases have in common."""

    label: str
    #: When it was, or will be, released.
    date: datetime.date
    #: Whether it is only planned yet.
    planned: bool = False

    def __post_init__(self) -> None:
        """Raises InvalidValue for the first field that breaks its rule."""
        self._set("label", check_text(label=self.label))
        if not isinstance(self.date, datetime.date) or isinstance(self.date, datetime.datetime):
            raise InvalidValue(f"date must be a day such as 2026-11-24, but is {self.date!r}.")
        in_range(_YEARS, **{"the year of date": self.date.year})
        if not isinstance(self.planned, bool):
            raise InvalidValue(f"planned must be true or false, but is {self.planned!r}.")

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


@dataclass(frozen=True, kw_only=True)
class TrainingRelease(Release):
    """A model trained with DP-SGD; its fields are those of `privacy.DpSgdMechanism`."""

    noise_multiplier: float
    sample_rate: float
    steps: int

    def __post_init__(self) -> None:
        """Raises InvalidValue for the first field that breaks its rule."""
        super().__post_init__()
        self.mechanism()
        self._set("noise_multiplier", float(self.noise_multiplier))
        self._set("sample_rate", float(self.sample_rate))
        self._set("steps", int(self.steps))

    def mechanism(self) -> DpSgdMechanism:
        """Returns the mechanism that was run."""
        return DpSgdMechanism(noise_multiplier=self.noise_multiplier, sample_rate=self.sample_rate, steps=self.steps)


@dataclass(frozen=True, kw_only=True)
class GaussianRelease(Release):
    """A query answered `times` times with Gaussian noise: its standard deviation / L2 sensitivity to one record."""

    noise_multiplier: float
    times: int = 1

    def __post_init__(self) -> None:
        """Raises InvalidValue for the first field that breaks its rule."""
        super().__post_init__()
        self._set("times", _times(self.times))
        self.mechanism()
        self._set("noise_multiplier", float(self.noise_multiplier))

    def mechanism(self) -> DpSgdMechanism:
        """Returns the mechanism: as many steps on all records."""
        return DpSgdMechanism(noise_multiplier=self.noise_multiplier, sample_rate=1.0, steps=self.times)


@dataclass(frozen=True, kw_only=True)
class LaplaceRelease(Release):
    """A query answered `times` times with Laplace noise of scale L1 sensitivity / ε: each is ε-DP."""

    epsilon: float
    times: int = 1

    def __post_init__(self) -> None:
        """Raises InvalidValue for the first field that breaks its rule."""
        super().__post_init__()
        self._set("times", _times(self.times))
        self._set("epsilon", _validate.positive(epsilon=self.epsilon))
        in_range((1e-9, 1e9), epsilon=self.epsilon)


AnyRelease = TrainingRelease | GaussianRelease | LaplaceRelease


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """All releases about the same patients; each patient is taken to be in every one of them."""

    name: str
    #: What may be spent in all, ε at `delta` by `accountant`.
    budget_epsilon: float
    delta: float
    accountant: Accountant = "rdp"
    #: The most records that any one patient has in a release.
    images_per_patient: int = 1
    releases: tuple[AnyRelease, ...] = ()

    def __post_init__(self) -> None:
        """Raises InvalidValue for the first field that breaks its rule."""
        self._set("name", check_text(name=self.name))
        self._set("budget_epsilon", _validate.positive(budget_epsilon=self.budget_epsilon))
        in_range(EPSILON_LIMITS, budget_epsilon=self.budget_epsilon)
        self._set("delta", _validate.open_unit(delta=self.delta))
        in_range((1e-100, 0.5), delta=self.delta)
        check_accountant(self.accountant)
        self._set("images_per_patient", _validate.whole(images_per_patient=self.images_per_patient))
        in_range((1, MOST_IMAGES_PER_PATIENT), images_per_patient=self.images_per_patient)
        self._set("releases", tuple(self.releases))
        if len(self.releases) > MOST_RELEASES:
            raise InvalidValue(f"releases must be at most {MOST_RELEASES}, but are {len(self.releases):,}.")
        for release in self.releases:
            if not isinstance(release, AnyRelease):
                raise InvalidValue(f"releases must be trainings and queries, but hold {type(release).__name__}.")

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def past(self) -> tuple[AnyRelease, ...]:
        """Releases that were made, by date."""
        return tuple(sorted((r for r in self.releases if not r.planned), key=lambda r: r.date))

    @property
    def planned(self) -> tuple[AnyRelease, ...]:
        """Releases that are only planned, by date."""
        return tuple(sorted((r for r in self.releases if r.planned), key=lambda r: r.date))


def _times(times: object) -> int:
    value = _validate.whole(times=times)
    in_range((1, MOST_STEPS), times=value)
    return value


@dataclass(frozen=True, kw_only=True)
class Total:
    """ε of releases together, at the ledger's δ; 0 of none, ∞ where no bound is found."""

    epsilon_rdp: float
    epsilon_tight: float

    def by(self, accountant: Accountant) -> float:
        """Returns ε by one accountant."""
        return self.epsilon_rdp if accountant == "rdp" else self.epsilon_tight

    def less(self, other: Total) -> Total:
        """Returns the difference."""
        return Total(
            epsilon_rdp=_difference(self.epsilon_rdp, other.epsilon_rdp),
            epsilon_tight=_difference(self.epsilon_tight, other.epsilon_tight),
        )


def _difference(more: float, less: float) -> float:
    return math.inf if math.isinf(more) else more - less
