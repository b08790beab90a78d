"""What is kept in memory: made once, also by many at once; forgotten when asked, or when there is too much."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ui.kept import Memory, forget_everything, kept


def test_it_is_made_once_and_is_the_same_object() -> None:
    made: list[tuple[object, ...]] = []

    @kept(max_entries=4)
    def squares(upto: int, *, shift: int = 0) -> list[int]:
        made.append((upto, shift))
        return [n * n + shift for n in range(upto)]

    assert squares(3) is squares(3)
    assert squares(3, shift=1) == [1, 2, 5]
    assert squares(3, shift=1) is squares(3, shift=1)
    assert made == [(3, 0), (3, 1)]
    squares.clear(3)
    squares(3)
    squares(3, shift=1)
    assert made == [(3, 0), (3, 1), (3, 0)]
    squares.clear()
    squares(3, shift=1)
    forget_everything()
    squares(3, shift=1)
    assert len(made) == 5


def test_none_is_a_value_and_a_failure_is_not() -> None:
    asked: list[str] = []

    @kept(max_entries=4)
    def found(name: str) -> None:
        asked.append(name)
        if name == "lost":
            raise LookupError(name)

    for _ in range(2):
        assert found("there") is None
        with pytest.raises(LookupError):
            found("lost")
    assert asked == ["there", "lost", "lost"]


def test_the_oldest_goes_first() -> None:
    memory: Memory[int] = Memory(max_entries=2)
    assert [memory.get(name, lambda place=place: place) for place, name in enumerate("abc")] == [0, 1, 2]
    assert [memory.get(name, lambda: 9) for name in "cba"] == [2, 1, 9]


def test_many_at_once_wait_for_one_and_others_do_not() -> None:
    memory: Memory[int] = Memory(max_entries=4)
    made: list[int] = []
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> int:
        made.append(1)
        begun.set()
        assert go_on.wait(10)
        return 42

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(memory.get, "slow", slow) for _ in range(6)]
        assert begun.wait(10)
        assert memory.get("quick", lambda: 7) == 7
        go_on.set()
        assert {one.result(10) for one in asked} == {42}
    assert len(made) == 1


def test_who_waited_for_a_failure_tries_again() -> None:
    memory: Memory[int] = Memory(max_entries=4)
    tries: list[int] = []

    def second_time() -> int:
        tries.append(1)
        time.sleep(0.05)
        if len(tries) == 1:
            raise OSError
        return 42

    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(memory.get, "file", second_time) for _ in range(2)]
        failed = [one.exception(10) is not None for one in asked]
    assert sorted(failed) == [False, True]
    assert memory.get("file", second_time) == 42
