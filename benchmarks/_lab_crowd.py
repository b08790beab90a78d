"""Visitors beside the live lab's trainings, and visitors of the live lab who wait for their own."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks._crowd import EXPLORER, arrive, move_about, summarise
from benchmarks._servers import Server, running
from benchmarks._visitors import Answer, Visitor
from benchmarks.lab import DATASET, submit
from dpcore.jobs import JobStore, Limits
from dpcore.jobs.launch import DATABASE_VARIABLE
from dpcore.jobs.limits import SECONDS_VARIABLE

_LAB = f"/lab?data={DATASET}&eps=8"
#: Long enough to outlast the moves; settings that nobody else asks for.
_EPOCHS, _SECONDS = 200, 20_000
_PATIENCE = 200.0


def beside_trainings(server: Server, store: JobStore, count: int, seconds: float) -> dict[str, Any]:
    """Returns what the start page's visitors found alone, beside two trainings, and alone again."""
    move_about(server, EXPLORER, 4, 6)
    found: dict[str, Any] = {"alone": move_about(server, EXPLORER, count, seconds)}
    jobs = [submit(store, seed=920 + number, epochs=_EPOCHS) for number in range(2)]
    _wait_for_training(store, jobs)
    found["beside_two_trainings"] = move_about(server, EXPLORER, count, seconds)
    _cancel(store, jobs)
    found["alone_again"] = move_about(server, EXPLORER, count, seconds)
    found["median_ratio"] = found["beside_two_trainings"]["median"] / found["alone"]["median"]
    return found


def waiting_visitors(server: Server, store: JobStore, count: int, seconds: float) -> dict[str, float]:
    """Returns the looks of `count` visitors of the live lab, each with a run of their own that waits or is at work."""
    names = [f"{number:022d}" for number in range(1, count + 1)]
    jobs = [submit(store, seed=1000 + n, epochs=_EPOCHS, visitor=name) for n, name in enumerate(names)]
    _wait_for_training(store, jobs[:2])
    found = asyncio.run(_wait_in_the_lab(server, names, seconds))
    _cancel(store, jobs, names)
    return {**found, "visitors": count}


async def _wait_in_the_lab(server: Server, names: list[str], seconds: float) -> dict[str, float]:
    arrived = await asyncio.gather(
        *(Visitor.arrive(server.address, _LAB, {"Cookie": f"pinch_visitor={name}"}) for name in names)
    )
    used, until = server.cpu_seconds(), time.monotonic() + seconds
    stays = await asyncio.gather(*(visitor.stay(until) for visitor, _ in arrived))
    used = server.cpu_seconds() - used
    await asyncio.gather(*(visitor.leave() for visitor, _ in arrived))
    looks: list[Answer] = [answer for stay in stays for answer in stay]
    return {
        **summarise(looks),
        "looks_a_second": len(looks) / seconds,
        "cpu_ms": 1000 * used / len(looks),
        "cpu_share": used / seconds,
    }


@contextmanager
def app_with_laboratory() -> Iterator[tuple[Server, JobStore]]:
    """Gives the app with a laboratory of its own, whose workers have started, and their jobs."""
    # The laboratory ends a moment after the server, and may still write.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        database = Path(folder) / "lab.sqlite3"
        with running(env={DATABASE_VARIABLE: str(database), SECONDS_VARIABLE: str(_SECONDS)}) as server:
            asyncio.run(_visit_lab(server))
            store = JobStore(database, limits=Limits(seconds=_SECONDS))
            _wait_for("The laboratory's workers", lambda: bool((found := store.laboratory()) and found.workers))
            yield server, store


async def _visit_lab(server: Server) -> None:
    for visitor, _ in await arrive(server.address, _LAB, 1):
        await visitor.leave()


def _wait_for_training(store: JobStore, jobs: list[str]) -> None:
    """Waits until each has taken its first step."""

    def at_work(job: str) -> bool:
        found = store.job(job)
        progress = found.tasks[0].progress if found else None
        return progress is not None and bool(progress.step)

    _wait_for("The trainings", lambda: all(map(at_work, jobs)))


def _wait_for(who: str, ready: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE
    while not ready():
        if time.monotonic() > end:
            raise RuntimeError(f"{who} were not at work within {_PATIENCE:g} s.")
        time.sleep(0.05)


def _cancel(store: JobStore, jobs: list[str], names: list[str] | None = None) -> None:
    for number, job in enumerate(jobs):
        store.cancel(names[number] if names else "benchmark", job)
    while any(job is not None and job.state in ("waiting", "running") for job in map(store.job, jobs)):
        time.sleep(0.05)
