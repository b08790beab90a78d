"""Exact intervals against scipy's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from dpcore.errors import InvalidValue
from dpcore.results.intervals import clopper_pearson


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.integers(1, 600), st.integers(1, 100_000)), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.999]))
def test_equals_scipy(trials: int, share: float, confidence: float) -> None:
    successes = round(share * trials)
    expected = binomtest(successes, trials).proportion_ci(confidence, method="exact")
    assert clopper_pearson(successes, trials, confidence=confidence) == pytest.approx(
        (expected.low, expected.high), abs=1e-9
    )


def test_nothing_found_in_300_does_not_mean_never() -> None:
    lower, upper = clopper_pearson(0, 300)
    assert lower == 0
    assert upper == pytest.approx(1 - 0.025 ** (1 / 300), rel=1e-9)


@pytest.mark.parametrize(("successes", "trials"), [(-1, 10), (11, 10), (0, 0), (0.5, 10)])
def test_refuses_impossible_counts(successes: float, trials: int) -> None:
    with pytest.raises(InvalidValue):
        clopper_pearson(successes, trials)  # type: ignore[arg-type]
