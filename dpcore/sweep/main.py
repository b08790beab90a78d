"""A whole sweep, from plan to folder: runs the cells, builds tables and pictures, then swaps the folder in."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from dpcore import datasets as registry
from dpcore.cluster.pool import Workers
from dpcore.errors import DataUnavailable, InvalidValue, ResultsDamaged, ResultsUnavailable
from dpcore.results.schema import TABLES
from dpcore.results.store import PrecomputedStore, write_manifest, write_table
from dpcore.sweep.cells import Cell
from dpcore.sweep.membership_table import membership_table
from dpcore.sweep.parts import check_parts, first_models, plan_cells
from dpcore.sweep.pictures import write_gallery
from dpcore.sweep.plan import DatasetPlan, SweepPlan, plan_from_settings
from dpcore.sweep.progress import CellTimes, OnProgress, SweepProgress, earlier_times
from dpcore.sweep.run import available_datasets, run_cells
from dpcore.sweep.tables import bounds_table, points_table, runs_table
from dpcore.sweep.work import Rows, WorkFolder, WorkFolderUnusable

_VERSIONED = ("torch", "opacus", "numpy", "scipy", "scikit-image", "scikit-learn", "pandas", "pyarrow", "pillow")


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
    parts: list[str] | None = None,
    time_limit: float | None = None,
    on_progress: OnProgress = lambda _: None,
) -> SweepReport:
    """Runs what is not finished yet and writes `out`; datasets without data or not in `only` keep their rows there.

    So do the tables of parts (`parts.PARTS`) that are not in `parts`; pictures need the points of an earlier training.

    `time_limit`, in seconds, is for each cell. Raises DataUnavailable when no dataset's data are there, InvalidValue
    for a name in `only` that the plan lacks, and what `run_cells` raises; then `out` is as it was.
    """
    path = str(data_path) if data_path else None
    wanted, skipped = wanted_datasets(plan, path, only, workers)
    wanted_parts = check_parts(parts)
    cells = plan_cells(plan, wanted, path, wanted_parts)
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
    job = _Job(plan=plan, wanted=wanted, parts=wanted_parts, data_path=path, rows=rows, old=old)
    _replace(out, job)
    files = [p for p in out.rglob("*") if p.is_file()]
    return SweepReport(
        files=tuple(sorted(p.relative_to(out).as_posix() for p in files)),
        megabytes=sum(p.stat().st_size for p in files) / 1e6,
        skipped=tuple(skipped),
    )


def wanted_datasets(
    plan: SweepPlan, data_path: str | None, only: list[str] | None, workers: Workers
) -> tuple[list[DatasetPlan], list[str]]:
    """Returns the datasets to sweep, and a sentence for each without data; raises InvalidValue, DataUnavailable."""
    known = [d.name for d in plan.datasets]
    unknown = [name for name in only or [] if name not in known]
    if unknown:
        raise InvalidValue(f"dataset must be one of {', '.join(dict.fromkeys(known))}, but is {unknown[0]!r}.")
    available, missing = available_datasets(plan, data_path, workers)
    wanted = [d for d in available if not only or d.name in only]
    if not wanted:
        raise DataUnavailable(" ".join(missing))
    return wanted, missing


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What there is to write."""

    plan: SweepPlan
    wanted: list[DatasetPlan]
    parts: tuple[str, ...]
    data_path: str | None
    rows: dict[Cell, Rows]
    old: PrecomputedStore

    @property
    def names(self) -> list[str]:
        """The datasets swept."""
        return list(dict.fromkeys(d.name for d in self.wanted))

    def rows_of(self, *kinds: str) -> Rows:
        """All rows of those kinds of cells."""
        return [row for cell, part in self.rows.items() if cell.kind in kinds for row in part]


def _replace(out: Path, job: _Job) -> None:
    """Writes the folder beside the old one, then swaps them; raises WorkFolderUnusable with the old one in place."""
    fresh, before = out.with_name(out.name + ".new"), out.with_name(out.name + ".old")
    try:
        for left_over in (fresh, before):
            shutil.rmtree(left_over, ignore_errors=True)
        fresh.mkdir(parents=True)
        _write(fresh, job)
        if out.exists():
            out.rename(before)
        fresh.rename(out)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise WorkFolderUnusable(
            f"{out.name}/ cannot be written ({error.strerror}); what is finished is kept, so make room and start the "
            "command again."
        ) from None
    shutil.rmtree(before, ignore_errors=True)


