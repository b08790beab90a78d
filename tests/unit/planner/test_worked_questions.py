"""Three questions of a hospital, with answers checked by hand or by another program."""

from __future__ import annotations

import datetime
import math
from dataclasses import replace
from statistics import NormalDist

import pytest

from dpcore.planner import (
    Feasible,
    GaussianRelease,
    Infeasible,
    Ledger,
    Limit,
    Plan,
    UtilityEstimate,
    answer,
    answer_ledger,
    get_remedies,
    solve,
)
from dpcore.planner.basis import NoBasis
from dpcore.results.store import PrecomputedStore
from tests.unit.planner.oracles import distribution, gamma, rdp_epsilon

NORMAL = NormalDist()

#: 4,000 scans of 1,500 patients, at most 4 of each, 60 epochs in batches of 256.
SCANS = Plan(
    name="4,000 scans", num_train=4000, num_patients=1500, images_per_patient=4, expected_batch_size=256, epochs=60,
    delta=1e-5, epsilon=8.0, dataset="ham10000",
)  # fmt: skip


def test_what_does_epsilon_8_buy_for_4000_scans_of_1500_patients(shipped: PrecomputedStore) -> None:
    found = answer(SCANS, shipped)
    mechanism = found.mechanism
    assert (mechanism.sample_rate, mechanism.steps) == (0.064, 938)  # 256 / 4000; 60 · 4000 / 256 = 937.5
    assert mechanism.noise_multiplier == pytest.approx(1.4648, abs=1e-4)
    assert rdp_epsilon([mechanism], delta=1e-5) == pytest.approx(8, rel=1e-3)
    assert found.record.epsilon_tight == pytest.approx(distribution([mechanism]).get_epsilon_for_delta(1e-5), rel=2e-3)
    # A scan: 1 in 40 against an attacker who holds it, 100 times the 1 in 4,000 of guessing.
    assert found.record.worst_case == pytest.approx(gamma(mechanism, 1 / 4000), rel=2e-3)
    assert found.record.worst_case == pytest.approx(0.0248, abs=1e-4)
    # A patient with four scans: γ four times over from 1 in 1,500. Nothing worth the name is left.
    by_hand = 1 / 1500
    for _ in range(4):
        by_hand = gamma(mechanism, by_hand)
    assert found.patient.worst_case == pytest.approx(by_hand, rel=2e-3)
    assert found.patient.worst_case > 0.99
    # 60.03 passes over 4,000 records at the sweep's speed.
    assert isinstance(found.utility, UtilityEstimate)
    assert found.utility.low < found.utility.share < found.utility.high
    assert not isinstance(found.effort, NoBasis)
    points = shipped.table("points", "ham10000")
    points = points[points["model"] == points["model"].iloc[0]]
    speed = (points["seconds_mean"] / points["epochs"] / points["num_train"])[points["target_epsilon"].notna()].median()
    assert found.effort.seconds == pytest.approx(938 * 256 * speed, rel=1e-9)


def test_what_would_1_in_1000_need_for_4000_scans(shipped: PrecomputedStore) -> None:
    once = Limit(kind="reconstruction", value=1e-3)
    found = solve(SCANS, (once,), shipped)
    assert isinstance(found, Feasible)
    assert found.binding == once
    least = SCANS.with_noise(found.noise_low)
    assert gamma(least, 1 / 4000) == pytest.approx(1e-3, rel=3e-3)
    assert found.noise_low == pytest.approx(5.109, abs=1e-3)
    assert found.epsilon_high == pytest.approx(rdp_epsilon([least], delta=1e-5), rel=1e-3)
    # 90 % of the utility as well: no, but with six times the patients.
    both = solve(SCANS, (once, Limit(kind="utility", value=0.9)), shipped)
    assert isinstance(both, Infeasible)
    useful = next(c for c in both.closest if c.missed == once)
    assert useful.value == pytest.approx(gamma(SCANS.with_noise(useful.noise_multiplier), 1 / 4000), rel=3e-3)
    more = next(r for r in get_remedies(both, shipped) if r.kind == "more patients")
    assert more.helps
    assert gamma(more.setting.with_noise(more.noise_multiplier), 1 / more.setting.num_train) <= 1e-3
    again = answer(Plan(name="more", **{**vars(more.setting), "noise_multiplier": more.noise_multiplier}), shipped)
    assert isinstance(again.utility, UtilityEstimate)
    assert again.utility.share == pytest.approx(0.9, rel=1e-6)


def test_one_statistic_of_1000_patients_with_noise_2(shipped: PrecomputedStore) -> None:
    """One full-batch release: everything follows from Φ by hand."""
    plan = Plan(name="mean", num_train=1000, expected_batch_size=1000, steps=1, delta=1e-5, noise_multiplier=2.0)
    found = answer(plan, shipped)
    assert found.record.worst_case == pytest.approx(NORMAL.cdf(NORMAL.inv_cdf(1e-3) + 0.5), rel=1e-9)  # 0.48 %
    assert found.record.advantage == pytest.approx(2 * NORMAL.cdf(0.25) - 1, rel=1e-9)  # 19.7 %
    assert found.record.auc == pytest.approx(NORMAL.cdf(0.5 / math.sqrt(2)), rel=1e-9)
    three = answer(replace(plan, images_per_patient=3, num_patients=500), shipped)
    assert three.patient.worst_case == pytest.approx(NORMAL.cdf(NORMAL.inv_cdf(1 / 500) + 1.5), rel=1e-9)
    # 1 in 100 needs μ = Φ⁻¹(0.01) − Φ⁻¹(0.001) = 0.764, σ = 1.309.
    back = solve(plan, (Limit(kind="reconstruction", value=0.01),), shipped)
    assert isinstance(back, Feasible)
    assert back.noise_low == pytest.approx(1 / (NORMAL.inv_cdf(0.01) - NORMAL.inv_cdf(0.001)), rel=2e-5)


def test_a_count_every_year_under_a_budget_of_1_9() -> None:
    """σ = 4, three years, one more planned: shifts add in squares, μ = √years / 4."""
    counts = tuple(
        GaussianRelease(label=f"count {y}", date=datetime.date(y, 3, 1), noise_multiplier=4.0, planned=y == 2027)
        for y in (2024, 2025, 2026, 2027)
    )
    found = answer_ledger(Ledger(name="registry", budget_epsilon=1.9, delta=1e-5, accountant="tight", releases=counts))
    assert found.spent.epsilon_tight == pytest.approx(_gaussian_epsilon(math.sqrt(3) / 4), rel=1e-6)
    assert found.with_planned.epsilon_tight == pytest.approx(_gaussian_epsilon(math.sqrt(4) / 4), rel=1e-6)
    assert found.left == pytest.approx(1.9 - found.spent.epsilon_tight)
    assert found.planned[0].left < 0 < found.left
    # A new budget each year would count 2026 as the first year, though three years are out.
    year = found.years[2]
    assert year.alone.epsilon_tight == pytest.approx(_gaussian_epsilon(1 / 4), rel=1e-6)
    assert year.so_far == found.spent


def _gaussian_epsilon(mu: float, delta: float = 1e-5) -> float:
    """Φ(μ/2 − ε/μ) − e^ε·Φ(−μ/2 − ε/μ) = δ, by halving."""
    low, high = 0.0, 100.0
    for _ in range(200):
        middle = (low + high) / 2
        rest = NORMAL.cdf(mu / 2 - middle / mu) - math.exp(middle) * NORMAL.cdf(-mu / 2 - middle / mu)
        low, high = (middle, high) if rest > delta else (low, middle)
    return high
