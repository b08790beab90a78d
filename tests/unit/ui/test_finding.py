"""What is known at a budget: measured, proven and estimated stay apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dpcore.errors import InvalidValue, ResultsUnavailable
from ui.epsilon import format_epsilon
from ui.evidence import Evidence, Point
from ui.finding import Proof, find_at_point, find_between_points

PROOF = Proof(noise_multiplier=1.0, worst_case=0.1, relaxed=0.01)


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"utility_mean": 0.01, "share_of_no_dp": 0.03}, "useless"),
        ({"p_ttest": 0.001, "p_tost": 0.9}, "worse"),
        ({"p_ttest": 0.001, "p_tost": 0.01, "share_of_no_dp": 0.97}, "slightly_worse"),
        ({"p_ttest": 0.4, "p_tost": 0.01}, "equivalent"),
        ({"p_ttest": 0.4, "p_tost": 0.3}, "unclear"),
        ({"p_ttest": 0.001, "p_tost": 0.3, "share_of_no_dp": 1.08}, "better"),
        ({"p_ttest": math.nan}, "untested"),
        ({"target_epsilon": math.inf, "p_ttest": math.nan}, "no_dp"),
    ],
)
def test_names_the_comparison_with_no_dp(
    evidence: Evidence, point: Callable[..., Point], changed: dict[str, float], outcome: str
) -> None:
    assert find_at_point(evidence, point(**changed), "rdp").utility.outcome == outcome


def test_between_points_utility_is_interpolated_in_log_epsilon(evidence: Evidence) -> None:
    halfway = math.sqrt(8 * 1e6)
    found = find_between_points(evidence, halfway, "rdp", PROOF)
    assert found.utility.value == pytest.approx((0.30 + 0.39) / 2)
    assert found.utility.share_of_no_dp == pytest.approx((0.75 + 0.98) / 2)
    assert found.utility.between == (8.0, 1e6)
    assert math.isnan(found.utility.sd)
    assert not found.is_measured


def test_beyond_the_points_the_last_one_is_taken_over_not_extrapolated(evidence: Evidence) -> None:
    above = find_between_points(evidence, 1e15, "rdp", PROOF)
    below = find_between_points(evidence, 0.2, "rdp", PROOF)
    assert (above.utility.value, above.utility.between) == (0.39, (1e6, 1e6))
    assert (below.utility.value, below.utility.between) == (0.01, (1.0, 1.0))


def test_the_other_accountant_moves_the_points(evidence: Evidence) -> None:
    halfway = math.sqrt(7.2 * 4e5)
    found = find_between_points(evidence, halfway, "tight", PROOF)
    assert found.utility.value == pytest.approx((0.30 + 0.39) / 2)
    assert found.utility.between == (7.2, 4e5)


def test_the_attack_comes_from_the_nearest_measured_budget(evidence: Evidence) -> None:
    assert find_between_points(evidence, 2.7, "rdp", PROOF).nearest.target_epsilon == 1.0
    assert find_between_points(evidence, 3.0, "rdp", PROOF).nearest.target_epsilon == 8.0
    assert find_between_points(evidence, 1e14, "rdp", PROOF).nearest.target_epsilon == 1e6


@pytest.mark.parametrize("bound", ["worst_case", "relaxed"])
def test_a_missing_bound_is_a_problem_not_zero(evidence: Evidence, point: Callable[..., Point], bound: str) -> None:
    found = find_at_point(evidence, point(**{bound: math.nan}), "rdp")
    assert found.proof.problem
    assert math.isnan(getattr(found.proof, bound))


def test_a_budget_shown_with_four_digits_is_still_the_point(evidence: Evidence, point: Callable[..., Point]) -> None:
    assert evidence.point_at(8.003, "rdp") == point()
    assert evidence.settle(7.2001, "tight") == 7.2
    assert evidence.point_at(8.1, "rdp") is None


@example(1.0011)
@example(0.9999)
@given(st.floats(min_value=0.1, max_value=1e15))
def test_no_typed_budget_looks_like_a_point_without_being_it(evidence: Evidence, typed: float) -> None:
    """Two stops of the slider with the same label could not be told apart."""
    near = replace(evidence.points[1], target_epsilon=1.0005)
    settled = replace(evidence, points=(near, *evidence.points[1:])).settle(typed, "rdp")
    stops = {settled, 1.0005, 8.0, 1e6}
    assert len({format_epsilon(epsilon) for epsilon in stops}) == len(stops)


@pytest.mark.parametrize("epsilon", [0.05, 1e16])
def test_a_budget_outside_the_range_is_refused(evidence: Evidence, epsilon: float) -> None:
    with pytest.raises(InvalidValue, match="must be a number from"):
        evidence.settle(epsilon, "rdp")


def test_a_point_outside_the_typed_range_is_still_reachable(evidence: Evidence, point: Callable[..., Point]) -> None:
    """Counted tightly, the sweep's strictest point may lie below 0.1."""
    tiny = replace(evidence, points=(point(target_epsilon=0.1, epsilon_tight=0.06), *evidence.points))
    assert tiny.settle(0.06, "tight") == 0.06


def test_a_sweep_without_a_yardstick_is_refused(evidence: Evidence) -> None:
    with pytest.raises(ResultsUnavailable, match="without DP"):
        _ = replace(evidence, points=evidence.points[:-1]).no_dp
