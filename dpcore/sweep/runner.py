"""Gives items to the workers of a Dask cluster, a few at a time, and yields how each of them ended."""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Generic, TypeVar

from distributed import Client, Future, Scheduler
from distributed.scheduler import KilledWorker

from dpcore.sweep.pool import ClusterUnavailable
from dpcore.sweep.tasks import Ended, attempt, over_limit

Item = TypeVar("Item")

#: Items in Dask's hands for each thread: one at work and others at hand, yet no flood of 10⁵ for the scheduler.
AHEAD = 3
#: A step in progress may end after the limit; a worker silent for longer than this is restarted.
GRACE_SECONDS = 5.0
#: How long a cluster may be without any worker before the sweep gives up.
NO_WORKER_SECONDS = 60.0
_POLL_SECONDS = 1.0
_RESTART_SECONDS = 10.0

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
                    yield from self._overdue()
                    self._look_after_workers()
        finally:
            self._client.cancel([future for _, future in self._running.values()], force=True)

    def _top_up(self, waiting: Iterator[Item]) -> None:
        while len(self._running) < AHEAD * max(1, self._threads):
            try:
                item = next(waiting)
            except StopIteration:
                return
            key = f"cell-{uuid.uuid4().hex}"
            future = self._client.submit(attempt, self._function, item, self._time_limit, key=key, pure=False)
            self._running[key] = (item, future)
            future.add_done_callback(lambda done: self._done.put(done.key))

    def _next(self) -> Iterator[tuple[Item, Ended]]:
        """Waits a moment for an item to end; yields at most one."""
        try:
            key = self._done.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            return
        if key in self._running:
            item, future = self._running.pop(key)
            yield item, _ended(future)

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
            raise ClusterUnavailable("All workers are gone; what is finished is kept, so start the command again.")

    def _overdue(self) -> Iterator[tuple[Item, Ended]]:
        """Takes items that are far over their limit from their workers, and restarts these."""
        if self._time_limit is None:
            return
        found = self._client.run_on_scheduler(overdue_keys, self._time_limit + GRACE_SECONDS)
        for key, worker in found.items():
            if key in self._running:
                item, future = self._running.pop(key)
                future.cancel(force=True)
                with suppress(TimeoutError):  # Then it comes back later.
                    self._client.restart_workers([worker], timeout=_RESTART_SECONDS, raise_for_error=False)
                yield item, Ended(failure=over_limit(self._time_limit), seconds=self._time_limit)


def _ended(future: Future) -> Ended:
    if future.status == "cancelled":
        raise ClusterUnavailable("The Dask scheduler is gone; what is finished is kept, so start the command again.")
    try:
        return future.result()
    except KilledWorker:
        return Ended(failure=LOST_WORKERS)
    except Exception as error:  # Dask's own, such as a worker that cannot import dpcore.
        return Ended(failure=f"{type(error).__name__}: {' '.join(str(error).split())}")


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
