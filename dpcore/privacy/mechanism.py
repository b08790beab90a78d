"""What is released and what was asked for: the types every accountant and every bound starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dpcore._validate import open_unit, positive, unit_interval, whole
from dpcore.errors import InvalidValue

Accountant = Literal["rdp", "tight"]
ACCOUNTANTS: tuple[Accountant, ...] = ("rdp", "tight")


#: Outside these limits floating-point numbers do not carry the computation.
NOISE_LIMITS = (1e-12, 1e12)
SMALLEST_SAMPLE_RATE = 1e-12
MOST_STEPS = 10**9


def _within(*, limits: tuple[float, float], **named: float) -> None:
    ((name, value),) = named.items()
    if not limits[0] <= value <= limits[1]:
        raise InvalidValue(f"{name} must be from {limits[0]:g} to {limits[1]:g}, but is {value!r}.")


def check_accountant(accountant: object) -> Accountant:
    """Returns the name of a known accountant; raises InvalidValue otherwise."""
    for known in ACCOUNTANTS:
        if accountant == known:
            return known
    raise InvalidValue(f"accountant must be one of {', '.join(ACCOUNTANTS)}, but is {accountant!r}.")


@dataclass(frozen=True, kw_only=True)
class PrivacyTarget:
    """The (ε, δ) a training must not exceed, and the accountant that counts it."""

    epsilon: float
    delta: float
    accountant: Accountant = "rdp"

    def __post_init__(self) -> None:
        positive(epsilon=self.epsilon)
        open_unit(delta=self.delta)
        check_accountant(self.accountant)


@dataclass(frozen=True, kw_only=True)
class DpSgdMechanism:
    """T adaptive releases of a clipped gradient sum with Gaussian noise over Poisson-sampled batches.

    `noise_multiplier` is noise standard deviation / clipping norm, `sample_rate` the chance of a record to be in a
    step's batch, `steps` the number of noisy releases. Two datasets are neighbours if one has one record more.
    """

    noise_multiplier: float
    sample_rate: float
    steps: int

    def __post_init__(self) -> None:
        positive(noise_multiplier=self.noise_multiplier)
        unit_interval(sample_rate=self.sample_rate)
        whole(steps=self.steps)
        _within(noise_multiplier=self.noise_multiplier, limits=NOISE_LIMITS)
        _within(sample_rate=self.sample_rate, limits=(SMALLEST_SAMPLE_RATE, 1.0))
        _within(steps=self.steps, limits=(1, MOST_STEPS))

    @property
    def mu(self) -> float:
        """The shift one record causes in one step, in noise standard deviations: 1 / noise_multiplier."""
        return 1.0 / self.noise_multiplier


@dataclass(frozen=True, kw_only=True)
class NonPrivate:
    """Training without noise: no ε is finite and no bound is below certainty."""
