"""What a worker does with one item, and how long it may take. Loaded by each worker when it starts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from dpcore.errors import DpcoreError

T = TypeVar("T")

# One deadline a thread, since a worker of somebody else's cluster may run several cells at a time.
_deadline = threading.local()


class TimeLimitExceeded(DpcoreError):
    """An item took longer than it may."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How one item ended: with a value, or with a sentence that says why there is none."""

    value: Any = None
    failure: str | None = None
    #: Wall-clock seconds on the worker; 0 if the worker was lost.
    seconds: float = 0.0


def attempt(function: Callable[[Any], Any], item: Any, time_limit: float | None) -> Ended:
    """Returns how `function(item)` ended; never raises what it raises."""
    start = time.perf_counter()
    value, failure = None, None
    try:
        with limited_to(time_limit):
            value = function(item)
    except DpcoreError as error:
        failure = str(error)
    except Exception as error:  # Whatever it is, the other items go on, and the sweep reports it.
        failure = one_line(error)
    return Ended(value=value, failure=failure, seconds=time.perf_counter() - start)


def one_line(error: BaseException) -> str:
    """Returns an unexpected error as one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


@contextmanager
def limited_to(seconds: float | None) -> Iterator[None]:
    """Gives this thread that long; None is no limit."""
    _deadline.limit = seconds
    _deadline.at = None if seconds is None else time.monotonic() + seconds
    try:
        yield
    finally:
        _deadline.at = None


def in_time(steps: Iterable[T]) -> Iterator[T]:
    """Yields the steps of a training; raises TimeLimitExceeded after the first step that ends too late."""
    for step in steps:
        at = getattr(_deadline, "at", None)
        if at is not None and time.monotonic() > at:
            raise TimeLimitExceeded(over_limit(_deadline.limit))
        yield step


def over_limit(seconds: float) -> str:
    """Returns the sentence for an item that was stopped."""
    return f"It was stopped at its time limit of {seconds:g} s."
