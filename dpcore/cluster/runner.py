"""Gives items to the workers of a Dask cluster, a few at a time, and yields how each of them ended."""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any, Generic, TypeVar

from distributed import Client, Future, Scheduler
from distributed.scheduler import KilledWorker

from dpcore.cluster.pool import ClusterUnavailable
from dpcore.cluster.tasks import Ended, attempt, one_line, over_limit

Item = TypeVar("Item")

#: Items in Dask's hands for each thread: one at work and others at hand, yet no flood of 10⁵ for the scheduler.
AHEAD = 3
#: A step in progress may end after the limit; a worker silent for longer than this is restarted.
GRACE_SECONDS = 5.0
#: How long a cluster may be without any worker before the sweep gives up.
NO_WORKER_SECONDS = 60.0
_POLL_SECONDS = 1.0
_RESTART_SECONDS = 10.0

_GONE = "The Dask cluster must have a scheduler and a worker, but is gone; start the command again."
LOST_WORKERS = "Every worker that tried it was lost, perhaps for want of memory."


def run_items(
    client: Client, function: Callable[[Item], Any], items: Iterable[Item], *, time_limit: float | None = None
) -> Iterator[tuple[Item, Ended]]:
    """Yields (item, how it ended), in the order in which they end; `function` must be importable by the workers.

    Closing the iterator cancels what is in flight. Raises ClusterUnavailable when all workers are gone.
    """
    lost: list[Item] = []
    for item, ended in _Flight(client, function, time_limit).over(items):
        if ended.failure == LOST_WORKERS:
            lost.append(item)
        else:
            yield item, ended
    # A lost worker takes its neighbours' items along. Alone, each shows whether it was to blame.
    for item in lost:
        yield from _Flight(client, function, time_limit).over([item])


class _Flight(Generic[Item]):
    """The items in Dask's hands."""

    def __init__(self, client: Client, function: Callable[[Item], Any], time_limit: float | None) -> None:
        self._client, self._function, self._time_limit = client, function, time_limit
        self._running: dict[str, tuple[Item, Future]] = {}
        self._done: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._threads = 1
        self._looked_at = self._alive_at = time.monotonic()

    def over(self, items: Iterable[Item]) -> Iterator[tuple[Item, Ended]]:
        """Yields (item, how it ended) until none is left."""
        waiting = iter(items)
        self._look_after_workers()
        try:
            while True:
                self._top_up(waiting)
                if not self._running:
                    return
                yield from self._next()
                if time.monotonic() - self._looked_at > _POLL_SECONDS:
                    self._look_after_workers()
                    yield from self._overdue()
        except (OSError, CancelledError):
            raise ClusterUnavailable(_GONE) from None
        finally:
            with suppress(OSError, CancelledError):  # A cluster that is gone has nothing to cancel.
                self._client.cancel([future for _, future in self._running.values()], force=True)

    def _top_up(self, waiting: Iterator[Item]) -> None:
        while len(self._running) < AHEAD * max(1, self._threads):
            try:
                item = next(waiting)
            except StopIteration:
                return
            key = f"cell-{uuid.uuid4().hex}"
            future = self._client.submit(attempt, self._function, item, self._time_limit, key=key, pure=False)
            self._watch(item, future)

    def _watch(self, item: Item, future: Future) -> None:
        self._running[str(future.key)] = (item, future)
        future.add_done_callback(lambda done: self._done.put(str(done.key)))

    def _next(self) -> Iterator[tuple[Item, Ended]]:
        """Waits a moment for an item to end, then yields all that have."""
        good: list[tuple[Item, Future]] = []
        for key in self._ready():
            item, future = self._running.pop(key)
            if future.status == "finished":
                good.append((item, future))
            elif future.status in ("error", "cancelled"):
                yield item, _failed(future)
            else:  # Its worker was lost before it could hand over the result, and another one works on it.
                self._watch(item, future)
        if good:
            # In one message, since each asks the scheduler and waits for its answer.
            values = self._client.gather([future for _, future in good])
            yield from zip((item for item, _ in good), values, strict=True)

    def _ready(self) -> list[str]:
        keys = []
        with suppress(queue.Empty):
            keys.append(self._done.get(timeout=_POLL_SECONDS))
            while True:
                keys.append(self._done.get_nowait())
        return [key for key in dict.fromkeys(keys) if key in self._running]

    def _look_after_workers(self) -> None:
        """Counts the threads; raises ClusterUnavailable if there have been none for too long."""
        self._looked_at = time.monotonic()
        try:
            self._threads = sum(self._client.nthreads().values())
        except OSError:
            self._threads = 0
        if self._threads:
            self._alive_at = self._looked_at
        elif self._looked_at - self._alive_at > NO_WORKER_SECONDS or self._client.status == "closed":
            raise ClusterUnavailable(_GONE)

    def _overdue(self) -> Iterator[tuple[Item, Ended]]:
        """Takes items that are far over their limit from their workers, and restarts these."""
        if self._time_limit is None or not self._threads:
            return
        found = self._client.run_on_scheduler(overdue_keys, self._time_limit + GRACE_SECONDS)
        for key, worker in found.items():
            if key in self._running:
                item, future = self._running.pop(key)
                future.cancel(force=True)
                with suppress(TimeoutError):  # Then it comes back later.
                    self._client.restart_workers([worker], timeout=_RESTART_SECONDS, raise_for_error=False)
                yield item, Ended(failure=over_limit(self._time_limit), seconds=self._time_limit)


def _failed(future: Future) -> Ended:
    """What Dask itself has to say: `attempt` raises nothing."""
    if future.status == "cancelled":
        raise ClusterUnavailable(_GONE)
    error = future.exception()
    return Ended(failure=LOST_WORKERS if isinstance(error, KilledWorker) else one_line(error))


def overdue_keys(limit: float, dask_scheduler: Scheduler) -> dict[str, str]:
    """Returns {key: worker address} of tasks that have been at work for longer than `limit` seconds; for a scheduler.

    A worker reports its tasks' times with each heartbeat; the time since the last one counts too, since a worker
    that hangs sends none.
    """
    now, found = time.time(), {}
    for worker in dask_scheduler.workers.values():
        silent = max(0.0, now - worker.last_seen)
        spent = {str(task.key): worker.executing.get(task, 0.0) + silent for task in worker.processing}
        longest = sorted(spent, key=spent.__getitem__, reverse=True)[: worker.nthreads]
        found.update({key: worker.address for key in longest if spent[key] > limit})
    return found
