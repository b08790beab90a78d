"""Runs the cells of a plan on all workers and keeps what is finished."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from dpcore import _validate
from dpcore import datasets as registry
from dpcore.cluster.pool import Workers
from dpcore.cluster.runner import run_items
from dpcore.datasets.spec import DataStatus
from dpcore.errors import DpcoreError
from dpcore.sweep.cells import Cell, run_cell
from dpcore.sweep.plan import DatasetPlan, SweepPlan
from dpcore.sweep.progress import CellTimes, Group, OnProgress, SweepProgress, probes_first
from dpcore.sweep.work import Finished, Rows, WorkFolder


class CellsFailed(DpcoreError):
    """Some cells have no result; one sentence each."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


def available_datasets(plan: SweepPlan, data_path: str | None, workers: Workers) -> tuple[list[DatasetPlan], list[str]]:
    """Returns the datasets of a plan whose data the workers see, and a sentence for each dataset they do not."""
    statuses = _statuses(tuple(dict.fromkeys(d.name for d in plan.datasets)), data_path, workers)
    return [d for d in plan.datasets if statuses[d.name].available], [
        f"{registry.spec(name).title}: {s.message}" for name, s in statuses.items() if not s.available
    ]


def _statuses(names: tuple[str, ...], data_path: str | None, workers: Workers) -> dict[str, DataStatus]:
    if workers.scheduler is None:
        return {name: registry.status(name, data_path=data_path) for name in names}
    with workers.connect() as client:
        futures = {name: client.submit(registry.status, name, data_path=data_path, pure=False) for name in names}
        return {name: future.result() for name, future in futures.items()}


@dataclass(kw_only=True)
class _Tally:
    """What is done, what failed and how long the rest takes."""

    cells: list[Cell]
    times: CellTimes
    threads: int
    on_progress: OnProgress
    done: dict[Cell, Rows] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.left = Counter(Group.of(cell) for cell in self.cells)

    def take(self, cell: Cell, seconds: float | None) -> None:
        self.left[Group.of(cell)] -= 1
        self.times.add(cell, seconds)
        seconds_left = self.times.sum(self.left)
        self.on_progress(
            SweepProgress(
                done=len(self.cells) - self.left.total(),
                total=len(self.cells),
                what=f"{cell.dataset.name} {cell.kind}",
                seconds_left=None if seconds_left is None else seconds_left / self.threads,
            )
        )


def run_cells(
    cells: list[Cell],
    work: WorkFolder,
    *,
    workers: Workers,
    time_limit: float | None = None,
    times: CellTimes | None = None,
    on_progress: OnProgress = lambda _: None,
) -> dict[Cell, Rows]:
    """Returns the rows of every cell, in that order, running only those not finished before.

    Raises CellsFailed after all others are finished, and at once ClusterUnavailable and WorkFolderUnusable.
    """
    if time_limit is not None:
        _validate.positive(time_limit=time_limit)
    tally = _Tally(cells=cells, times=times or CellTimes(), threads=workers.count, on_progress=on_progress)
    for cell in cells:
        finished = work.read(cell)
        if finished is not None:
            tally.done[cell] = finished.rows
            tally.take(cell, finished.seconds)
    missing = [cell for cell in cells if cell not in tally.done]
    if missing:
        _run_missing(missing, work, tally, workers, time_limit)
    if tally.failed:
        raise CellsFailed(tally.failed)
    return {cell: tally.done[cell] for cell in cells}


def _run_missing(
    cells: list[Cell], work: WorkFolder, tally: _Tally, workers: Workers, time_limit: float | None
) -> None:
    with workers.connect() as client:
        if workers.scheduler is not None:
            tally.threads = sum(client.nthreads().values())
        for cell, ended in run_items(client, run_cell, probes_first(cells), time_limit=time_limit):
            if ended.failure is None:
                work.write(cell, Finished(rows=ended.value, seconds=ended.seconds))
                tally.done[cell] = ended.value
            else:
                tally.failed.append(f"{describe(cell)}: {ended.failure}")
            tally.take(cell, ended.seconds if ended.failure is None else None)


#: Kinds of cell that come several times with different seeds.
_SEEDED = ("run", "shadow")


def describe(cell: Cell) -> str:
    """Returns a cell's place in the plan, for a sentence about it."""
    budget = "without DP" if cell.target_epsilon is None else f"at ε = {cell.target_epsilon:g}"
    what = f"{'seed' if cell.kind == 'run' else cell.kind} {cell.seed}" if cell.kind in _SEEDED else cell.kind
    return f"{cell.dataset.name} with {cell.dataset.model} {budget}, {what}"
