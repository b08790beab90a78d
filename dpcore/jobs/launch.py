"""Starts the laboratory from an app process; it ends with that process, however that ends. Needs no torch."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from dpcore.jobs.database import JobsUnavailable
from dpcore.jobs.store import JobStore

#: Names the database; other settings of the laboratory are options of `python -m dpcore laboratory`.
DATABASE_VARIABLE = "PINCH_LAB"
_ROOT = Path(__file__).resolve().parents[2]
DEFAULT_DATABASE = _ROOT / ".work" / "lab.sqlite3"
#: One that ends sooner than this with an error will not do better at once.
_TOO_SOON_SECONDS = 10.0


def database_path() -> Path:
    """Returns the path of the database, from the environment or the default."""
    return Path(os.environ.get(DATABASE_VARIABLE, "").strip() or DEFAULT_DATABASE)


class Launcher:
    """Starts a laboratory for a database, unless one is alive; one of these a process."""

    def __init__(self, database: Path) -> None:
        self._store = JobStore(database)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0

    def ensure(self) -> None:
        """Starts the laboratory if there is none; raises JobsUnavailable if it cannot be started."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            known = self._store.laboratory()
            if known is not None and known.alive:
                return  # Another app process started it.
            failed = self._process is not None and self._process.returncode
            if failed and time.monotonic() - self._started < _TOO_SOON_SECONDS:
                raise JobsUnavailable("The laboratory could not be started; the app's log says why.")
            self._start()

    def close(self) -> None:
        """Ends the laboratory that this process started, and waits until nothing is left of it."""
        with self._lock:
            if self._process is None:
                return
            if self._process.stdin:
                self._process.stdin.close()
            self._process.wait(timeout=30)

    def _start(self) -> None:
        if self._process is not None and self._process.stdin:
            self._process.stdin.close()
        self._started = time.monotonic()
        paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        command = [sys.executable, "-W", "ignore", "-m", "dpcore", "laboratory", "--with-parent", "--database"]
        try:
            self._process = subprocess.Popen(
                [*command, str(self._store.path)],
                # It ends when its end of this pipe closes, even if this process is killed.
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                # Ctrl-C reaches only the app, which then ends it.
                start_new_session=True,
            )
        except OSError:
            raise JobsUnavailable("The laboratory could not be started: no process could be made.") from None
