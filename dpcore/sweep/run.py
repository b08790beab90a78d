"""Runs the cells of a plan on all cores, keeps what is finished, and assembles `precomputed/`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from dpcore import datasets as registry
from dpcore.sweep.cells import Cell, run_cell
from dpcore.sweep.plan import DatasetPlan, SweepPlan
from dpcore.sweep.pool import one_thread_pool
from dpcore.sweep.work import WorkFolder

Rows = list[dict[str, Any]]


def available_datasets(plan: SweepPlan, data_path: str | None) -> tuple[list[DatasetPlan], list[str]]:
    """Returns the datasets of a plan whose data are there, and a sentence for each that is not."""
    statuses = [(d, registry.status(d.name, data_path=data_path)) for d in plan.datasets]
    return [d for d, s in statuses if s.available], [
        f"{registry.spec(d.name).title}: {s.message}" for d, s in statuses if not s.available
    ]


def plan_cells(plan: SweepPlan, datasets: list[DatasetPlan], data_path: str | None) -> list[Cell]:
    """Returns every cell of a plan for those datasets: the attacks first, since trainings take longest."""

    def cell(kind: str, dataset: DatasetPlan, epsilon: float | None, seed: int = 0) -> Cell:
        return Cell(
            kind=kind, dataset=dataset, target_epsilon=epsilon, delta=plan.delta, seed=seed, data_path=data_path
        )

    attacks = [cell("attack", d, epsilon) for d in datasets for epsilon in plan.budgets()]
    runs = [cell("run", d, epsilon, seed) for d in datasets for seed in range(plan.seeds) for epsilon in plan.budgets()]
    return attacks + runs


def run_cells(
    cells: list[Cell], work: WorkFolder, *, workers: int, on_done: Callable[[Cell], None] = lambda _: None
) -> dict[Cell, Rows]:
    """Returns the rows of every cell, running only those not finished before; raises what a cell raises."""
    done: dict[Cell, Rows] = {}
    for cell in cells:
        rows = work.read(cell)
        if rows is not None:
            done[cell] = rows
            on_done(cell)
    for cell, rows in _finished([c for c in cells if c not in done], workers):
        work.write(cell, rows)
        done[cell] = rows
        on_done(cell)
    return done


def _finished(cells: list[Cell], workers: int) -> Iterator[tuple[Cell, Rows]]:
    """Yields cells as they finish."""
    if not cells:
        return
    with one_thread_pool(workers) as pool:
        running: dict[Future[Rows], Cell] = {pool.submit(run_cell, cell): cell for cell in cells}
        try:
            while running:
                ready, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in ready:
                    cell = running.pop(future)
                    yield cell, future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
