"""The audit's floor: against simulated mechanisms whose ε is known, and an independent calculation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from dpcore.attacks.membership import audit_from_scores, get_cap, get_floor_from_guesses
from dpcore.attacks.membership.audit import get_p_value
from dpcore.errors import InvalidValue

DELTA = 1e-6


def test_without_delta_it_is_the_binomial_test() -> None:
    for epsilon in (0.1, 1.0, 3.0):
        exact = binomtest(90, 100, 1 / (1 + math.exp(-epsilon)), alternative="greater").pvalue
        assert get_p_value(epsilon, correct=90, guesses=100, canaries=200, delta=0.0) == pytest.approx(exact)


def test_delta_costs_something_and_never_helps() -> None:
    values = [get_p_value(1.0, correct=90, guesses=100, canaries=1000, delta=d) for d in (0.0, 1e-9, 1e-6, 1e-3)]
    assert values == sorted(values)
    assert values[-1] > values[0]


def test_the_delta_term_by_brute_force() -> None:
    """max over i of P[v − i ≤ X < v] / i, summed term by term."""
    q, v, r, m, delta = 1 / (1 + math.exp(-2.0)), 45, 50, 80, 1e-3
    chance = [math.comb(r, k) * q**k * (1 - q) ** (r - k) for k in range(r + 1)]
    steepest = max(sum(chance[v - i : v]) / i for i in range(1, v + 1))
    expected = sum(chance[v:]) + 2 * m * delta * steepest
    assert get_p_value(2.0, correct=v, guesses=r, canaries=m, delta=delta) == pytest.approx(expected)


@pytest.mark.parametrize("epsilon", [0.5, 2.0])
def test_randomised_response_is_seldom_refuted_and_nearly_reached(epsilon: float) -> None:
    """At a known ε it is refuted in at most 5 % of audits, and with many canaries the floor comes near.

    Of 100 audits at most 12 may refute it: if it were exactly 5 %, more would in 0.1 % of cases (binomial).
    """
    draws = np.random.default_rng(1)
    keep = 1 / (1 + math.exp(-epsilon))

    def audit(canaries: int) -> float:
        is_member = draws.random(canaries) < 0.5
        told = np.where(draws.random(canaries) < keep, is_member, ~is_member)
        # Ties are parted at random: the auditor knows no better.
        return audit_from_scores(told + 0.1 * draws.random(canaries), is_member, delta=DELTA).floor

    floors = [audit(200) for _ in range(100)]
    assert sum(floor > epsilon for floor in floors) <= 12
    assert 0.8 * epsilon < audit(10_000) <= epsilon


def test_floors_rise_with_right_calls_up_to_the_cap() -> None:
    floors = [get_floor_from_guesses(correct=c, guesses=100, canaries=100, delta=DELTA) for c in (50, 60, 80, 95, 100)]
    assert floors == sorted(floors)
    assert floors[0] == 0
    everyone = np.arange(1000) < 500
    perfect = audit_from_scores(everyone.astype(float), everyone, delta=DELTA)
    assert perfect.floor == pytest.approx(get_cap(1000, delta=DELTA))
    assert get_cap(100, delta=DELTA) < get_cap(1000, delta=DELTA) < 8


def test_the_floor_is_where_the_p_value_crosses() -> None:
    floor = get_floor_from_guesses(correct=90, guesses=100, canaries=100, delta=DELTA, confidence=0.95)
    for epsilon, refuted in ((floor - 1e-3, True), (floor + 1e-3, False)):
        p = get_p_value(epsilon, correct=90, guesses=100, canaries=100, delta=DELTA)
        assert (p < 0.05) is refuted


def test_bad_input_is_named() -> None:
    with pytest.raises(InvalidValue, match="correct must be at most guesses"):
        get_floor_from_guesses(correct=11, guesses=10, canaries=20, delta=DELTA)
    with pytest.raises(InvalidValue, match="delta must be"):
        get_floor_from_guesses(correct=5, guesses=10, canaries=20, delta=1.5)
    with pytest.raises(InvalidValue, match="are NaN"):
        audit_from_scores(np.full(20, np.nan), np.arange(20) < 10, delta=DELTA)
