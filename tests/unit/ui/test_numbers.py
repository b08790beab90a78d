"""Rounding: bounds never shrink, intervals never narrow, nothing tiny becomes 0."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.numbers import (
    at_most,
    exposed_people,
    format_bound,
    format_share,
    format_sigma,
    format_spread,
    interval_people,
)

probabilities = st.floats(min_value=1e-12, max_value=1)


@given(probabilities)
def test_a_bound_in_per_cent_is_never_rounded_down(probability: float) -> None:
    shown = float(format_bound(probability).removesuffix(" %")) / 100
    assert probability * (1 - 1e-9) <= shown <= min(1.0, probability * 1.1 + 1e-15)


@given(probabilities)
def test_people_exposed_are_never_rounded_down_and_never_none(probability: float) -> None:
    shown = exposed_people(probability)
    if shown == "fewer than 1":
        assert probability < 1e-4
    else:
        people = int(shown.replace(",", ""))
        assert probability * 10_000 - 1e-6 <= people < probability * 10_000 + 1


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (0.012188, "at most 122 of 10,000"),
        (0.00028, "at most 3 of 10,000"),
        (0.000028, "fewer than 1 of 10,000"),
        (1e-8, "fewer than 1 of 10,000"),
        (0.03, "at most 300 of 10,000"),
        (1.0, "at most 10,000 of 10,000"),
    ],
)
def test_says_a_bound_as_people(probability: float, words: str) -> None:
    assert at_most(probability) == words


@pytest.mark.parametrize(
    ("bound", "shown"), [(0.0121871, "1.22 %"), (0.0121, "1.21 %"), (2.8361851e-06, "0.000284 %"), (1.0, "100 %")]
)
def test_says_a_bound_in_per_cent(bound: float, shown: str) -> None:
    assert format_bound(bound) == shown


@given(st.floats(0, 1), st.floats(0, 1))
def test_an_interval_is_rounded_outwards(a: float, b: float) -> None:
    low, high = sorted((a, b))
    first, last = interval_people((low, high)).removesuffix(" of 10,000").replace(",", "").split(" to ")
    assert int(first) <= low * 10_000 + 1e-6
    assert int(last) >= high * 10_000 - 1e-6


@pytest.mark.parametrize(
    ("share", "shown"), [(0.98, "98 %"), (1.003, "100 %"), (0.5712, "57.1 %"), (0, "0 %"), (-0.02, "-2 %")]
)
def test_says_a_share(share: float, shown: str) -> None:
    assert format_share(share) == shown


@pytest.mark.parametrize(
    ("sigma", "shown"),
    [(1.4427, "1.44"), (0.00123, "0.00123"), (4.1e-5, "4.1·10⁻⁵"), (2.84e-10, "2.84·10⁻¹⁰"), (0.0, "0")],
)
def test_says_sigma(sigma: float, shown: str) -> None:
    assert format_sigma(sigma) == shown
    assert format_sigma(math.nan) == "unknown"


def test_a_small_spread_gets_a_third_digit() -> None:
    assert format_spread(0.3912, 0.0123) == "0.39 ± 0.01"
    assert format_spread(0.3912, 0.0041) == "0.391 ± 0.004"
