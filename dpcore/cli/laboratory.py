"""`python -m dpcore laboratory`: runs what visitors of the live lab ask for. The app starts one by itself."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from dpcore.cli._options import CORES
from dpcore.cli.errors import one_sentence_errors
from dpcore.jobs.launch import database_path

DatabaseOption = Annotated[Path | None, typer.Option(help="The database of live runs. Default: PINCH_LAB.")]
LabWorkersOption = Annotated[
    int, typer.Option(min=1, envvar="PINCH_LAB_WORKERS", help="Processes at a time. Default: one a core.")
]
LabSchedulerOption = Annotated[
    str | None,
    typer.Option(envvar="PINCH_LAB_SCHEDULER", help="A running Dask scheduler, such as tcp://host:8786, instead."),
]
IdleOption = Annotated[
    float, typer.Option(min=1, envvar="PINCH_LAB_IDLE", help="Seconds without any task after which it ends.")
]
WithParentOption = Annotated[bool, typer.Option("--with-parent", help="End when standard input closes.")]


@one_sentence_errors
def laboratory(
    *,
    database: DatabaseOption = None,
    workers: LabWorkersOption = CORES,
    scheduler: LabSchedulerOption = None,
    idle: IdleOption = 1800.0,
    with_parent: WithParentOption = False,
) -> None:
    """Work on what visitors of the live lab ask for, until Ctrl-C; the app starts one by itself."""
    from dpcore.cluster.pool import Workers
    from dpcore.jobs.laboratory import AnotherLaboratory, Bench, run_laboratory
    from dpcore.jobs.laboratory_store import LaboratoryStore
    from dpcore.jobs.limits import Limits

    store = LaboratoryStore(database or database_path(), limits=Limits.from_environment())
    # With torch from the start, and what its optimisers import on their first step, the first task begins at once.
    # A lost worker's task comes back at once: the laboratory itself tries it anew.
    preload = ("dpcore.jobs.work", "torch._dynamo")
    own = Workers(count=workers, scheduler=scheduler, preload=preload, allowed_failures=0)
    bench = Bench(store=store, workers=own, idle_seconds=idle)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: bench.stopping.set())
    if with_parent:
        threading.Thread(target=_end_with_parent, args=(bench.stopping,), daemon=True).start()
    try:
        run_laboratory(bench)
    except AnotherLaboratory as error:
        if not with_parent:  # Of several app processes only one has to have it.
            raise
        print(error, file=sys.stderr)


def _end_with_parent(stopping: Any) -> None:
    # Nothing is ever written to it, so this returns when the other end closes.
    os.read(sys.stdin.fileno(), 1)
    stopping.set()
