"""Totals of several releases, against closed forms and dp-accounting's composition."""

from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import pytest

from dpcore.errors import InvalidValue
from dpcore.planner import (
    AnyRelease,
    GaussianRelease,
    LaplaceRelease,
    Ledger,
    Total,
    TrainingRelease,
    answer_ledger,
    get_total,
)
from dpcore.planner.totals import get_rdp_from_laplace
from dpcore.privacy import get_patient_epsilon_from_mechanism
from dpcore.privacy.rdp import OPACUS_ORDERS
from tests.unit.planner.oracles import distribution, rdp_epsilon

DELTA = 1e-5
DAY = datetime.date(2026, 11, 24)
FIRST = TrainingRelease(label="a", date=DAY, noise_multiplier=1.5, sample_rate=0.05, steps=400)
SECOND = TrainingRelease(label="b", date=DAY, noise_multiplier=1.2, sample_rate=0.1, steps=100)
COUNT = GaussianRelease(label="c", date=DAY, noise_multiplier=5.0, times=2)
QUERY = LaplaceRelease(label="d", date=DAY, epsilon=0.2, times=2)


def test_nothing_released_spends_nothing() -> None:
    assert get_total((), delta=DELTA) == Total(epsilon_rdp=0.0, epsilon_tight=0.0)


def test_trainings_and_gaussian_queries_are_composed_as_by_dp_accounting() -> None:
    total = get_total((FIRST, SECOND, COUNT), delta=DELTA)
    mechanisms = [FIRST.mechanism(), SECOND.mechanism(), COUNT.mechanism()]
    assert total.epsilon_rdp == pytest.approx(rdp_epsilon(mechanisms, delta=DELTA), rel=1e-3)
    assert total.epsilon_tight == pytest.approx(distribution(mechanisms).get_epsilon_for_delta(DELTA), rel=3e-3)


def test_with_laplace_queries_rdp_is_dp_accountings_and_tight_a_bound() -> None:
    mechanisms, laplace = [FIRST.mechanism(), SECOND.mechanism()], (0.2, 0.2)
    total = get_total((FIRST, SECOND, QUERY), delta=DELTA)
    assert total.epsilon_rdp == pytest.approx(rdp_epsilon(mechanisms, delta=DELTA, laplace=laplace), rel=1e-3)
    exact = distribution(mechanisms, laplace).get_epsilon_for_delta(DELTA)
    assert exact * (1 - 3e-3) <= total.epsilon_tight <= exact + 0.4


def test_laplace_alone_never_costs_more_than_its_pure_epsilon() -> None:
    total = get_total((LaplaceRelease(label="x", date=DAY, epsilon=0.05),), delta=DELTA)
    assert 0 < total.epsilon_tight <= total.epsilon_rdp <= 0.05


def test_the_renyi_divergence_of_laplace_is_its_integral() -> None:
    epsilon, x = 0.7, np.linspace(-60.0, 61.0, 1_210_001)
    log_p, log_q = -np.abs(x), -np.abs(x - epsilon)  # of scale 1, sensitivity ε; both times ½
    for i in (0, 50, 120):
        alpha = OPACUS_ORDERS[i]
        moment = np.trapezoid(0.5 * np.exp(alpha * log_p + (1 - alpha) * log_q), x)
        assert get_rdp_from_laplace(epsilon)[i] == pytest.approx(math.log(moment) / (alpha - 1), rel=1e-5)


def test_equal_steps_are_one_training() -> None:
    twice = get_total((FIRST, FIRST), delta=DELTA)
    as_one = TrainingRelease(label="x", date=DAY, noise_multiplier=1.5, sample_rate=0.05, steps=800)
    assert twice == get_total((as_one,), delta=DELTA)
    assert get_total((SECOND, FIRST), delta=DELTA) == get_total((FIRST, SECOND), delta=DELTA)


def test_a_patients_total_is_the_group_bound_of_one_mechanism() -> None:
    total = get_total((FIRST,), delta=DELTA, records=3)
    for accountant in ("rdp", "tight"):
        one = get_patient_epsilon_from_mechanism(
            FIRST.mechanism(), delta=DELTA, accountant=accountant, records_per_patient=3
        )
        assert one * (1 - 1e-9) <= total.by(accountant) <= one * 1.001
    # Full batches: three records shift three times as far.
    third = GaussianRelease(label="x", date=DAY, noise_multiplier=5 / 3, times=2)
    assert get_total((COUNT,), delta=DELTA, records=3) == get_total((third,), delta=DELTA)


