"""Words for bounds: rounded up, never 0, odds and not probability."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import pytest

from dpcore.privacy import DpSgdMechanism, get_trade_off_from_mechanism
from ui import risk_text
from ui.risk_plot import Axis, Readout, icons_html, over_html


def test_what_is_not_resolved_is_never_zero() -> None:
    for words in (risk_text.format_risk(3e-9), risk_text.one_in(0.0)):
        assert "below 1e-8" in words
    assert risk_text.format_risk(math.nan) == "not available"


@pytest.mark.parametrize(
    ("probability", "words", "filled"),
    [(0.0125, "at most 13 of 1,000", 13), (0.0009, "fewer than 1 of 1,000", 0), (0.001, "at most 1 of 1,000", 1),
     (1.0, "at most 1,000 of 1,000", 1000), (0.9995, "at most 1,000 of 1,000", 1000)],
)  # fmt: skip
def test_people_are_rounded_up(probability: float, words: str, filled: int) -> None:
    assert risk_text.of_thousand(probability) == words
    assert risk_text.icons_filled(probability) == filled


def test_one_in_never_understates() -> None:
    assert risk_text.one_in(1 / 8082) == "1 in 8,082"
    assert risk_text.one_in(1 / 94.6) == "1 in 94"


def test_a_belief_at_even_odds_rises_to_at_most_99_995_per_cent() -> None:
    rows = dict(risk_text.odds_rows(0.5, 10.0, None))
    assert rows["Belief before"] == "50 %, that is odds of 1 : 1"
    assert rows["Belief after"] == "at most 99.9955 %"
    assert "1,101,323 %" in risk_text.naive_sentence(0.5, 10.0)


@pytest.mark.parametrize("epsilon", [1e3, 1e9, 1e15, math.inf])
def test_huge_budgets_do_not_overflow(epsilon: float) -> None:
    words = " ".join(value for _, value in risk_text.odds_rows(0.01, epsilon, None))
    assert "certainty" in words
    assert "nan" not in words


def test_the_number_of_digits_of_e_to_the_epsilon() -> None:
    assert risk_text.factor_words(1e9) == "a number of 434,294,482 digits"
    assert risk_text.factor_words(8.0) == "2,981"


def test_exactly_one_answer_of_the_reading_check_is_right() -> None:
    _, answers = risk_text.quiz(0.02)
    assert [right for right, _ in answers.values()].count(True) == 1


def test_numbers_read_off_a_curve_match_it() -> None:
    curve = get_trade_off_from_mechanism(DpSgdMechanism(noise_multiplier=1.0, sample_rate=0.1, steps=100))
    rows = {name: value for name, value, _ in risk_text.membership_rows(curve)}
    # Reference values, rounded up.
    assert (rows["Advantage"], rows["AUC"], rows["TPR at FPR 1 %"]) == ("43.9 %", "0.7941", "14.7 %")
    assert rows["TPR at FPR 0.1 %"] == risk_text.format_risk(float(curve.gamma(0.001)))


def test_axes_place_values_and_clamp_what_lies_beyond() -> None:
    axis = Axis(low=1e-4, high=1.0, ticks=(), title="", logarithmic=True)
    assert axis.place(0.01) == pytest.approx(50.0)
    assert (axis.place(0.0), axis.place(5.0)) == (0.0, 100.0)


@pytest.mark.parametrize("filled", [0, 1, 13, 50, 51, 650, 1000])
def test_icons_are_as_many_as_said(filled: int) -> None:
    drawn = icons_html(filled=filled, total=1000, ring=filled == 0, alt="so many of 1,000")
    grids = [int(r) * int(c) for r, c in re.findall(r"--rows:(\d+);--columns:(\d+)", drawn)]
    assert grids[0] == 1000
    assert sum(grids[1:]) == filled
    assert drawn.count("rk-ring") == (filled == 0)
    assert 'aria-label="so many of 1,000"' in drawn


def test_exact_values_fill_the_plot_without_gaps_and_are_named() -> None:
    axis = Axis(low=0.1, high=1e3, ticks=(), title="", logarithmic=True)
    share = Axis(low=0.0, high=1.0, ticks=(), title="")
    places = [Readout(x=x, words=f"ε = {x:g}", dots=[(0.5, "rk-worst")]) for x in (100.0, 1.0, 10.0, 1e9)]
    drawn = over_html(x=axis, y=share, name="a", alt="chart", readouts=places)
    # What lies beyond the axis is left out rather than shown at its end.
    assert re.findall(r'aria-label="(ε = \d+)"', drawn) == ["ε = 1", "ε = 10", "ε = 100"]
    strips = [(float(at), float(width)) for at, width in re.findall(r"left:([\d.]+)%;width:([\d.]+)%", drawn)]
    assert strips[0][0] == 0
    for (left, width), (after, _) in pairwise(strips):
        assert left + width == pytest.approx(after, abs=0.02)
    assert sum(strips[-1]) == pytest.approx(100, abs=0.02)
    assert drawn.count("<b>ε = ") == 3


def test_words_of_a_chart_are_escaped() -> None:
    axis = Axis(low=0.0, high=1.0, ticks=(), title="")
    bad = "<img src=x onerror=alert(1)>"
    made = over_html(x=axis, y=axis, name="a", alt=bad, readouts=[Readout(x=0.5, words=bad, dots=[])])
    assert "<img" not in made
