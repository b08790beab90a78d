"""Backwards, against a plain search over a grid of σ with functions that solve knows nothing of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from dpcore.errors import InvalidValue
from dpcore.planner import (
    Feasible,
    Infeasible,
    Limit,
    Plan,
    Setting,
    UtilityEstimate,
    answer,
    describe_outcome,
    get_remedies,
    get_utility,
    solve,
)
from dpcore.privacy import PrivacyTarget, calibrate, get_epsilon_from_mechanism, get_trade_off_from_mechanism
from dpcore.results.store import PrecomputedStore

SETTING: dict[str, Any] = {
    "num_train": 1000, "expected_batch_size": 100, "epochs": 40, "delta": 1e-5, "dataset": "skin_phantom",
    "images_per_patient": 2, "num_patients": 700, "looks": 4,
}  # fmt: skip

#: A limit and where its number stands in an answer.
CASES = [
    (Limit(kind="reconstruction", value=0.01), lambda a: a.record.worst_case),
    (Limit(kind="reconstruction", value=0.05, level="patient"), lambda a: a.patient.worst_case),
    (Limit(kind="relaxed", value=0.005), lambda a: a.record.relaxed),
    (Limit(kind="advantage", value=0.2), lambda a: a.record.advantage),
    (Limit(kind="advantage", value=0.4, level="patient"), lambda a: a.patient.advantage),
    (Limit(kind="tpr_at_fpr_0_01", value=0.05), lambda a: a.record.tpr_at_fpr_0_01),
    (Limit(kind="tpr_at_fpr_0_001", value=0.05, level="patient"), lambda a: a.patient.tpr_at_fpr_0_001),
    (Limit(kind="epsilon", value=3.0), lambda a: a.record.epsilon_rdp),
    (Limit(kind="epsilon", value=20.0, level="patient"), lambda a: a.patient.epsilon_rdp),
    (Limit(kind="realistic", value=0.1), lambda a: a.realistic.rebuilt.value),
]


def _answered(noise: float, store: PrecomputedStore) -> Any:
    return answer(Plan(name="x", noise_multiplier=noise, **SETTING), store)


@pytest.mark.parametrize(("limit", "read"), CASES, ids=lambda x: getattr(x, "text", ""))
def test_the_least_noise_keeps_the_limit_and_a_little_less_does_not(
    invented: PrecomputedStore, limit: Limit, read: Any
) -> None:
    found = solve(Setting(**SETTING), (limit,), invented)
    assert isinstance(found, Feasible)
    assert found.binding == limit
    assert (found.noise_high, found.epsilon_low, found.binding_above) == (math.inf, 0.0, None)
    assert read(_answered(found.noise_low, invented)) <= limit.value
    assert read(_answered(found.noise_low * (1 - 3e-5), invented)) > limit.value
    assert found.epsilon_high == pytest.approx(_answered(found.noise_low, invented).record.epsilon_rdp)


def test_epsilon_at_either_accountant_is_that_of_calibration(invented: PrecomputedStore) -> None:
    for accountant in ("rdp", "tight"):
        found = solve(Setting(**SETTING, accountant=accountant), (Limit(kind="epsilon", value=3.0),), invented)
        assert isinstance(found, Feasible)
        target = PrivacyTarget(epsilon=3.0, delta=1e-5, accountant=accountant)
        expected = calibrate(target, sample_rate=0.1, steps=400).noise_multiplier
        assert found.noise_low == pytest.approx(expected, rel=2e-5)
        assert found.epsilon_high <= 3.0


def test_a_band_between_risk_and_utility(invented: PrecomputedStore) -> None:
    limits = (Limit(kind="advantage", value=0.6), Limit(kind="utility", value=0.375), Limit(kind="epsilon", value=100))
    single = Setting(**{**SETTING, "images_per_patient": 1, "num_patients": None})
    found = solve(single, limits, invented)
    assert isinstance(found, Feasible)
    assert (found.binding, found.binding_above) == (limits[0], limits[1])
    assert found.noise_high == pytest.approx(8.0)  # as in test_answer: half-way between 4 and 16
    inside = [
        noise
        for noise in np.geomspace(0.5, 15.9, 30)
        if all(_keeps(single, noise, limit, invented) for limit in limits)
    ]
    assert min(inside) >= found.noise_low > min(inside) / 1.13
    assert max(inside) <= found.noise_high < max(inside) * 1.13
    assert found.epsilon_low < found.epsilon_high
    assert [a.limit for a in found.allowed] == list(limits)
    (sentence,) = describe_outcome(found)
    assert limits[0].text in sentence
    assert limits[1].text in sentence


def _keeps(setting: Setting, noise: float, limit: Limit, store: PrecomputedStore) -> bool:
    mechanism = setting.with_noise(noise)
    if limit.kind == "utility":
        utility = get_utility(setting, noise, store)
        return isinstance(utility, UtilityEstimate) and utility.share >= limit.value
    if limit.kind == "advantage":
        return get_trade_off_from_mechanism(mechanism).advantage <= limit.value
    return get_epsilon_from_mechanism(mechanism, delta=setting.delta, accountant="rdp") <= limit.value


def test_what_cannot_be_had_together_comes_with_the_closest_and_what_would_help(invented: PrecomputedStore) -> None:
    risk, useful = Limit(kind="reconstruction", value=0.002), Limit(kind="utility", value=0.7)
    found = solve(Setting(**SETTING), (risk, useful), invented)
    assert isinstance(found, Infeasible)
    by_missed = {c.missed: c for c in found.closest}
    quiet, loud = by_missed[risk], by_missed[useful]
    assert quiet.value == pytest.approx(_answered(quiet.noise_multiplier, invented).record.worst_case, rel=1e-6)
    assert quiet.value > risk.value
    assert loud.value == pytest.approx(_answered(loud.noise_multiplier, invented).utility.share, rel=1e-6)
    assert loud.value < useful.value
    remedies = get_remedies(found, invented)
    assert {r.kind for r in remedies} == {"more patients", "fewer steps", "larger batch"}
    assert next(r for r in remedies if r.kind == "more patients").helps
    for remedy in remedies:
        changed = solve(remedy.setting, (risk, useful), invented)
        assert isinstance(changed, Feasible) == remedy.helps
        if isinstance(changed, Feasible):
            assert changed.noise_high == pytest.approx(remedy.noise_multiplier)
            assert changed.epsilon_low == pytest.approx(remedy.epsilon)
        else:
            assert remedy.missed == risk
            plan = Plan(name="x", noise_multiplier=remedy.noise_multiplier, **vars(remedy.setting))
            assert remedy.value == pytest.approx(answer(plan, invented).record.worst_case, rel=1e-6)
    assert all(sentence.endswith(".") for sentence in (*describe_outcome(found), *(r.text for r in remedies)))


def test_fewer_images_of_a_patient_help_patients(invented: PrecomputedStore) -> None:
    limits = (Limit(kind="reconstruction", value=0.1, level="patient"), Limit(kind="utility", value=0.3))
    setting = Setting(**{**SETTING, "images_per_patient": 50, "num_patients": None})
    found = solve(setting, limits, invented)
    assert isinstance(found, Infeasible)
    fewer = next(r for r in get_remedies(found, invented) if r.kind == "fewer images per patient")
    assert fewer.helps
    assert isinstance(solve(fewer.setting, limits, invented), Feasible)
    assert fewer.setting.patients >= 1000 / fewer.setting.images_per_patient


@pytest.mark.parametrize(
    ("limit", "word"),
    [
        (Limit(kind="reconstruction", value=0.001), "by chance"),
        (Limit(kind="tpr_at_fpr_0_01", value=0.01), "by chance"),
        (Limit(kind="utility", value=1.2), "least measured noise"),
    ],
)
def test_what_no_noise_can_do_is_said(invented: PrecomputedStore, limit: Limit, word: str) -> None:
    found = solve(Setting(**SETTING), (limit,), invented)
    assert isinstance(found, Infeasible)
    assert word in found.reason
    assert found.closest[0].missed == limit


def test_nothing_measured_is_no_possibility(invented: PrecomputedStore) -> None:
    for limit in (Limit(kind="utility", value=0.5), Limit(kind="realistic", value=0.0)):
        found = solve(Setting(**{**SETTING, "dataset": None}), (limit,), invented)
        assert isinstance(found, Infeasible)
        assert "No dataset" in found.reason
        assert (found.closest, get_remedies(found, invented)) == ((), ())


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "safety", "value": 0.1},
        {"kind": "advantage", "value": 0.0},
        {"kind": "advantage", "value": 1.0},
        {"kind": "advantage", "value": math.nan},
        {"kind": "utility", "value": -1},
        {"kind": "utility", "value": 90},
        {"kind": "epsilon", "value": 0},
        {"kind": "realistic", "value": 1.0},
        {"kind": "advantage", "value": 0.1, "level": "hospital"},
        {"kind": "relaxed", "value": 0.1, "level": "patient"},
        {"kind": [], "value": 0.1},
    ],
    ids=str,
)
def test_a_broken_limit_gets_one_sentence(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue, match=r"must be .*, but is .*\.$"):
        Limit(**wrong)


def test_limits_must_be_some_and_different(invented: PrecomputedStore) -> None:
    twice = (Limit(kind="advantage", value=0.1), Limit(kind="advantage", value=0.2))
    for limits in ((), twice):
        with pytest.raises(InvalidValue, match="limits must"):
            solve(Setting(**SETTING), limits, invented)
