"""The file between the app and the laboratory: SQLite in WAL mode, for any number of processes and threads.

Every use opens its own connection. Errors of the disk or the file become one sentence, `JobsUnavailable`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dpcore.errors import DpcoreError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, visitor TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
    kept INTEGER NOT NULL DEFAULT 0, created REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS jobs_of_visitor ON jobs (visitor, created);
CREATE TABLE IF NOT EXISTS tasks (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, number INTEGER NOT NULL, key TEXT NOT NULL,
    settings TEXT NOT NULL, state TEXT NOT NULL, cancelling INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0, expected_seconds REAL, started REAL, finished REAL, sentence TEXT,
    progress TEXT, PRIMARY KEY (job, number)
) STRICT;
CREATE INDEX IF NOT EXISTS tasks_by_state ON tasks (state);
CREATE INDEX IF NOT EXISTS tasks_by_key ON tasks (key);
CREATE TABLE IF NOT EXISTS outcomes (key TEXT PRIMARY KEY, outcome TEXT NOT NULL, finished REAL NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS served (visitor TEXT PRIMARY KEY, at REAL NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS laboratory (
    one INTEGER PRIMARY KEY CHECK (one = 1), pid INTEGER NOT NULL, started REAL NOT NULL, alive REAL NOT NULL,
    workers INTEGER NOT NULL, problem TEXT NOT NULL
) STRICT;
"""
_VERSION = 1
DAMAGED = "The database of live runs is damaged; move it away and start the app again. Everything else works."
_BUSY_SECONDS = 10


class JobsUnavailable(DpcoreError):
    """The database cannot be read or written."""


class Database:
    """The database at a path; made on first use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_prepared = False

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with self._connected() as db:
            yield db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing."""
        with self._connected() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.rollback()
                raise
            db.commit()

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        db = None
        try:
            if not self._is_prepared:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA foreign_keys = ON")
            if not self._is_prepared:
                self._prepare(db)
            yield db
        except (sqlite3.Error, OSError) as error:
            raise JobsUnavailable(_sentence(error)) from None
        except json.JSONDecodeError:
            raise JobsUnavailable(DAMAGED) from None
        finally:
            if db is not None:
                db.close()

    def _prepare(self, db: sqlite3.Connection) -> None:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _VERSION):
            raise JobsUnavailable(
                f"The database of live runs must have version {_VERSION}, but has {version}: "
                "move it away and start again."
            )
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.executescript(_SCHEMA)
        db.execute(f"PRAGMA user_version = {_VERSION}")
        self._is_prepared = True


class ChangeWatch:
    """Tells, for microseconds, whether anyone has written to a database since the last call."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path)
        self._version = -1

    def __call__(self) -> bool:
        try:
            version = self._db.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error:
            return True
        changed, self._version = version != self._version, version
        return changed

    def close(self) -> None:
        """Ends the watch."""
        self._db.close()


def _sentence(error: Exception) -> str:
    words = str(error).lower()
    if "full" in words or "no space" in words or "too large" in words:
        return "The disk is full, so live runs cannot be stored; free some space and try again."
    if "malformed" in words or "not a database" in words or "corrupt" in words:
        return DAMAGED
    if "locked" in words or "busy" in words:
        return "The database of live runs is busy; try again in a moment."
    return "The database of live runs cannot be read or written; live runs are not available, everything else works."
