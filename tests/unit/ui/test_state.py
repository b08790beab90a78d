"""Links are hostile input: whatever they hold, a view comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpcore.errors import InvalidValue
from ui.epsilon import refuse_epsilon
from ui.state import View, link_parameters, read_link

DATASETS = ("toys", "bears")
BEFORE = View(dataset="toys", epsilon=8.0, counted="rdp")


def settle(dataset: str, epsilon: float, counted: str) -> float:
    assert dataset in DATASETS
    assert counted in ("rdp", "tight")
    if not 0.1 <= epsilon <= 1e15 and epsilon != float("inf"):
        raise refuse_epsilon(epsilon)
    return epsilon


def read(**sent: Sequence[str]) -> tuple[View, list[str]]:
    return read_link(sent, BEFORE, DATASETS, settle)


def test_a_link_carries_the_whole_view() -> None:
    view = View(dataset="bears", epsilon=1e6, counted="tight")
    parameters = {name: [value] for name, value in link_parameters(view).items()}
    assert read_link(parameters, BEFORE, DATASETS, settle) == (view, [])


def test_absent_parts_stay() -> None:
    assert read() == (BEFORE, [])
    assert read(eps=["32"]) == (View(dataset="toys", epsilon=32.0, counted="rdp"), [])


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        (
            {"data": ["<script>alert(1)</script>"]},
            "data must be one of toys, bears, but is “<script>alert(1)</script…”",
        ),
        ({"data": ["../etc/passwd"]}, "data must be one of"),
        ({"eps": ["abc"]}, "eps must be a number from 0.1 to 10¹⁵ or “no DP”, but is “abc”"),
        ({"eps": ["-1"]}, "eps must be"),
        ({"eps": ["1e99"]}, "eps must be"),
        ({"eps": ["9" * 5000]}, "eps must be"),
        ({"eps": ["8", "9"]}, "eps must be given once, but is given 2 times"),
        ({"eps": [""]}, "eps must be a number from 0.1 to 10¹⁵ or “no DP”, but is empty"),
        ({"counted": ["both"]}, "counted must be paper or tight, but is “both”"),
    ],
)
def test_a_bad_part_is_named_and_the_rest_kept(sent: dict[str, list[str]], problem: str) -> None:
    view, problems = read(**sent)
    assert view == BEFORE
    assert len(problems) == 1
    assert problem in problems[0]
    assert len(problems[0]) < 120


@given(
    st.dictionaries(st.sampled_from(["data", "eps", "counted", "other"]), st.lists(st.text(max_size=50), max_size=3))
)
def test_any_link_leads_to_a_valid_view(sent: dict[str, Any]) -> None:
    view, problems = read_link(sent, BEFORE, DATASETS, settle)
    assert view.dataset in DATASETS
    assert view.counted in ("rdp", "tight")
    try:
        settle(view.dataset, view.epsilon, view.counted)
    except InvalidValue:
        pytest.fail("an epsilon outside the range was taken over")
    assert len(problems) <= 3
