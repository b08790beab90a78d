"""A whole sweep, from plan to folder: runs the cells, builds tables and pictures, then swaps the folder in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dpcore.cluster.pool import Workers
from dpcore.errors import DataUnavailable, InvalidValue, ResultsUnavailable
from dpcore.results.store import PrecomputedStore
from dpcore.sweep.parts import check_parts, plan_cells
from dpcore.sweep.plan import DatasetPlan, SweepPlan, plan_from_settings
from dpcore.sweep.progress import CellTimes, OnProgress, SweepProgress, earlier_times
from dpcore.sweep.run import available_datasets, run_cells
from dpcore.sweep.work import WorkFolder
from dpcore.sweep.writing import SweepRows, replace_results


@dataclass(frozen=True, kw_only=True)
class SweepReport:
    """What a sweep wrote, and a sentence for each dataset it had to leave as it was."""

    files: tuple[str, ...]
    megabytes: float
    skipped: tuple[str, ...]


def run_sweep(
    plan: SweepPlan,
    *,
    data_path: Path | None,
    out: Path,
    work: Path,
    workers: Workers,
    only: list[str] | None = None,
    models: list[str] | None = None,
    parts: list[str] | None = None,
    time_limit: float | None = None,
    on_progress: OnProgress = lambda _: None,
) -> SweepReport:
    """Runs what is not finished yet and writes `out`; what is not wanted, or lacks its data, keeps its rows there.

    Wanted are the datasets in `only`, of them the `models` and the `parts` (`parts.PARTS`); all by default. Pictures
    need the points of an earlier training.

    `time_limit`, in seconds, is for each cell. Raises DataUnavailable when no dataset's data are there, InvalidValue
    for a name that the plan lacks and where it has nothing to run, and what `run_cells` raises; then `out` is as it
    was.
    """
    path = str(data_path) if data_path else None
    wanted, skipped = wanted_datasets(plan, path, workers, only=only, models=models)
    wanted_parts = check_parts(parts)
    cells = plan_cells(plan, wanted, path, wanted_parts)
    if not cells:
        what = ", ".join(f"{d.name} with {d.model}" for d in wanted)
        raise InvalidValue(f"part must be one that the plan has for {what}, but is {' and '.join(wanted_parts)}.")
    old = PrecomputedStore(folder=out)
    rows = run_cells(
        cells,
        WorkFolder(folder=work),
        workers=workers,
        time_limit=time_limit,
        times=CellTimes(earlier_times(old, cells)),
        on_progress=on_progress,
    )
    on_progress(SweepProgress(done=len(cells), total=len(cells), what="tables and pictures"))
    replace_results(out, SweepRows(plan=plan, wanted=wanted, parts=wanted_parts, data_path=path, rows=rows, old=old))
    files = [p for p in out.rglob("*") if p.is_file()]
    return SweepReport(
        files=tuple(sorted(p.relative_to(out).as_posix() for p in files)),
        megabytes=sum(p.stat().st_size for p in files) / 1e6,
        skipped=tuple(skipped),
    )


def wanted_datasets(
    plan: SweepPlan,
    data_path: str | None,
    workers: Workers,
    *,
    only: list[str] | None = None,
    models: list[str] | None = None,
) -> tuple[list[DatasetPlan], list[str]]:
    """Returns what to sweep, and a sentence for each dataset without data; raises InvalidValue, DataUnavailable."""
    _check_names("dataset", only, [d.name for d in plan.datasets])
    _check_names("model", models, [d.model for d in plan.datasets if not only or d.name in only])
    available, missing = available_datasets(plan, data_path, workers)
    wanted = [d for d in available if (not only or d.name in only) and (not models or d.model in models)]
    if not wanted:
        raise DataUnavailable(" ".join(missing))
    return wanted, missing


def _check_names(field: str, names: list[str] | None, known: list[str]) -> None:
    for name in names or []:
        if name not in known:
            raise InvalidValue(f"{field} must be one of {', '.join(dict.fromkeys(known))}, but is {name!r}.")


def plan_from_manifest(manifest: dict[str, Any]) -> SweepPlan:
    """Returns the plan a folder was made with; raises ResultsUnavailable if the manifest holds none."""
    try:
        return plan_from_settings(manifest["plan"])
    except (KeyError, TypeError, AttributeError, InvalidValue):
        raise ResultsUnavailable("The manifest of the precomputed results holds no usable plan.") from None
