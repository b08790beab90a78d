"""Budgets as typed, shown and linked."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpcore.errors import InvalidValue
from ui.epsilon import LARGEST, SMALLEST, format_epsilon, link_epsilon, name_budget, parse_epsilon, quoted


@pytest.mark.parametrize(
    ("typed", "budget"),
    [
        ("8", 8),
        (" 8 ", 8),
        ("ε = 8", 8),
        ("0.5", 0.5),
        (".5", 0.5),
        ("0,5", 0.5),
        ("8,25", 8.25),
        ("1e6", 1e6),
        ("1E6", 1e6),
        ("1e+6", 1e6),
        ("10^6", 1e6),
        ("10⁶", 1e6),
        ("10¹⁵", 1e15),
        ("3·10^8", 3e8),
        ("3.45·10⁸", 3.45e8),
        ("3 x 10^8", 3e8),
        ("1,000,000", 1e6),
        ("1 000 000", 1e6),
        ("1'000'000", 1e6),
        ("1,000", 1000),
        ("12,345.5", 12345.5),
        ("no DP", math.inf),
        ("NO-DP", math.inf),
        ("inf", math.inf),
        ("∞", math.inf),
    ],
)
def test_reads_what_people_type(typed: str, budget: float) -> None:
    assert parse_epsilon(typed) == pytest.approx(budget, rel=1e-12)


@pytest.mark.parametrize(
    "typed",
    [
        *("", "  ", "abc", "nan", "-3", "0", "1e", "e6", "1e6e6", "10^", "1e999", "10^400", "8 8", "1²", "٣"),
        *("<script>", "1" * 41, "1,00,000", "--8", "8;drop", "0x10", "1_0"),
    ],
)
def test_refuses_everything_else_in_one_sentence(typed: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        parse_epsilon(typed)
    message = str(refusal.value)
    assert message.startswith("ε must be a number from 0.1 to 10¹⁵ or “no DP”, but is ")
    assert message.count(". ") == 0
    assert len(message) < 100


@given(st.floats(min_value=SMALLEST, max_value=LARGEST))
def test_what_is_shown_and_linked_can_be_typed_again(epsilon: float) -> None:
    assert parse_epsilon(format_epsilon(epsilon)) == pytest.approx(epsilon, rel=6e-4)
    assert parse_epsilon(link_epsilon(epsilon)) == pytest.approx(epsilon, rel=6e-6)


def test_no_dp_survives_showing_and_linking() -> None:
    assert parse_epsilon(format_epsilon(math.inf)) == math.inf
    assert parse_epsilon(link_epsilon(math.inf)) == math.inf
    assert name_budget(math.inf) == "no DP"


@pytest.mark.parametrize(
    ("epsilon", "shown"),
    [
        (0.1, "0.1"),
        (8.0, "8"),
        (7.31482, "7.315"),
        (100.0, "100"),
        (999.96, "10³"),
        (1e6, "10⁶"),
        (3.45e8, "3.45·10⁸"),
        (1e15, "10¹⁵"),
    ],
)
def test_shows_at_most_four_digits(epsilon: float, shown: str) -> None:
    assert format_epsilon(epsilon) == shown


@given(st.text())
def test_a_quoted_value_is_short_and_printable(value: str) -> None:
    assert len(quoted(value)) <= 27
    assert quoted(value).isprintable()


@given(st.text(max_size=60))
def test_any_text_is_a_budget_or_a_clear_refusal(typed: str) -> None:
    try:
        budget = parse_epsilon(typed)
    except InvalidValue:
        return
    assert budget > 0
