"""Loaded by the nannies of an embedded cluster, each the parent of one worker."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

import psutil


def dask_setup(_nanny: object) -> None:
    """Makes nanny and worker polite to other programs, and ends both with the process that wants them."""
    os.nice(10)
    # Where the kernel shares time out among sessions first, it is the session's own niceness that others feel. Not 10:
    # a worker that starts beside three busy programs would take longer than it is waited for.
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text("5")
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # Nothing is ever written to it, so this returns when the other end closes, even if that process was killed.
    os.read(sys.stdin.fileno(), 1)
    for child in psutil.Process().children(recursive=True):
        child.kill()
    os._exit(0)
