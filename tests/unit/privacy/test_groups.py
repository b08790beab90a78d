"""Patients who own several records."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from dpcore.errors import InvalidValue
from dpcore.privacy import (
    DpSgdMechanism,
    NonPrivate,
    get_epsilon_from_mechanism,
    get_group_delta,
    get_patient_epsilon_from_mechanism,
    get_patient_trade_off_from_mechanism,
    get_trade_off_from_mechanism,
)

SAMPLED = DpSgdMechanism(noise_multiplier=3.0, sample_rate=0.05, steps=100)
FULL = DpSgdMechanism(noise_multiplier=6.0, sample_rate=1.0, steps=4)


def test_group_delta_is_the_geometric_sum() -> None:
    assert get_group_delta(0.5, 1e-6, records=1) == pytest.approx(1e-6, rel=1e-12)
    by_hand = 1e-6 * (1 + math.exp(0.5) + math.exp(1.0))
    assert get_group_delta(0.5, 1e-6, records=3) == pytest.approx(by_hand, rel=1e-12)
    assert get_group_delta(0.0, 1e-6, records=4) == pytest.approx(4e-6, rel=1e-12)
    assert get_group_delta(1e5, 1e-6, records=4) == math.inf


@pytest.mark.parametrize("accountant", ["rdp", "tight"])
@pytest.mark.parametrize("records", [1, 2, 5])
def test_full_batches_shift_k_fold(accountant: str, records: int) -> None:
    shifted = DpSgdMechanism(noise_multiplier=6.0 / records, sample_rate=1.0, steps=4)
    assert get_patient_epsilon_from_mechanism(
        FULL, delta=1e-6, accountant=accountant, records_per_patient=records
    ) == get_epsilon_from_mechanism(shifted, delta=1e-6, accountant=accountant)
    curve = get_patient_trade_off_from_mechanism(FULL, records_per_patient=records)
    assert curve.gamma(0.01) == pytest.approx(stats.norm.cdf(stats.norm.ppf(0.01) + records * 2 / 6), rel=1e-12)


@pytest.mark.parametrize("accountant", ["rdp", "tight"])
def test_sampled_batches_keep_the_general_bound(accountant: str) -> None:
    epsilons = [
        get_patient_epsilon_from_mechanism(SAMPLED, delta=1e-6, accountant=accountant, records_per_patient=k)
        for k in (1, 2, 3, 5)
    ]
    assert epsilons[0] == get_epsilon_from_mechanism(SAMPLED, delta=1e-6, accountant=accountant)
    assert np.all(np.diff(epsilons) > 0)
    # The bound holds at the δ of one record that was chosen, and at hardly any larger one.
    one = epsilons[2] / 3
    for factor, holds in ((1 + 1e-6, True), (1 - 1e-3, False)):
        smallest = _delta_of_one(one * factor, accountant)
        assert (get_group_delta(one * factor, smallest, records=3) <= 1e-6) is holds


def _delta_of_one(epsilon: float, accountant: str) -> float:
    low, high = math.log(1e-200), math.log(0.5)
    for _ in range(80):
        middle = (low + high) / 2
        reached = get_epsilon_from_mechanism(SAMPLED, delta=math.exp(middle), accountant=accountant)
        low, high = (low, middle) if reached <= epsilon else (middle, high)
    return math.exp(high)


def test_group_curve_applies_the_curve_k_times() -> None:
    one = get_trade_off_from_mechanism(SAMPLED)
    three = get_patient_trade_off_from_mechanism(SAMPLED, records_per_patient=3)
    kappa = np.array([1e-8, 1e-4, 0.1, 1.0])
    np.testing.assert_array_equal(three.gamma(kappa), one.gamma(one.gamma(one.gamma(kappa))))
    assert three.error == 3 * one.error
    assert three.resolution == 1e-8
    assert one.advantage < three.advantage < 3 * one.advantage
    grid = np.linspace(1e-8, 1, 100_001)
    assert three.auc == pytest.approx(float(np.trapezoid(three.roc(grid), grid)), abs=1e-5)
    assert three.delta(0.2) == pytest.approx(float((three.roc(grid) - math.exp(0.2) * grid).max()), abs=1e-6)


def test_group_curve_of_shifted_gaussians_equals_the_closed_form() -> None:
    # One step with q so near 1 that it is a Gaussian, but counts as sampled.
    nearly = DpSgdMechanism(noise_multiplier=2.0, sample_rate=1 - 1e-12, steps=1)
    curve = get_patient_trade_off_from_mechanism(nearly, records_per_patient=3)
    assert curve.gamma(0.01) == pytest.approx(stats.norm.cdf(stats.norm.ppf(0.01) + 1.5), rel=1e-9)
    assert curve.advantage == pytest.approx(2 * stats.norm.cdf(0.75) - 1, abs=1e-6)
    assert curve.auc == pytest.approx(stats.norm.cdf(1.5 / math.sqrt(2)), abs=1e-6)


def test_no_noise_and_bad_counts() -> None:
    assert (
        get_patient_epsilon_from_mechanism(NonPrivate(), delta=1e-6, accountant="rdp", records_per_patient=2)
        == math.inf
    )
    assert get_patient_trade_off_from_mechanism(NonPrivate(), records_per_patient=2).auc == 1.0
    for bad in (0, -1, 1.5, math.nan):
        with pytest.raises(InvalidValue, match=r"^records_per_patient must be"):
            get_patient_trade_off_from_mechanism(SAMPLED, records_per_patient=bad)  # type: ignore[arg-type]
