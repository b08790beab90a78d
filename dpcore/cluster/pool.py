"""Workers for trainings: a Dask cluster of this machine's cores, or any cluster that already runs.

Dask executes what it is sent without asking who sent it. The cluster started here listens on the loopback address only.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dask
from distributed import Client, Scheduler, SpecCluster
from distributed.deploy.subprocess import SubprocessWorker
from distributed.system import MEMORY_LIMIT

from dpcore import _validate
from dpcore.cluster._nannies import METHOD_VARIABLE
from dpcore.cluster.tasks import one_line
from dpcore.errors import DpcoreError
from dpcore.settings.versions import decisive_versions

#: Read by the workers when they start. glibc otherwise returns each chunk's memory to the kernel and asks for it
#: again, which cost a third of the CPU time of a training.
_WORKER_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 31),
    "DASK_LOGGING__DISTRIBUTED": "critical",
    # Elsewhere what is imported does not always survive a fork.
    METHOD_VARIABLE: "forkserver" if sys.platform == "linux" else "spawn",
    # CUDA does not survive a fork, and torch's usual question whether it is there would start it.
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
}
#: One task a thread: what waits does so in the scheduler, where a dying worker cannot take it along.
_SETTINGS = {"distributed.scheduler.worker-saturation": 1.0}
#: The home of finished cells is the work folder; nothing is worth spilling to a disk that may be full.
_WORKER_SETTINGS = {"distributed.worker.memory.target": False, "distributed.worker.memory.spill": False}
_ROOT = Path(__file__).resolve().parents[2]
_CONNECT_SECONDS = 10


class ClusterUnavailable(DpcoreError):
    """The Dask cluster does not answer, has no workers or cannot run dpcore."""


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Who works: processes of this machine, or the Dask cluster at `scheduler`, whose size is its own affair."""

    count: int = 1
    #: Such as "tcp://host:8786"; its scheduler and workers need dpcore and the same versions of its dependencies.
    scheduler: str | None = None
    #: How many lost workers an item survives before it comes back as lost. A sweep then tries it alone before it gives
    #: up.
    allowed_failures: int = 1
    #: Modules that an own worker has from the start.
    preload: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises InvalidValue for the first field that breaks its rule."""
        _validate.whole(workers=self.count)

    def threads(self) -> int:
        """Returns how many cells are at work at a time; raises ClusterUnavailable."""
        if self.scheduler is None:
            return self.count
        with self.connect() as client:
            return sum(client.nthreads().values())

    @contextmanager
    def connect(self) -> Iterator[Client]:
        """Yields a client with at least one worker; raises ClusterUnavailable. An own cluster ends with the block."""
        for name in ("distributed", "distributed.client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # The sweep says in its own words what went wrong.
        with _external(self.scheduler) if self.scheduler else _embedded(self) as client:
            yield client


class _Nannies(SubprocessWorker):
    """All nannies and their workers, in a session of their own: Ctrl-C reaches only the sweep, which then ends them."""

    def __init__(self, scheduler: str, *, name: str | None = None, workers: Workers) -> None:
        super().__init__(scheduler, name=name)
        self._workers = workers

    async def _start(self) -> None:
        modules = ("dpcore.cluster.tasks", *self._workers.preload)
        options = {
            "host": "127.0.0.1",
            "nthreads": 1,
            "memory_limit": MEMORY_LIMIT // self._workers.count,
            "config": _WORKER_SETTINGS,
            "dashboard": False,
            "silence_logs": "CRITICAL",
            "preload": list(modules),  # For workers that are not forked.
        }
        nanny = {"cls": self.worker_class, "opts": options}
        spec = {str(number): nanny for number in range(self._workers.count)}
        paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "ignore", "-m", "dpcore.cluster._nannies", ",".join(modules), self.scheduler),
            *("--spec", json.dumps(spec)),
            # The nannies end when their end of this pipe closes, however the sweep died.
            stdin=asyncio.subprocess.PIPE,
            env={**os.environ, **_WORKER_ENVIRONMENT, "PYTHONPATH": os.pathsep.join(paths)},
            start_new_session=True,
        )


@contextmanager
def _embedded(workers: Workers) -> Iterator[Client]:
    # Without a port of its own choice it would ask for Dask's usual one, which another sweep or laboratory may hold.
    scheduler = {"host": "127.0.0.1", "port": 0, "dashboard": False, "dashboard_address": "127.0.0.1:0"}
    with (
        dask.config.set({**_SETTINGS, "distributed.scheduler.allowed-failures": workers.allowed_failures}),
        SpecCluster(
            scheduler={"cls": Scheduler, "options": scheduler},
            workers={0: {"cls": _Nannies, "options": {"workers": workers}}},
            silence_logs="CRITICAL",
        ) as cluster,
        Client(cluster) as client,
    ):
        _wait_for_a_worker(client, "this machine")
        yield client


@contextmanager
def _external(address: str) -> Iterator[Client]:
    try:
        client = Client(address, timeout=_CONNECT_SECONDS)
    except (OSError, ValueError, TypeError):
        raise ClusterUnavailable(
            f"scheduler must be the address of a running Dask scheduler, such as tcp://host:8786, but is {address!r}."
        ) from None
    with client:
        _wait_for_a_worker(client, address)
        _check_versions(client, address)
        yield client


def _wait_for_a_worker(client: Client, where: str) -> None:
    try:
        client.wait_for_workers(1, timeout=6 * _CONNECT_SECONDS)
    except TimeoutError:
        raise ClusterUnavailable(f"The Dask cluster of {where} must have a worker, but has none.") from None


def _check_versions(client: Client, address: str) -> None:
    """Other versions give other numbers, and the manifest would name the wrong ones."""
    ours = decisive_versions()
    try:
        found = client.run(decisive_versions)
    except Exception as error:
        raise ClusterUnavailable(f"The workers of {address} must have dpcore, but: {one_line(error)}.") from None
    for worker, theirs in found.items():
        for name, version in ours.items():
            if theirs[name] != version:
                raise ClusterUnavailable(f"{name} of worker {worker} must be {version}, but is {theirs[name]}.")
