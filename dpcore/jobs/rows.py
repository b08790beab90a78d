"""Reads jobs out of the database."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dpcore.jobs.forecast import DatasetFacts, facts_from_json
from dpcore.jobs.outcomes import TaskProgress, progress_from_json
from dpcore.jobs.tasks import ProbeTask, Task, task_from_json, task_key
from dpcore.jobs.turns import TaskId, Waiting, expected_waits, in_turn

State = Literal["waiting", "running", "finished", "failed", "cancelled"]
JobKind = Literal["run", "curve", "profile", "probe"]


@dataclass(frozen=True, kw_only=True)
class TaskState:
    """One task of a job, as the page shows it."""

    number: int
    key: str
    task: Task
    state: State
    #: How often it was started; 2 after a lost worker.
    attempts: int
    expected_seconds: float | None
    #: Seconds since 1970.
    started: float | None
    finished: float | None
    #: Why it failed.
    sentence: str | None
    progress: TaskProgress | None
    #: Tasks that start before it, and the seconds until it starts; None where it does not wait, or nobody knows.
    ahead: int | None = None
    wait: float | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a visitor asked for in one click."""

    id: str
    visitor: str
    kind: JobKind
    name: str
    kept: bool
    created: float
    tasks: tuple[TaskState, ...]

    @property
    def state(self) -> State:
        """Running or waiting while any task is; then failed or cancelled if any task did, else finished."""
        states = {task.state for task in self.tasks}
        for state in ("running", "waiting", "failed", "cancelled"):
            if state in states:
                # Between two tasks of a job that has begun, the job as a whole goes on.
                begun = state == "waiting" and bool(states & {"finished", "failed"})
                return "running" if begun else state
        return "finished"


@dataclass(frozen=True, kw_only=True)
class Laboratory:
    """What the laboratory last said of itself."""

    pid: int
    started: float
    alive: bool
    #: Tasks at work at a time; 0 while workers start.
    workers: int
    #: Why nothing is at work; empty if all is well.
    problem: str


def read_facts(db: sqlite3.Connection, dataset: str) -> DatasetFacts | None:
    """Returns what a probe found out about a dataset; None before the first."""
    row = db.execute("SELECT outcome FROM outcomes WHERE key = ?", (task_key(ProbeTask(dataset=dataset)),)).fetchone()
    return None if row is None else facts_from_json(json.loads(row[0]))


def read_order(db: sqlite3.Connection) -> list[Waiting]:
    """Returns the waiting tasks in the order in which they will start."""
    rows = db.execute(
        "SELECT job, number, visitor, expected_seconds FROM tasks JOIN jobs ON job = id WHERE state = 'waiting' "
        "ORDER BY jobs.rowid, number"  # As they came, whatever the clock said.
    ).fetchall()
    running = db.execute(
        "SELECT visitor, count(*) FROM tasks JOIN jobs ON job = id WHERE state = 'running' GROUP BY visitor"
    )
    waiting = [
        Waiting(task=(r["job"], r["number"]), visitor=r["visitor"], expected_seconds=r["expected_seconds"])
        for r in rows
    ]
    served = db.execute("SELECT visitor, at FROM served")
    return in_turn(waiting, running=dict(running.fetchall()), last_served=dict(served.fetchall()))


def read_jobs(db: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> Iterator[Job]:
    """Yields the jobs of those rows of the table `jobs`, with their places in the queue."""
    places: dict[TaskId, tuple[int, float | None]] = {}
    found = {
        row["id"]: db.execute("SELECT * FROM tasks WHERE job = ? ORDER BY number", (row["id"],)).fetchall()
        for row in rows
    }
    if any(task["state"] == "waiting" for tasks in found.values() for task in tasks):
        order = read_order(db)
        waits = expected_waits(order, busy=_busy(db), workers=_workers(db))
        places = {w.task: (place, wait) for place, (w, wait) in enumerate(zip(order, waits, strict=True))}
    for row in rows:
        tasks = tuple(_task_state(task, places.get((row["id"], task["number"]))) for task in found[row["id"]])
        about: dict[str, Any] = {name: row[name] for name in ("id", "visitor", "kind", "name", "created")}
        yield Job(**about, kept=bool(row["kept"]), tasks=tasks)


def _busy(db: sqlite3.Connection) -> list[float | None]:
    rows = db.execute("SELECT started, expected_seconds FROM tasks WHERE state = 'running'").fetchall()
    now = time.time()
    left = [None if r["expected_seconds"] is None else r["started"] + r["expected_seconds"] - now for r in rows]
    # No task has more left than it takes, whatever was done to the clock.
    return [None if s is None else min(s, r["expected_seconds"]) for s, r in zip(left, rows, strict=True)]


def _workers(db: sqlite3.Connection) -> int:
    row = db.execute("SELECT workers FROM laboratory").fetchone()
    return row["workers"] if row else 0


def _task_state(row: sqlite3.Row, place: tuple[int, float | None] | None) -> TaskState:
    about: dict[str, Any] = {
        name: row[name]
        for name in ("number", "key", "state", "attempts", "expected_seconds", "started", "finished", "sentence")
    }
    return TaskState(
        **about,
        task=task_from_json(json.loads(row["settings"])),
        progress=progress_from_json(json.loads(row["progress"])) if row["progress"] else None,
        ahead=place[0] if place else None,
        wait=place[1] if place else None,
    )
