"""What the laboratory does with jobs: take the next task, report, finish."""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any

from dpcore.jobs.outcomes import TaskProgress, to_json
from dpcore.jobs.rows import State, read_order
from dpcore.jobs.store import JobStore, drop_orphans
from dpcore.jobs.tasks import Task, task_from_json
from dpcore.jobs.turns import TaskId

#: Unkept jobs older than this are thrown away when a laboratory starts.
UNKEPT_SECONDS = 14 * 24 * 3600.0


class LaboratoryStore(JobStore):
    """The jobs as the laboratory sees them; only one laboratory at a time writes with it."""

    def open_laboratory(self, pid: int) -> None:
        """Takes over: what was at work when the last laboratory ended waits again, and old unkept jobs go."""
        now = time.time()
        with self.writing() as db:
            # Ended with their laboratory, not by their own fault: that attempt does not count.
            db.execute(
                "UPDATE tasks SET state = 'waiting', attempts = max(0, attempts - 1), started = NULL, progress = NULL "
                "WHERE state = 'running' AND NOT cancelling"
            )
            db.execute("UPDATE tasks SET state = 'cancelled', finished = ? WHERE state = 'running'", (now,))
            db.execute(
                "DELETE FROM jobs WHERE NOT kept AND created < ? AND NOT EXISTS "
                "(SELECT 1 FROM tasks WHERE job = id AND state = 'waiting')",
                (now - UNKEPT_SECONDS,),
            )
            drop_orphans(db)
            db.execute("INSERT OR REPLACE INTO laboratory VALUES (1, ?, ?, ?, 0, '')", (pid, now, now))

    def beat(self, *, workers: int, problem: str = "") -> None:
        """Says that the laboratory is alive."""
        with self.writing() as db:
            db.execute("UPDATE laboratory SET alive = ?, workers = ?, problem = ?", (time.time(), workers, problem))

    def close_laboratory(self) -> None:
        """Says that the laboratory has ended, so that the next one need not wait for its silence."""
        with self.writing() as db:
            db.execute("UPDATE laboratory SET alive = 0, workers = 0")

    def claim(self) -> tuple[TaskId, Task] | None:
        """Takes the next task in turn to work; None if none waits. What is known already is finished on the way."""
        now = time.time()
        with self.writing() as db:
            db.execute(
                "UPDATE tasks SET state = 'finished', started = ?1, finished = ?1 WHERE state = 'waiting' "
                "AND key NOT LIKE 'probe-%' AND key IN (SELECT key FROM outcomes)",
                (now,),
            )
            # Who was served before the clock was set back would wait until it has caught up.
            db.execute("UPDATE served SET at = ?1 WHERE at > ?1", (now,))
            at_work = {row[0] for row in db.execute("SELECT key FROM tasks WHERE state = 'running'")}
            for waiting in read_order(db):
                job, number = waiting.task
                row = db.execute(
                    "SELECT key, settings FROM tasks WHERE job = ? AND number = ?", (job, number)
                ).fetchone()
                if row["key"] in at_work:
                    continue  # The same task runs for somebody else; its result will serve both.
                db.execute(
                    "UPDATE tasks SET state = 'running', attempts = attempts + 1, started = ?, progress = NULL "
                    "WHERE job = ? AND number = ?",
                    (now, job, number),
                )
                db.execute("INSERT OR REPLACE INTO served VALUES (?, ?)", (waiting.visitor, now))
                return waiting.task, task_from_json(json.loads(row["settings"]))
        return None

    def report(self, task: TaskId, progress: TaskProgress) -> None:
        """Writes down where a task at work stands."""
        with self.writing() as db:
            db.execute(
                "UPDATE tasks SET progress = ? WHERE job = ? AND number = ? AND state = 'running'",
                (json.dumps(to_json(progress)), *task),
            )

    def finish(self, task: TaskId, outcome: dict[str, Any]) -> None:
        """Writes down a task's result."""
        now = time.time()
        with self.writing() as db:
            row = db.execute("SELECT key FROM tasks WHERE job = ? AND number = ?", task).fetchone()
            if row is not None:
                db.execute("INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?)", (row["key"], json.dumps(outcome), now))
            self._end(db, task, "finished", None)

    def fail(self, task: TaskId, sentence: str) -> None:
        """Writes down why a task has no result."""
        with self.writing() as db:
            self._end(db, task, "failed", sentence)

    def stopped(self, task: TaskId) -> None:
        """Writes down that a task was stopped because its visitor wanted it."""
        with self.writing() as db:
            self._end(db, task, "cancelled", None)

    def retry(self, task: TaskId) -> None:
        """Notes that a task begins anew because its worker was lost."""
        with self.writing() as db:
            db.execute(
                "UPDATE tasks SET attempts = attempts + 1, progress = NULL, started = ? WHERE job = ? AND number = ?",
                (time.time(), *task),
            )

    def cancelling(self) -> set[TaskId]:
        """Returns the tasks at work that are to be stopped."""
        with self.reading() as db:
            rows = db.execute("SELECT job, number FROM tasks WHERE state = 'running' AND cancelling").fetchall()
        return {(row["job"], row["number"]) for row in rows}

    def unfinished(self) -> int:
        """Returns the number of tasks that wait or are at work."""
        with self.reading() as db:
            return int(db.execute("SELECT count(*) FROM tasks WHERE state IN ('waiting', 'running')").fetchone()[0])

    def _end(self, db: sqlite3.Connection, task: TaskId, state: State, sentence: str | None) -> None:
        db.execute(
            "UPDATE tasks SET state = ?, sentence = ?, finished = ? WHERE job = ? AND number = ? AND state = 'running'",
            (state, sentence, time.time(), *task),
        )
