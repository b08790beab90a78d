"""The types refuse what makes no sense, in one sentence that names field, rule and value."""

from __future__ import annotations

import dataclasses
import math

import pytest

from dpcore.errors import InvalidValue
from dpcore.privacy import DpSgdMechanism, NonPrivate, PrivacyTarget, calibrate

GOOD = {"noise_multiplier": 1.0, "sample_rate": 0.1, "steps": 10}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("noise_multiplier", 0.0),
        ("noise_multiplier", -1.0),
        ("noise_multiplier", math.nan),
        ("noise_multiplier", math.inf),
        ("noise_multiplier", "1"),
        ("noise_multiplier", True),
        ("noise_multiplier", 1e-13),
        ("noise_multiplier", 1e13),
        ("sample_rate", 0.0),
        ("sample_rate", 1.0000001),
        ("sample_rate", math.nan),
        ("sample_rate", 1e-13),
        ("steps", 0),
        ("steps", -3),
        ("steps", 1.5),
        ("steps", 10.0),
        ("steps", math.nan),
        ("steps", 10**10),
    ],
)
def test_mechanism_names_field_and_value(field: str, value: object) -> None:
    with pytest.raises(InvalidValue) as caught:
        DpSgdMechanism(**{**GOOD, field: value})
    message = str(caught.value)
    assert message.startswith(f"{field} must be ")
    assert repr(value) in message
    assert message.endswith(".")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epsilon", 0.0),
        ("epsilon", -8.0),
        ("epsilon", math.inf),
        ("epsilon", math.nan),
        ("delta", 0.0),
        ("delta", 1.0),
        ("delta", math.nan),
        ("accountant", "prv"),
        ("accountant", None),
    ],
)
def test_target_names_field_and_value(field: str, value: object) -> None:
    with pytest.raises(InvalidValue, match=f"^{field} must be .*{value!r}"):
        PrivacyTarget(**{"epsilon": 1.0, "delta": 1e-5, field: value})


@pytest.mark.parametrize(("field", "value"), [("sample_rate", 0.0), ("sample_rate", 2.0), ("steps", 0), ("steps", 1.5)])
def test_calibrate_checks_its_own_arguments(field: str, value: object) -> None:
    with pytest.raises(InvalidValue, match=f"^{field} must be "):
        calibrate(PrivacyTarget(epsilon=1.0, delta=1e-5), **{"sample_rate": 0.1, "steps": 10, field: value})


def test_types_are_frozen_and_hashable() -> None:
    mechanism = DpSgdMechanism(**GOOD)
    with pytest.raises(dataclasses.FrozenInstanceError):
        mechanism.steps = 11  # type: ignore[misc]
    assert len({mechanism, DpSgdMechanism(**GOOD), NonPrivate(), NonPrivate()}) == 2
    assert mechanism.mu == 1.0
