"""Whose turn it is, and how long it takes: by hand, and properties over random queues."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from dpcore.jobs.turns import Waiting, expected_waits, in_turn


def _tasks(visitors: str, seconds: float | None = 1.0) -> list[Waiting]:
    return [Waiting(task=(f"j{i}", 0), visitor=v, expected_seconds=seconds) for i, v in enumerate(visitors)]


def _order(visitors: str, running: dict[str, int] | None = None, served: dict[str, float] | None = None) -> str:
    order = in_turn(_tasks(visitors), running=running or {}, last_served=served or {})
    return "".join(w.visitor for w in order)


def test_visitors_take_turns_and_a_newcomer_passes_whoever_has_had_theirs() -> None:
    assert _order("aaaabbc") == "abcabaa"
    assert _order("aab", running={"a": 1}) == "baa"
    assert _order("ab", served={"a": 5.0, "b": 3.0}) == "ba"
    assert _order("ab", served={"a": 5.0}) == "ba"
    assert _order("") == ""


@given(st.text("abcd", max_size=30), st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3)))
def test_nobody_is_placed_twice_before_another_who_waits_had_a_turn(visitors: str, running: dict[str, int]) -> None:
    waiting = _tasks(visitors)
    order = in_turn(waiting, running=running, last_served={})
    assert sorted(w.task for w in order) == sorted(w.task for w in waiting)
    for visitor in set(visitors):
        own = [int(w.task[0][1:]) for w in order if w.visitor == visitor]
        assert own == sorted(own)
    placed = Counter(running)
    for place, task in enumerate(order):
        still = {w.visitor for w in order[place:]}
        assert placed[task.visitor] == min(placed[v] for v in still)
        placed[task.visitor] += 1


def test_waits_by_hand() -> None:
    order = _tasks("abc", 10.0)
    assert expected_waits(order, busy=[], workers=1) == [0, 10, 20]
    assert expected_waits(order, busy=[4.0, 6.0], workers=2) == [4, 6, 14]
    assert expected_waits(order, busy=[4.0], workers=2) == [0, 4, 10]
    assert expected_waits(order, busy=[-3.0], workers=1) == [0, 10, 20]  # Overdue: any moment now.


def test_what_nobody_knows_is_not_guessed() -> None:
    order = [*_tasks("a", None), *_tasks("b", 10.0)]
    assert expected_waits(order, busy=[], workers=1) == [0, None]
    assert expected_waits(order, busy=[], workers=2) == [0, 0]
    assert expected_waits(order, busy=[None], workers=2) == [None, None]
    assert expected_waits(order, busy=[], workers=0) == [None, None]
