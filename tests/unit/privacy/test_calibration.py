"""Calibration: never above the target, and no more noise than needed."""

from __future__ import annotations

import numpy as np
import pytest

from dpcore.errors import CalibrationError
from dpcore.privacy import DpSgdMechanism, PrivacyTarget, calibrate, get_epsilon_from_mechanism


@pytest.mark.parametrize("accountant", ["rdp", "tight"])
@pytest.mark.parametrize(("sample_rate", "steps"), [(0.2534, 300), (0.0033, 15250), (1.0, 20), (0.01, 10), (0.4, 1)])
@pytest.mark.parametrize("epsilon", [0.01, 0.1, 1.0, 8.0, 300.0, 1e5, 1e9, 1e15])
def test_meets_the_target_with_the_least_noise(accountant: str, sample_rate: float, steps: int, epsilon: float) -> None:
    target = PrivacyTarget(epsilon=epsilon, delta=8e-7, accountant=accountant)
    mechanism = calibrate(target, sample_rate=sample_rate, steps=steps)
    assert (mechanism.sample_rate, mechanism.steps) == (sample_rate, steps)
    assert get_epsilon_from_mechanism(mechanism, delta=8e-7, accountant=accountant) <= epsilon
    less = DpSgdMechanism(
        noise_multiplier=mechanism.noise_multiplier * (1 - 1e-6), sample_rate=sample_rate, steps=steps
    )
    assert get_epsilon_from_mechanism(less, delta=8e-7, accountant=accountant) > epsilon


def test_opacus_orders_reach_no_epsilon_below_their_floor_but_calibration_does() -> None:
    noise = [
        calibrate(PrivacyTarget(epsilon=e, delta=8e-7), sample_rate=0.25, steps=300).noise_multiplier
        for e in (0.05, 0.1, 0.1437, 0.2, 0.4)
    ]
    assert np.all(np.diff(noise) < 0)


def test_impossible_target_is_one_sentence() -> None:
    with pytest.raises(CalibrationError, match=r"^epsilon must be large enough .* but is 1e-14 .*\.$"):
        calibrate(PrivacyTarget(epsilon=1e-14, delta=1e-300, accountant="rdp"), sample_rate=1.0, steps=10**9)


def test_same_call_is_answered_from_memory() -> None:
    target = PrivacyTarget(epsilon=3.3, delta=1e-6, accountant="tight")
    assert calibrate(target, sample_rate=0.2, steps=50) is calibrate(target, sample_rate=0.2, steps=50)
