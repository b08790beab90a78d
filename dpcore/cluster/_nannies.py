"""The process of an embedded cluster's nannies: `python -m dpcore.cluster._nannies MODULES SCHEDULER --spec JSON`.

On Linux its workers are forked from a process that has imported MODULES (names with commas) once for all of them, so
that one that is lost is replaced at once.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from contextlib import suppress
from multiprocessing import forkserver
from pathlib import Path

import psutil

#: Says how workers are started: "forkserver" or "spawn".
METHOD_VARIABLE = "DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD"


def main(modules: list[str], command: list[str]) -> None:
    """Runs the nannies, and ends them and their workers with the process that wants them."""
    _be_polite()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if os.environ.get(METHOD_VARIABLE) == "forkserver":
        _import_once(modules)
    from distributed.cli import dask_spec

    dask_spec.main(command)


def _import_once(modules: list[str]) -> None:
    multiprocessing.set_forkserver_preload(["distributed.worker", *modules])
    forkserver.ensure_running()  # It imports while this process does.
    from distributed import utils

    utils._forkserver_preload_set = True  # It would import pandas here, and name its own.


def _be_polite() -> None:
    os.nice(10)
    # Where the kernel shares time out among sessions first, it is the session's own niceness that others feel. Not 10:
    # a worker that starts beside three busy programs would take longer than it is waited for.
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text("5")


def _end_with_parent() -> None:
    # Nothing is ever written to it, so this returns when the other end closes, even if that process was killed.
    os.read(sys.stdin.fileno(), 1)
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1].split(","), sys.argv[2:])