def test_what_a_planned_release_adds_is_the_difference_of_totals() -> None:
    later = TrainingRelease(**{**vars(SECOND), "date": datetime.date(2027, 1, 1), "planned": True})
    latest = GaussianRelease(**{**vars(COUNT), "date": datetime.date(2028, 1, 1), "planned": True})
    ledger = Ledger(name="x", budget_epsilon=6.0, delta=DELTA, releases=(latest, later, FIRST))
    found = answer_ledger(ledger)
    first, both = get_total((FIRST,), delta=DELTA), get_total((FIRST, SECOND), delta=DELTA)
    everything = get_total((FIRST, SECOND, COUNT), delta=DELTA)
    assert found.spent == first
    assert [a.release for a in found.planned] == [later, latest]
    assert found.planned[0].adds.epsilon_rdp == pytest.approx(both.epsilon_rdp - first.epsilon_rdp)
    assert found.planned[1].adds.epsilon_tight == pytest.approx(everything.epsilon_tight - both.epsilon_tight)
    assert found.with_planned == everything
    assert found.left == pytest.approx(6 - first.epsilon_rdp)
    assert [y.year for y in found.years] == [2026, 2027, 2028]
    assert found.years[1].alone == get_total((SECOND,), delta=DELTA)
    assert found.years[1].so_far == both
    assert "nothing that was released is taken back" in found.refresh
    assert f"{everything.epsilon_rdp:.4g}" in found.refresh


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (TrainingRelease, {"label": ""}),
        (TrainingRelease, {"date": "2026-11-24"}),
        (TrainingRelease, {"date": datetime.datetime(2026, 11, 24)}),
        (TrainingRelease, {"date": datetime.date(1, 1, 1)}),
        (TrainingRelease, {"planned": 1}),
        (TrainingRelease, {"noise_multiplier": 0}),
        (TrainingRelease, {"sample_rate": 1.5}),
        (TrainingRelease, {"steps": 0}),
        (GaussianRelease, {"noise_multiplier": math.nan}),
        (GaussianRelease, {"times": 0}),
        (LaplaceRelease, {"epsilon": 0}),
        (LaplaceRelease, {"epsilon": math.inf}),
        (LaplaceRelease, {"times": 1.5}),
    ],
    ids=str,
)
def test_a_broken_release_gets_one_sentence(kind: Any, wrong: dict[str, Any]) -> None:
    good = {TrainingRelease: FIRST, GaussianRelease: COUNT, LaplaceRelease: QUERY}[kind]
    with pytest.raises(InvalidValue, match=r"must be .*, but is .*\.$"):
        kind(**{**vars(good), **wrong})


@pytest.mark.parametrize(
    "wrong",
    [
        {"budget_epsilon": 0},
        {"delta": 1},
        {"accountant": "both"},
        {"images_per_patient": 0},
        {"releases": (FIRST,) * 101},
        {"releases": ("training",)},
        {"name": "\x00"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_broken_ledger_gets_one_sentence(wrong: dict[str, Any]) -> None:
    good: dict[str, Any] = {"name": "x", "budget_epsilon": 8.0, "delta": DELTA, "releases": (FIRST,)}
    with pytest.raises(InvalidValue, match=f"{next(iter(wrong))}.* (must|hold) .*, but"):
        Ledger(**{**good, **wrong})


def test_many_different_releases_are_added_up() -> None:
    many: tuple[AnyRelease, ...] = tuple(
        TrainingRelease(label=str(i), date=DAY, noise_multiplier=2 + i / 10, sample_rate=0.02, steps=50)
        for i in range(40)
    )
    total = get_total(many, delta=DELTA)
    assert total.epsilon_tight < total.epsilon_rdp
    assert total.epsilon_rdp == pytest.approx(rdp_epsilon([m.mechanism() for m in many], delta=DELTA), rel=1e-3)  # type: ignore[union-attr]
