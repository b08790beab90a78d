"""Both bounds over a range of budgets."""

from __future__ import annotations

import numpy as np
import pytest

from dpcore.errors import InvalidValue
from dpcore.privacy import ACCOUNTANTS, PrivacyTarget, calibrate, get_bound_curve, get_risks_from_mechanism

BUDGETS = (0.1, 1.0, 8.0, 32.0, 1e3, 1e9, 1e15)
TRAINING = {"delta": 8e-7, "sample_rate": 2048 / 8082, "steps": 300, "kappa": 1 / 8082}


@pytest.mark.parametrize("accountant", ACCOUNTANTS)
def test_each_point_is_what_the_single_call_gives(accountant: str) -> None:
    curve = get_bound_curve(BUDGETS, accountant=accountant, **TRAINING)
    assert curve.epsilon.tolist() == list(BUDGETS)
    assert np.all(np.diff(curve.noise_multiplier) < 0)
    for i, epsilon in enumerate(BUDGETS):
        target = PrivacyTarget(epsilon=epsilon, delta=8e-7, accountant=accountant)
        mechanism = calibrate(target, sample_rate=2048 / 8082, steps=300)
        risks = get_risks_from_mechanism(mechanism, kappa=1 / 8082)
        found = (curve.noise_multiplier[i], curve.worst_case[i], curve.relaxed[i])
        assert found == (mechanism.noise_multiplier, risks.worst_case, risks.relaxed)


def test_second_call_is_answered_from_memory_and_cannot_be_spoilt() -> None:
    first = get_bound_curve(BUDGETS[:2], accountant="rdp", **TRAINING)
    assert get_bound_curve(list(BUDGETS[:2]), accountant="rdp", **TRAINING) is first
    with pytest.raises(ValueError, match="read-only"):
        first.worst_case[0] = 0.0


@pytest.mark.parametrize(("field", "value"), [("kappa", 0.0), ("delta", 1.0), ("sample_rate", 2.0), ("steps", 0)])
def test_bad_parameters_are_refused(field: str, value: float) -> None:
    with pytest.raises(InvalidValue, match=rf"^{field} must be"):
        get_bound_curve(BUDGETS[:2], accountant="rdp", **{**TRAINING, field: value})
