"""Verdicts follow the printed digits; a wrong value is never said to hold."""

from __future__ import annotations

import math

import pytest

from dpcore import claims
from dpcore.claims import published
from dpcore.claims.verdict import round_as
from dpcore.errors import InvalidValue


@pytest.mark.parametrize(
    ("printed", "value"),
    [("1.22", 1.2193), ("0.03", 0.02838), ("~4", 3.683), ("< 1", 0.784), ("> 20", 22.3), ("15250", 15250.0)],
)
def test_a_value_that_reads_as_printed_holds(printed: str, value: float) -> None:
    assert claims.verdict(printed, value)[0] == "holds"


@pytest.mark.parametrize(
    ("printed", "value"),
    [("1.22", 1.2251), ("1.22", 1.2149), ("~4", 4.6), ("< 1", 1.0), ("> 20", 20.0), ("15", 10.24), ("15", 1.5)],
)
def test_a_value_that_reads_otherwise_differs(printed: str, value: float) -> None:
    outcome, reason = claims.verdict(printed, value)
    assert outcome == "differs"
    assert reason


def test_the_reason_says_by_how_much() -> None:
    assert claims.verdict("15", 10.24)[1] == "4.76 below the printed value, a factor of 0.683"


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_was_not_computed_agrees_with_nothing(value: float) -> None:
    with pytest.raises(InvalidValue, match="value must be a finite number"):
        claims.agrees("1.22", value)


@pytest.mark.parametrize("printed", ["", "about 4", "1,000", "-3", "<> 3", "1e3"])
def test_a_misprint_is_refused(printed: str) -> None:
    with pytest.raises(InvalidValue, match="printed must be a number"):
        claims.agrees(printed, 1.0)


def test_rounding_keeps_the_printed_decimals() -> None:
    assert round_as("0.030", 0.02964) == "0.030"
    assert round_as("~4", 3.683) == "4"


def test_every_bound_but_the_unresolved_one_holds() -> None:
    outcomes = {(r.dataset, r.what): r.outcome for r in claims.bound_rows()}
    differs = [key for key, outcome in outcomes.items() if outcome != "holds"]
    assert differs == [("RadImageNet", "worst case, ε = 32")]


def test_counted_tightly_the_paper_s_other_bounds_do_not_hold() -> None:
    held = {(row.dataset, row.what) for row in claims.bound_rows(accountant="tight") if row.outcome == "holds"}
    assert ("RadImageNet", "worst case, ε = 32") in held
    assert ("HAM10000", "worst case, ε = 8") not in held
    assert ("MSD Liver", "worst case, ε = 20") not in held


def test_a_wrong_printed_bound_would_differ() -> None:
    wrong = published.PublishedBound(training=published.HAM10000, epsilon=8.0, tier="worst_case", printed="1.32")
    (row,) = claims.bound_rows([wrong])
    assert row.outcome == "differs"
    assert row.value == pytest.approx(1.2193, rel=1e-3)


def test_all_numbers_of_steps_hold() -> None:
    assert [row.value for row in claims.step_rows()] == [15250, 300, 53000]
    assert {row.outcome for row in claims.step_rows()} == {"holds"}


def test_the_guessed_number_of_records_is_said_with_its_range() -> None:
    reason = claims.step_rows()[0].reason
    assert "any from 1,015,040 to 1,018,367" in reason
    training = published.RADIMAGENET
    assert training.steps_of(1_015_039) < training.steps == training.steps_of(1_015_040)
    assert training.steps_of(1_018_367) == training.steps < training.steps_of(1_018_368)
