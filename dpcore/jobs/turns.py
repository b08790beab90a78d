"""Whose turn it is: visitors take turns, whoever has been served least comes first."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: Names a task: its job and its number in the job.
TaskId = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A task that waits."""

    task: TaskId
    visitor: str
    #: None = unknown.
    expected_seconds: float | None = None


def in_turn(
    waiting: Sequence[Waiting], *, running: Mapping[str, int], last_served: Mapping[str, float]
) -> list[Waiting]:
    """Returns the waiting tasks in the order in which they will start.

    The next one is always of the visitor with the fewest tasks running or placed before it; among equals of the one
    served longest ago, then of the one who has waited longest. A visitor's own tasks keep their order.

    Args:
        waiting: in order of arrival.
        running: tasks at work, by visitor.
        last_served: when a visitor's task last started, by visitor; absent = never.
    """
    own: dict[str, list[Waiting]] = {}
    for task in waiting:
        own.setdefault(task.visitor, []).append(task)
    arrival = {visitor: place for place, visitor in enumerate(own)}
    heap = [
        (running.get(visitor, 0), last_served.get(visitor, float("-inf")), arrival[visitor], visitor) for visitor in own
    ]
    heapq.heapify(heap)
    order: list[Waiting] = []
    while heap:
        placed, served, place, visitor = heapq.heappop(heap)
        order.append(own[visitor].pop(0))
        if own[visitor]:
            heapq.heappush(heap, (placed + 1, served, place, visitor))
    return order


def expected_waits(order: Sequence[Waiting], *, busy: Sequence[float | None], workers: int) -> list[float | None]:
    """Returns the seconds until each task starts; None behind a task whose length is unknown.

    Args:
        order: as `in_turn` returns it.
        busy: seconds left of each task at work; None = unknown.
        workers: tasks at work at a time, at least 1.
    """
    if workers < 1 or any(seconds is None for seconds in busy):
        return [None] * len(order)
    free = sorted([max(0.0, float(seconds or 0.0)) for seconds in busy])[-workers:]
    heap = [0.0] * (workers - len(free)) + free
    heapq.heapify(heap)
    waits: list[float | None] = []
    for task in order:
        if not heap:
            waits.append(None)
            continue
        start = heapq.heappop(heap)
        waits.append(start)
        if task.expected_seconds is not None:
            heapq.heappush(heap, start + task.expected_seconds)
    return waits
