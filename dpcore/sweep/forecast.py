"""What a sweep would do: how many cells, how many are done, and how long the rest takes. Trains nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from dpcore.cluster.pool import Workers
from dpcore.results.store import PrecomputedStore
from dpcore.sweep.cells import Cell
from dpcore.sweep.main import wanted_datasets
from dpcore.sweep.parts import check_parts, plan_cells
from dpcore.sweep.plan import SweepPlan
from dpcore.sweep.progress import CellTimes, Group, earlier_times
from dpcore.sweep.work import WorkFolder


@dataclass(frozen=True, kw_only=True)
class ForecastRow:
    """The cells of one kind, dataset and model."""

    dataset: str
    model: str
    kind: str
    cells: int
    done: int
    #: Of the cells left, on one thread; None where nothing like them was ever measured.
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """All rows, and what turns seconds into hours and watt-hours."""

    rows: tuple[ForecastRow, ...]
    workers: int
    watts_per_core: float
    #: A sentence for each dataset whose data are missing.
    skipped: tuple[str, ...]


def forecast_sweep(
    plan: SweepPlan,
    *,
    data_path: Path | None,
    out: Path,
    work: Path,
    workers: Workers,
    only: list[str] | None = None,
    models: list[str] | None = None,
    parts: list[str] | None = None,
) -> Forecast:
    """Returns what `run_sweep` would do with the same arguments, and raises the same of the plan and the data."""
    path = str(data_path) if data_path else None
    wanted, skipped = wanted_datasets(plan, path, workers, only=only, models=models)
    cells = plan_cells(plan, wanted, path, check_parts(parts))
    times = CellTimes(earlier_times(PrecomputedStore(folder=out), cells))
    done: Counter[Group] = Counter()
    for cell in cells:
        finished = WorkFolder(folder=work).read(cell)
        if finished is not None:
            done[Group.of(cell)] += 1
            times.add(cell, finished.seconds)
    return Forecast(
        rows=tuple(_rows(cells, done, times)),
        workers=workers.threads(),
        watts_per_core=plan.watts_per_core,
        skipped=tuple(skipped),
    )


def _rows(cells: list[Cell], done: Counter[Group], times: CellTimes) -> list[ForecastRow]:
    planned = Counter(Group.of(cell) for cell in cells)
    rows = []
    for dataset, model, kind in dict.fromkeys((g.dataset, g.model, g.kind) for g in planned):
        groups = [g for g in planned if (g.dataset, g.model, g.kind) == (dataset, model, kind)]
        rows.append(
            ForecastRow(
                dataset=dataset,
                model=model,
                kind=kind,
                cells=sum(planned[g] for g in groups),
                done=sum(done[g] for g in groups),
                seconds=times.sum(Counter({g: planned[g] - done[g] for g in groups})),
            )
        )
    return rows
