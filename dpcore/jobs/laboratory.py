"""The laboratory: takes tasks from the database in turn, gives them to Dask workers, writes down how they go.

Dask is only ever given as many tasks as it has threads; what waits does so in the database, in the order of
`dpcore.jobs.turns`. One laboratory works on a database at a time.
"""

from __future__ import annotations

import fcntl
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from distributed import Client, Future
from distributed.scheduler import KilledWorker

from dpcore.cluster.pool import ClusterUnavailable, Workers
from dpcore.cluster.tasks import over_limit
from dpcore.errors import DpcoreError
from dpcore.jobs.database import ChangeWatch, JobsUnavailable
from dpcore.jobs.laboratory_store import LaboratoryStore
from dpcore.jobs.outcomes import progress_from_json
from dpcore.jobs.turns import TaskId
from dpcore.jobs.worker import TOPIC, Ended, perform, stop

_TICK_SECONDS = 0.03
_BEAT_SECONDS = 1.0
#: A step in progress may end after it was asked to stop; a worker silent for longer than this is restarted.
STOP_SECONDS = 1.3
#: The same for the time limit.
_GRACE_SECONDS = 5.0
_RESTART_SECONDS = 10.0
#: Between two attempts to reach a cluster that is gone.
_RECONNECT_SECONDS = 5.0
#: How long a cluster may be without workers before it counts as gone.
_NO_WORKER_SECONDS = 30.0

#: How many workers may be lost over a task that had begun, and in all: one that dies before the task has begun, such as
#: beside another one, says little about the task.
_MOST_LOST_AT_WORK, _MOST_LOST = 2, 5

LOST = "The workers that tried it were lost, perhaps for want of memory: a smaller batch or model may help."


class AnotherLaboratory(DpcoreError):
    """The database has a laboratory already."""


@dataclass(kw_only=True)
class _AtWork:
    """A task in Dask's hands."""

    settings: dict[str, Any]
    future: Future
    started: float
    #: For each worker that was lost over it, whether it had begun there.
    lost: tuple[bool, ...] = ()
    #: Where and in which attempt it last reported.
    worker: str | None = None
    execution: str | None = None
    asked_to_stop: float | None = None


@dataclass(kw_only=True)
class Bench:
    """What one laboratory needs: the database, the workers, and when to end."""

    store: LaboratoryStore
    workers: Workers
    #: Without a task for that long it ends; infinite = never.
    idle_seconds: float = float("inf")
    stopping: threading.Event = field(default_factory=threading.Event)


def run_laboratory(bench: Bench) -> None:
    """Works until `bench.stopping` is set or nothing has been asked for in `idle_seconds`.

    Raises AnotherLaboratory, and JobsUnavailable if the database cannot be opened.
    """
    with _alone(bench.store.path):
        bench.store.open_laboratory(os.getpid())
        try:
            _work_until_the_end(bench)
        finally:
            with suppress(JobsUnavailable):
                bench.store.close_laboratory()


def _work_until_the_end(bench: Bench) -> None:
    while not bench.stopping.is_set():
        try:
            with ExitStack() as cluster:
                with _beating(bench):  # Workers that import torch on a busy machine take their time.
                    client = cluster.enter_context(bench.workers.connect())
                _Shift(bench, client).work()
                return
        except (ClusterUnavailable, OSError, CancelledError) as error:
            known = isinstance(error, ClusterUnavailable)
            problem = str(error) if known else "The Dask cluster is gone; it is being looked for."
            _wait_for_the_cluster(bench, problem)


@contextmanager
def _beating(bench: Bench) -> Iterator[None]:
    """Says beside other work that the laboratory is alive."""
    done = threading.Event()

    def beat() -> None:
        while not done.wait(_BEAT_SECONDS):
            with suppress(JobsUnavailable):
                bench.store.beat(workers=0)

    beater = threading.Thread(target=beat, daemon=True)
    beater.start()
    try:
        yield
    finally:
        done.set()
        beater.join()


