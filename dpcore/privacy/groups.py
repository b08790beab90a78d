"""What is promised to a patient who owns several records: group privacy."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from dpcore._validate import non_negative, open_unit, whole
from dpcore.errors import CalibrationError
from dpcore.privacy.accounting import get_epsilon_from_mechanism
from dpcore.privacy.bounds import get_trade_off_from_mechanism
from dpcore.privacy.closed_forms import GaussianTradeOff
from dpcore.privacy.composed import TOLERANCE
from dpcore.privacy.mechanism import Accountant, DpSgdMechanism, NonPrivate, check_accountant
from dpcore.privacy.solver import smallest_safe
from dpcore.privacy.trade_off import TradeOff

FloatArray = NDArray[np.floating]

#: −log of the smallest δ of one record that is tried, the least first step towards it, and how near it is enough.
_SMALLEST, _FIRST_STEP, _TOLERANCE = 690.0, 1e-3, 1e-6
#: How wrong an extrapolated δ is taken to be, relative to the last step towards it.
_NEAR = 0.01
#: Normal quantiles of the false-positive rates at which a group's curve is tabulated.
_QUANTILES = np.linspace(-5.6, 8.2, 4001)


def get_group_delta(epsilon: float, delta: float, *, records: int) -> float:
    """Returns δ of (records·ε, δ)-DP for a group when one record has (ε, δ)-DP: δ·(e^{kε} − 1)/(e^ε − 1).

    May exceed 1, then it says nothing. Vadhan, "The complexity of differential privacy" (2017), Lemma 2.2.
    """
    epsilon, records = non_negative(epsilon=epsilon), whole(records=records)
    log_delta = math.log(open_unit(delta=delta)) + _log_group_factor(epsilon, records)
    return math.exp(log_delta) if log_delta < 700 else math.inf


def _log_group_factor(epsilon: float, records: int) -> float:
    """log Σ_{i < k} e^{iε}."""
    if epsilon == 0:
        return math.log(records)
    return (records - 1) * epsilon + math.log(math.expm1(-records * epsilon) / math.expm1(-epsilon))


def get_patient_epsilon_from_mechanism(
    mechanism: DpSgdMechanism | NonPrivate, *, delta: float, accountant: Accountant, records_per_patient: int
) -> float:
    """Returns ε for a patient who owns that many records, at `delta`; infinite where no bound is found.

    Full batches: the shift μ grows k-fold. Otherwise ε = k·ε₁ with the smallest ε₁ of one record for which δ₁ times
    (e^{kε₁} − 1)/(e^{ε₁} − 1) is at most δ.
    """
    delta, accountant = open_unit(delta=delta), check_accountant(accountant)
    k = whole(records_per_patient=records_per_patient)
    if isinstance(mechanism, NonPrivate):
        return math.inf
    if k == 1 or mechanism.sample_rate == 1:
        return get_epsilon_from_mechanism(_with_shift(mechanism, k), delta=delta, accountant=accountant)

    def epsilon_of_one(own_delta: float) -> float:
        return get_epsilon_from_mechanism(mechanism, delta=own_delta, accountant=accountant)

    return get_group_epsilon(epsilon_of_one, delta, records=k)


def get_group_epsilon(epsilon_of_one: Callable[[float], float], delta: float, *, records: int) -> float:
    """Returns k·ε₁ with the smallest ε₁ of one record for which δ₁·(e^{kε₁} − 1)/(e^{ε₁} − 1) is at most δ.

    `epsilon_of_one` gives ε₁ at a δ₁, and grows as that falls. Infinite where no δ₁ is small enough.
    """
    least = -math.log(open_unit(delta=delta))
    own_epsilon = lru_cache(lambda negative_log_delta: epsilon_of_one(math.exp(-negative_log_delta)))

    def needed(negative_log_delta: float) -> float:
        return least + _log_group_factor(own_epsilon(negative_log_delta), records)

    guess, step = _rest_of(needed, least)
    try:
        enough = smallest_safe(
            lambda x: needed(x) - x, start=guess, step=step, tolerance=_TOLERANCE, limits=(least, _SMALLEST)
        )
    except CalibrationError:
        return math.inf
    return records * own_epsilon(enough)


def _rest_of(needed: Callable[[float], float], least: float) -> tuple[float, float]:
    """About where what is needed is what is taken, and how wrong that may be: ε grows as a + b·√(−log δ), nearly."""
    first = min(needed(least), _SMALLEST)
    second = min(needed(first), _SMALLEST)
    roots = math.sqrt(least), math.sqrt(first)
    if roots[0] == roots[1]:
        return least, _FIRST_STEP
    b = (second - first) / (roots[1] - roots[0])
    a = first - b * roots[0]
    guess = ((b + math.sqrt(max(b * b + 4 * a, 0.0))) / 2) ** 2
    return min(guess, _SMALLEST), _NEAR * abs(guess - first) + _FIRST_STEP


def get_patient_trade_off_from_mechanism(
    mechanism: DpSgdMechanism | NonPrivate, *, records_per_patient: int, tolerance: float = TOLERANCE
) -> TradeOff:
    """Returns the worst-case trade-off curve for a patient who owns that many records.

    Full batches: μ grows k-fold. Otherwise γ∘…∘γ, k times. Dong, Roth & Su (2022), Theorem 2.14.
    `tolerance` is the relative error at which one record's curve is exact enough.
    """
    k = whole(records_per_patient=records_per_patient)
    base = get_trade_off_from_mechanism(mechanism, "worst_case", tolerance=tolerance)
    if k == 1 or isinstance(mechanism, NonPrivate):
        return base
    if isinstance(base, GaussianTradeOff):
        return GaussianTradeOff(mu=k * base.mu)
    return GroupTradeOff(base=base, records=k)


@dataclass(frozen=True, kw_only=True)
class GroupTradeOff(TradeOff):
    """The curve of a group whose records each have the base curve: γ applied `records` times."""

    base: TradeOff
    records: int

    @property
    def resolution(self) -> float:  # type: ignore[override]
        """That of the base."""
        return self.base.resolution

    @property
    def error(self) -> float:  # type: ignore[override]
        """That of the base, once for each record: γ is concave, so relative errors do not grow."""
        return self.records * self.base.error

    def _gamma(self, kappa: FloatArray) -> FloatArray:
        for _ in range(self.records):
            kappa = self.base._gamma(kappa)
            if kappa.min(initial=1.0) >= 1:
                break
        return kappa

    @cached_property
    def _table(self) -> FloatArray:
        return self._gamma(ndtr(_QUANTILES))

    def delta(self, epsilon: float) -> float:
        """Returns the largest γ − e^ε·κ over a table of κ, right to about 1e-6."""
        kappa = ndtr(_QUANTILES)
        gains = self._table - math.exp(min(epsilon, 700.0)) * kappa
        return max(float(gains.max()), 0.0, -math.expm1(min(epsilon, 0.0)))

    @property
    def auc(self) -> float:
        """Returns the integral of γ over κ, right to about 1e-6."""
        kappa = ndtr(_QUANTILES)
        return float(np.trapezoid(self._table, kappa)) + float(ndtr(-_QUANTILES[-1]))


def _with_shift(mechanism: DpSgdMechanism, factor: int) -> DpSgdMechanism:
    return DpSgdMechanism(
        noise_multiplier=mechanism.noise_multiplier / factor,
        sample_rate=mechanism.sample_rate,
        steps=mechanism.steps,
    )