def _write(folder: Path, job: _Job) -> None:
    tables: dict[str, pd.DataFrame] = {}
    if "training" in job.parts:
        tables |= _training_tables(job)
    if "reconstruction" in job.parts:
        points = tables["points"] if "points" in tables else _old_points(job)
        tables["attacks"] = pd.DataFrame(job.rows_of("attack"))
        tables["gallery"] = write_gallery(folder, pd.concat(_by_model(points, first_models(job.wanted))))
        tables["reconstructions"] = _frame("reconstructions", job.rows_of("reconstruction", "optimisation"))
    if "membership" in job.parts:
        tables["membership"] = membership_table(job.rows, job.data_path)
    if "audit" in job.parts:
        tables["audits"] = _frame("audits", job.rows_of("audit"))
    for name in TABLES:
        write_table(folder, name, _with_kept_rows(name, tables.get(name), job.names, job.old))
    _copy_kept_pictures(folder, job.names if "gallery" in tables else [], job.old)
    write_manifest(folder, _facts(job))


def _training_tables(job: _Job) -> dict[str, pd.DataFrame]:
    """Each model is compared with itself without DP. Curves are those of a dataset's first model."""
    runs = runs_table(job.rows_of("run"), job.plan)
    points = pd.concat([points_table(own, job.plan) for own in _by_model(runs, job.wanted)], ignore_index=True)
    of_first = pd.concat(_by_model(points, first_models(job.wanted)), ignore_index=True)
    return {"runs": runs, "points": points, "bounds": bounds_table(of_first, job.plan)}


def _old_points(job: _Job) -> pd.DataFrame:
    """The budgets and their noise; raises ResultsUnavailable if a dataset was never trained."""
    return pd.concat([job.old.table("points", name) for name in job.names], ignore_index=True)


def _frame(table: str, rows: Rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(TABLES[table]))


def _by_model(table: pd.DataFrame, datasets: list[DatasetPlan]) -> list[pd.DataFrame]:
    return [table[(table["dataset"] == d.name) & (table["model"] == d.model)] for d in datasets]


def _with_kept_rows(name: str, fresh: pd.DataFrame | None, datasets: list[str], old: PrecomputedStore) -> pd.DataFrame:
    """Returns the fresh rows behind those of datasets that this sweep leaves alone; tuning is always kept."""
    try:
        kept = old.table(name)
    except ResultsDamaged:
        raise  # Other datasets' rows would be lost in silence.
    except ResultsUnavailable:
        return fresh if fresh is not None else pd.DataFrame(columns=list(TABLES[name]))
    if fresh is None:
        return kept
    return pd.concat([kept[~kept["dataset"].isin(datasets)], fresh], ignore_index=True)


def _copy_kept_pictures(folder: Path, datasets: list[str], old: PrecomputedStore) -> None:
    for source in (old.folder / "gallery").glob("*"):
        if source.name not in datasets:
            shutil.copytree(source, folder / "gallery" / source.name)


def _facts(job: _Job) -> dict[str, Any]:
    """The manifest: what each dataset's rows were made of and with, part by part."""
    made = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in _VERSIONED},
    }
    try:
        entries = dict(job.old.manifest()["datasets"])
    except ResultsUnavailable:
        entries = {}
    for dataset in first_models(job.wanted):
        entry = {**entries.get(dataset.name, {}), **_licence(dataset.name)}
        if "training" in job.parts:
            entry |= {"seeds": list(range(job.plan.seeds_of(dataset))), **made}
        attacks = {name: made for name in job.parts if name != "training"}
        entries[dataset.name] = {**entry, "attacks": {**entry.get("attacks", {}), **attacks}}
    return {
        "plan": job.plan.settings(),
        "command": f"python -m dpcore sweep --plan {job.plan.name}",
        "datasets": entries,
    }


def _licence(name: str) -> dict[str, Any]:
    spec = registry.spec(name)
    return {"title": spec.title, "synthetic": spec.synthetic, "source": spec.source, "licence": spec.licence}


def _commit() -> str:
    """The commit the code came from, marked when files differ from it; 'unknown' outside a checkout."""
    here = Path(__file__).parent
    git = ["git", "-C", str(here)]
    try:
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        changed = subprocess.run(
            [*git, "status", "--porcelain", "--", "*.py", "*.toml"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + (" with local changes" if changed.stdout.strip() else "")


def plan_from_manifest(manifest: dict[str, Any]) -> SweepPlan:
    """Returns the plan a folder was made with; raises ResultsUnavailable if the manifest holds none."""
    try:
        return plan_from_settings(manifest["plan"])
    except (KeyError, TypeError, AttributeError, InvalidValue):
        raise ResultsUnavailable("The manifest of the precomputed results holds no usable plan.") from None