def _wait_for_the_cluster(bench: Bench, problem: str) -> None:
    with suppress(JobsUnavailable):
        bench.store.open_laboratory(os.getpid())  # What was at work waits again.
    until = time.monotonic() + _RECONNECT_SECONDS
    while time.monotonic() < until and not bench.stopping.wait(_BEAT_SECONDS):
        with suppress(JobsUnavailable):
            bench.store.beat(workers=0, problem=problem)


@contextmanager
def _alone(database: Path) -> Iterator[None]:
    """Holds a lock that ends with this process."""
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        lock = database.with_name(database.name + ".lock").open("w")
    except OSError:
        raise JobsUnavailable("The folder of live runs cannot be written.") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AnotherLaboratory("The database of live runs has a laboratory already.") from None
        yield


class _Shift:
    """The work with one cluster."""

    def __init__(self, bench: Bench, client: Client) -> None:
        self._bench, self._store, self._client = bench, bench.store, client
        self._at_work: dict[TaskId, _AtWork] = {}
        self._reports: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        #: Writes that the database has not taken yet, because the disk is full or it is locked.
        self._unwritten: list[Callable[[], None]] = []
        self._problem = ""
        self._threads = 0
        self._beat_at = self._busy_at = self._alive_at = time.monotonic()
        client.subscribe_topic(TOPIC, lambda event: self._reports.put(event[1]))

    def work(self) -> None:
        """Returns when it is time to end; raises ClusterUnavailable when there are no workers."""
        with closing(ChangeWatch(self._store.path)) as changed:
            self._work(changed)

    def _work(self, changed: ChangeWatch) -> None:
        look = True
        self._beat()
        while not self._bench.stopping.is_set():
            try:
                self._take_reports()
                self._take_ended()
                if changed() or look:
                    self._stop_cancelled()
                    self._take_tasks()
                look = False
                self._restart_silent()
                if time.monotonic() - self._beat_at > _BEAT_SECONDS:
                    self._beat()
            except JobsUnavailable as error:
                self._problem, look = str(error), True
                self._bench.stopping.wait(_BEAT_SECONDS)
                with suppress(JobsUnavailable):
                    self._beat()
            if time.monotonic() - self._busy_at > self._bench.idle_seconds:
                return
            self._bench.stopping.wait(_TICK_SECONDS)

    def _beat(self) -> None:
        """Says that all is well, or what is not, and counts the workers."""
        self._beat_at = now = time.monotonic()
        self._threads = sum(self._client.nthreads().values())
        if self._threads:
            self._alive_at = now
        elif now - self._alive_at > _NO_WORKER_SECONDS or self._client.status == "closed":
            raise ClusterUnavailable("The Dask cluster has no workers; it is being looked for.")
        self._write_rest()
        self._store.beat(workers=self._threads, problem=self._problem)
        self._problem = ""
        if self._at_work or self._store.unfinished():
            self._busy_at = now

    def _take_tasks(self) -> None:
        """Gives the next tasks to free workers."""
        while len(self._at_work) < self._threads and (claimed := self._store.claim()):
            task, settings = claimed
            self._start(task, settings.to_json())

    def _start(self, task: TaskId, settings: dict[str, Any], *, lost: tuple[bool, ...] = ()) -> None:
        key = f"lab-{task[0]}-{task[1]}-{time.time_ns()}"
        future = self._client.submit(perform, task, settings, self._store.limits.seconds, key=key, pure=False)
        self._at_work[task] = _AtWork(settings=settings, future=future, started=time.monotonic(), lost=lost)

    def _take_reports(self) -> None:
        latest: dict[TaskId, dict[str, Any]] = {}
        with suppress(queue.Empty):
            while True:
                report = self._reports.get_nowait()
                task: TaskId = (report["task"][0], report["task"][1])
                at_work = self._at_work.get(task)
                if at_work is not None and at_work.future.key == report["key"]:  # Not from a worker lost since.
                    self._note_attempt(task, report)
                    latest[task] = report["progress"]
        if not self._unwritten:  # Progress may be lost, results may not.
            for task, progress in latest.items():
                self._store.report(task, progress_from_json(progress))

    def _note_attempt(self, task: TaskId, report: dict[str, Any]) -> None:
        at_work = self._at_work[task]
        if at_work.execution not in (None, report["execution"]):
            at_work.started = time.monotonic()
            self._write(partial(self._store.retry, task))
        at_work.execution, at_work.worker = report["execution"], report["worker"]

    def _take_ended(self) -> None:
        for task, at_work in list(self._at_work.items()):
            if at_work.future.done():
                del self._at_work[task]
                if _lost_its_worker(at_work.future):
                    self._begin_anew(task, at_work)
                else:
                    self._write_end(task, _how_it_ended(at_work.future))
                at_work.future.release()

    def _begin_anew(self, task: TaskId, at_work: _AtWork) -> None:
        """Tries a task whose worker was lost on another one, unless it has cost enough of them."""
        if at_work.asked_to_stop is not None:
            self._write_end(task, Ended(how="stopped"))
            return
        begun = at_work.execution is not None
        lost = (*at_work.lost, begun)
        if sum(lost) >= _MOST_LOST_AT_WORK or len(lost) >= _MOST_LOST:
            self._write_end(task, Ended(how="failed", sentence=LOST))
            return
        self._start(task, at_work.settings, lost=lost)
        if begun:
            self._write(partial(self._store.retry, task))

    def _write_end(self, task: TaskId, ended: Ended) -> None:
        if ended.how == "finished":
            self._write(partial(self._store.finish, task, ended.outcome or {}))
        elif ended.how == "stopped":
            self._write(partial(self._store.stopped, task))
        else:
            self._write(partial(self._store.fail, task, ended.sentence))

    def _stop_cancelled(self) -> None:
        for task in self._store.cancelling():
            at_work = self._at_work.get(task)
            if at_work is not None and at_work.asked_to_stop is None:
                at_work.asked_to_stop = time.monotonic()
                where = [at_work.worker] if at_work.worker else None
                _aside(self._client.run, stop, task, workers=where, on_error="ignore")

    def _restart_silent(self) -> None:
        """Takes tasks that neither stop nor end from their workers, and restarts these."""
        now, limit = time.monotonic(), self._store.limits.seconds
        for task, at_work in list(self._at_work.items()):
            deaf = at_work.asked_to_stop is not None and now - at_work.asked_to_stop > STOP_SECONDS
            overdue = now - at_work.started > limit + _GRACE_SECONDS
            if not deaf and not overdue:
                continue
            del self._at_work[task]
            at_work.future.cancel(force=True)
            if at_work.worker:
                _aside(self._client.restart_workers, [at_work.worker], timeout=_RESTART_SECONDS, raise_for_error=False)
                self._threads -= 1  # Counted again when it is back.
            how = Ended(how="stopped") if deaf else Ended(how="failed", sentence=over_limit(limit))
            self._write_end(task, how)

    def _write(self, write: Callable[[], None]) -> None:
        """Writes now, or as soon as the database takes it: a result is never lost to a full disk."""
        self._unwritten.append(write)
        self._write_rest()

    def _write_rest(self) -> None:
        while self._unwritten:
            self._unwritten[0]()
            self._unwritten.pop(0)


def _lost_its_worker(future: Future) -> bool:
    return future.status == "error" and isinstance(future.exception(), KilledWorker)


def _how_it_ended(future: Future) -> Ended:
    if future.status == "finished":
        return future.result()
    if future.status == "cancelled":
        raise ClusterUnavailable("The Dask cluster is gone; it is being looked for.")
    return Ended(how="failed", sentence="It could not be sent to a worker.")


def _aside(work: Callable[..., Any], *arguments: Any, **options: Any) -> None:
    """Does what waits for a worker, which may be dead, beside the others' work."""

    def quietly() -> None:
        with suppress(OSError, TimeoutError, CancelledError, ValueError):
            work(*arguments, **options)

    threading.Thread(target=quietly, daemon=True).start()
