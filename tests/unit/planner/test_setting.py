"""Every field of a plan: units, ranges, NaN, batch above N, ε = 0, and what follows from them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from dpcore.errors import InvalidValue
from dpcore.planner import Plan, Setting
from dpcore.planner.setting import MOST_RECORDS, setting_of

GOOD: dict[str, Any] = {
    "name": "a plan", "num_train": 1000, "expected_batch_size": 100, "epochs": 20, "delta": 1e-5, "epsilon": 8.0,
    "dataset": "skin_phantom",
}  # fmt: skip

BAD = [
    ("name", ""), ("name", "x" * 81), ("name", "two\nlines"), ("name", 7), ("name", None),
    ("num_train", 1), ("num_train", 0), ("num_train", -5), ("num_train", 10.5), ("num_train", math.nan),
    ("num_train", True), ("num_train", "1000"), ("num_train", MOST_RECORDS + 1), ("num_train", 10**400),
    ("expected_batch_size", 0), ("expected_batch_size", 1001), ("expected_batch_size", 2.5),
    ("epochs", 0), ("epochs", 100_001), ("epochs", math.inf), ("epochs", None), ("steps", 10),
    ("delta", 0), ("delta", 1), ("delta", math.nan), ("delta", -1e-5), ("delta", 1e-200), ("delta", "small"),
    ("epsilon", 0), ("epsilon", -1), ("epsilon", math.nan), ("epsilon", math.inf), ("epsilon", 1e16),
    ("epsilon", 0.001), ("epsilon", None), ("epsilon", [8]), ("noise_multiplier", 1.0),
    ("images_per_patient", 0), ("images_per_patient", 1001), ("images_per_patient", 1000), ("images_per_patient", 1.5),
    ("num_patients", 999), ("num_patients", 1001), ("num_patients", 0),
    ("accountant", "gdp"), ("accountant", None), ("dataset", "mnist"), ("dataset", 3), ("model", "gpt"),
    ("looks", 0), ("looks", 0.5), ("looks", 10**10),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), BAD, ids=str)
def test_a_broken_field_gets_one_sentence_that_names_it(field: str, value: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        Plan(**{**GOOD, field: value})
    sentence = str(caught.value)
    assert field in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_noise_must_lie_where_numbers_carry_it() -> None:
    for noise in (0, -1, math.nan, 1e-13, 1e13):
        with pytest.raises(InvalidValue, match="noise_multiplier"):
            Plan(**{**GOOD, "epsilon": None, "noise_multiplier": noise})


def test_a_model_needs_its_dataset() -> None:
    with pytest.raises(InvalidValue, match="dataset must be named"):
        Plan(**{**GOOD, "dataset": None, "model": "small_cnn"})


def test_steps_patients_and_looks_follow() -> None:
    plan = Plan(**{**GOOD, "num_train": 1050, "images_per_patient": 4})
    assert plan.num_steps == 210  # 20 · 1050 / 100
    assert plan.passes == pytest.approx(20)
    assert plan.num_looks == 20
    assert plan.patients == 263  # as few as can be: ⌈1050 / 4⌉
    assert plan.kappa("patient") == 1 / 263
    assert plan.kappa("record") == 1 / 1050
    assert Plan(**{**GOOD, "epochs": None, "steps": 7}).num_steps == 7
    assert Plan(**{**GOOD, "expected_batch_size": 1000, "epochs": 1}).num_steps == 1


def test_whole_and_broken_numbers_make_the_same_plan() -> None:
    assert Plan(**{**GOOD, "epsilon": 8}) == Plan(**GOOD)
    assert isinstance(Plan(**{**GOOD, "epsilon": 8}).epsilon, float)


def test_a_plan_is_a_setting_and_a_budget() -> None:
    plan = Plan(**GOOD)
    rest = {name: value for name, value in GOOD.items() if name not in ("name", "epsilon")}
    assert setting_of(plan) == Setting(**rest)


def test_the_noise_keeps_the_budget_by_either_accountant() -> None:
    rdp, tight = (Plan(**GOOD, accountant=accountant).mechanism() for accountant in ("rdp", "tight"))
    assert tight.noise_multiplier < rdp.noise_multiplier
    assert Plan(**{**GOOD, "epsilon": None, "noise_multiplier": 1.5}).mechanism().noise_multiplier == 1.5
