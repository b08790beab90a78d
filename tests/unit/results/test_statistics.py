"""Summaries over seeds against scipy and the definition of TOST; exact intervals against their definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from dpcore.errors import InvalidValue
from dpcore.results.intervals import clopper_pearson
from dpcore.results.statistics import get_comparison_from_runs

RNG = np.random.default_rng(0)
PRIVATE, BASELINE = RNG.normal(0.40, 0.02, 5), RNG.normal(0.42, 0.03, 5)


def test_t_test_agrees_with_scipy() -> None:
    comparison = get_comparison_from_runs(PRIVATE, BASELINE, margin=0.05)
    assert comparison.p_ttest == pytest.approx(stats.ttest_ind(PRIVATE, BASELINE).pvalue, rel=1e-10)


def test_tost_is_the_larger_of_two_one_sided_t_tests() -> None:
    comparison = get_comparison_from_runs(PRIVATE, BASELINE, margin=0.05)
    above_lower = stats.ttest_ind(PRIVATE + 0.05, BASELINE, alternative="greater").pvalue
    below_upper = stats.ttest_ind(PRIVATE - 0.05, BASELINE, alternative="less").pvalue
    assert comparison.p_tost == pytest.approx(max(above_lower, below_upper), rel=1e-10)


def test_a_large_p_value_is_not_equivalence() -> None:
    noisy = np.array([0.2, 0.6, 0.1, 0.7, 0.4])
    comparison = get_comparison_from_runs(noisy, noisy[::-1], margin=0.05)
    assert comparison.p_ttest > 0.9
    assert comparison.p_tost > 0.05


def test_samples_without_variation_have_no_p_value() -> None:
    comparison = get_comparison_from_runs([0.0] * 5, [0.4] * 5, margin=0.05)
    assert math.isnan(comparison.p_ttest)
    assert math.isnan(comparison.p_tost)


def test_missing_runs_are_refused() -> None:
    for bad in ([0.4], [0.4, float("nan")]):
        with pytest.raises(InvalidValue, match="runs must be at least two finite utilities"):
            get_comparison_from_runs(bad, [0.4, 0.5], margin=0.05)


@pytest.mark.parametrize(("successes", "trials"), [(0, 300), (3, 300), (150, 300), (300, 300), (1, 1)])
def test_clopper_pearson_inverts_the_binomial_tails(successes: int, trials: int) -> None:
    lower, upper = clopper_pearson(successes, trials)
    assert 0 <= lower <= successes / trials <= upper <= 1
    if successes:
        assert stats.binom.sf(successes - 1, trials, lower) == pytest.approx(0.025)
    else:
        assert lower == 0
    if successes < trials:
        assert stats.binom.cdf(successes, trials, upper) == pytest.approx(0.025)
    else:
        assert upper == 1


def test_more_successes_than_trials_are_refused() -> None:
    with pytest.raises(InvalidValue, match="successes must be at most the 5 trials, but is 6"):
        clopper_pearson(6, 5)
