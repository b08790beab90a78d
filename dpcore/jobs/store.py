"""What the app does with jobs: submit, look, cancel, name, keep, delete."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dpcore.errors import DpcoreError, InvalidValue
from dpcore.jobs.database import DAMAGED, Database, JobsUnavailable
from dpcore.jobs.forecast import DatasetFacts, expected_seconds
from dpcore.jobs.limits import Limits
from dpcore.jobs.outcomes import RunOutcome, run_outcome_from_json
from dpcore.jobs.rows import Job, JobKind, Laboratory, read_facts, read_jobs
from dpcore.jobs.tasks import ProbeTask, Task, task_key

#: A laboratory that has not said so for longer than this is gone.
HEARTBEAT_SECONDS = 5.0
MOST_NAME = 60
#: Asked for by nobody in particular: looks at this machine's speed.
HOUSE = "house"


class JobRefused(DpcoreError):
    """A visitor, or all of them, have too many unfinished jobs."""


class JobStore(Database):
    """The jobs of all visitors. Every method raises JobsUnavailable if the database cannot be read or written."""

    def __init__(self, path: Path, *, limits: Limits | None = None) -> None:
        super().__init__(path)
        self.limits = limits or Limits()

    def submit(self, visitor: str, kind: JobKind, tasks: Sequence[Task], *, name: str = "") -> str:
        """Writes a job down and returns its id.

        Raises:
            InvalidValue: for a task over a limit, or a name that is too long.
            JobRefused: if the visitor, or all together, have too many unfinished jobs.
            JobsUnavailable: if the database cannot be written.
        """
        name = _checked_name(name)
        now = time.time()
        with self.writing() as db:
            for task in tasks:
                self.limits.check(task, read_facts(db, task.dataset))
            if kind != "probe":
                self._check_room(db, visitor)
            job = secrets.token_urlsafe(12)
            db.execute("INSERT INTO jobs VALUES (?, ?, ?, ?, 0, ?)", (job, visitor, kind, name, now))
            for number, task in enumerate(tasks):
                expected = expected_seconds(task, read_facts(db, task.dataset))
                row = (job, number, task_key(task), json.dumps(task.to_json()), "waiting", expected)
                db.execute(
                    "INSERT INTO tasks (job, number, key, settings, state, expected_seconds) VALUES (?, ?, ?, ?, ?, ?)",
                    row,
                )
        return job

    def probe(self, dataset: str, *, since: float = 0.0) -> None:
        """Asks for a look at a dataset and this machine's speed, unless one is under way or from after `since`."""
        task = ProbeTask(dataset=dataset)
        with self.reading() as db:
            known = db.execute("SELECT finished FROM outcomes WHERE key = ?", (task_key(task),)).fetchone()
            under_way = db.execute(
                "SELECT 1 FROM tasks WHERE key = ? AND (state IN ('waiting', 'running') "
                "OR state = 'failed' AND finished > ?)",
                (task_key(task), since),
            ).fetchone()
        if not (known and known[0] >= since) and not under_way:
            self.submit(HOUSE, "probe", [task])

    def jobs(self, visitor: str) -> tuple[Job, ...]:
        """Returns a visitor's jobs, newest first."""
        with self.reading() as db:
            rows = db.execute("SELECT * FROM jobs WHERE visitor = ? ORDER BY rowid DESC", (visitor,)).fetchall()
            return tuple(read_jobs(db, rows))

    def job(self, job: str) -> Job | None:
        """Returns a job, whoever asked for it; None if there is none of that id."""
        with self.reading() as db:
            rows = db.execute("SELECT * FROM jobs WHERE id = ?", (job,)).fetchall()
            return next(iter(read_jobs(db, rows)), None)

    def cancel(self, visitor: str, job: str) -> None:
        """Cancels a visitor's job: what waits never starts, what runs is stopped by the laboratory."""
        with self.writing() as db:
            mine = "job IN (SELECT id FROM jobs WHERE id = ? AND visitor = ?)"
            db.execute(
                f"UPDATE tasks SET state = 'cancelled', finished = ? WHERE state = 'waiting' AND {mine}",
                (time.time(), job, visitor),
            )
            db.execute(f"UPDATE tasks SET cancelling = 1 WHERE state = 'running' AND {mine}", (job, visitor))

    def delete(self, visitor: str, job: str) -> None:
        """Deletes a visitor's job; one that runs is to be cancelled first. Results that no job refers to go along."""
        with self.writing() as db:
            running = db.execute("SELECT 1 FROM tasks WHERE job = ? AND state = 'running'", (job,)).fetchone()
            if running:
                raise InvalidValue("A job must be cancelled before it is deleted, but this one is running.")
            db.execute("DELETE FROM jobs WHERE id = ? AND visitor = ?", (job, visitor))
            drop_orphans(db)

    def rename(self, visitor: str, job: str, name: str) -> None:
        """Gives a visitor's job another name; raises InvalidValue if it is too long."""
        with self.writing() as db:
            db.execute("UPDATE jobs SET name = ? WHERE id = ? AND visitor = ?", (_checked_name(name), job, visitor))

    def keep(self, visitor: str, job: str, *, kept: bool) -> None:
        """Keeps a visitor's job for good, or no longer."""
        with self.writing() as db:
            db.execute("UPDATE jobs SET kept = ? WHERE id = ? AND visitor = ?", (int(kept), job, visitor))

    def outcome(self, key: str) -> dict[str, Any] | None:
        """Returns a task's result as plain values; None while there is none."""
        with self.reading() as db:
            row = db.execute("SELECT outcome FROM outcomes WHERE key = ?", (key,)).fetchone()
            return None if row is None else json.loads(row[0])

    def run_outcome(self, key: str) -> RunOutcome | None:
        """Returns the result of a training; None while there is none."""
        plain = self.outcome(key)
        try:
            return None if plain is None else run_outcome_from_json(plain)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise JobsUnavailable(DAMAGED) from None

    def facts(self, dataset: str) -> DatasetFacts | None:
        """Returns what a probe found out about a dataset here; None before the first."""
        with self.reading() as db:
            return read_facts(db, dataset)

    def laboratory(self) -> Laboratory | None:
        """Returns what the laboratory last said; None before the first."""
        with self.reading() as db:
            row = db.execute("SELECT * FROM laboratory").fetchone()
        if row is None:
            return None
        return Laboratory(
            pid=row["pid"],
            started=row["started"],
            # A clock set back would let a dead one live on for as long: a heartbeat of the future is none either.
            alive=abs(time.time() - row["alive"]) < HEARTBEAT_SECONDS,
            workers=row["workers"],
            problem=row["problem"],
        )

    def traffic(self) -> tuple[int, int]:
        """Returns how many tasks are at work, and how many wait."""
        with self.reading() as db:
            counts = dict(db.execute("SELECT state, count(*) FROM tasks GROUP BY state").fetchall())
        return counts.get("running", 0), counts.get("waiting", 0)

    def _check_room(self, db: sqlite3.Connection, visitor: str) -> None:
        open_jobs = dict(
            db.execute(
                "SELECT visitor, count(*) FROM jobs WHERE visitor != ? AND EXISTS "
                "(SELECT 1 FROM tasks WHERE job = id AND state IN ('waiting', 'running')) GROUP BY visitor",
                (HOUSE,),
            ).fetchall()
        )
        if open_jobs.get(visitor, 0) >= self.limits.per_visitor:
            raise JobRefused(
                f"You may have {self.limits.per_visitor} unfinished jobs at a time, and have "
                f"{open_jobs[visitor]}: wait for one to end, or cancel one."
            )
        if sum(open_jobs.values()) >= self.limits.in_total:
            raise JobRefused(
                f"At most {self.limits.in_total} jobs may wait here, and as many do: try again in a few minutes."
            )


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if len(name) > MOST_NAME:
        raise InvalidValue(f"name must have at most {MOST_NAME} characters, but has {len(name)}.")
    return name


def drop_orphans(db: sqlite3.Connection) -> None:
    """Deletes results that no task refers to."""
    db.execute("DELETE FROM outcomes WHERE key NOT LIKE 'probe-%' AND key NOT IN (SELECT key FROM tasks)")
