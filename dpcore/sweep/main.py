"""A whole sweep, from plan to folder: runs the cells, builds tables and pictures, then swaps the folder in."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from dpcore import datasets as registry
from dpcore.errors import DataUnavailable, InvalidValue, ResultsUnavailable
from dpcore.results.schema import TABLES
from dpcore.results.store import PrecomputedStore, write_manifest, write_table
from dpcore.sweep.cells import Cell
from dpcore.sweep.pictures import write_gallery
from dpcore.sweep.plan import DatasetPlan, SweepPlan, plan_from_settings
from dpcore.sweep.progress import OnProgress
from dpcore.sweep.run import available_datasets, plan_cells, run_cells
from dpcore.sweep.tables import bounds_table, points_table, runs_table
from dpcore.sweep.work import WorkFolder

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
    workers: int,
    only: list[str] | None = None,
    on_progress: OnProgress = lambda *_: None,
) -> SweepReport:
    """Runs what is not finished yet and writes `out`; datasets without data or not in `only` keep their rows there.

    Raises DataUnavailable when no dataset's data are there, and InvalidValue for a name in `only` that the plan lacks.
    """
    path = str(data_path) if data_path else None
    wanted, skipped = _wanted(plan, path, only)
    cells = plan_cells(plan, wanted, path)
    done: list[Cell] = []

    def count(cell: Cell) -> None:
        done.append(cell)
        on_progress(len(done), len(cells), f"{cell.dataset.name} {cell.kind}")

    rows = run_cells(cells, WorkFolder(folder=work), workers=workers, on_done=count)
    fresh = out.with_name(out.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    on_progress(len(cells), len(cells), "tables and pictures")
    _write(fresh, plan, wanted, rows, PrecomputedStore(folder=out))
    shutil.rmtree(out, ignore_errors=True)
    fresh.rename(out)
    files = [p for p in out.rglob("*") if p.is_file()]
    return SweepReport(
        files=tuple(sorted(p.relative_to(out).as_posix() for p in files)),
        megabytes=sum(p.stat().st_size for p in files) / 1e6,
        skipped=tuple(skipped),
    )


def _wanted(plan: SweepPlan, data_path: str | None, only: list[str] | None) -> tuple[list[DatasetPlan], list[str]]:
    known = [d.name for d in plan.datasets]
    unknown = [name for name in only or [] if name not in known]
    if unknown:
        raise InvalidValue(f"dataset must be one of {', '.join(known)}, but is {unknown[0]!r}.")
    available, missing = available_datasets(plan, data_path)
    wanted = [d for d in available if not only or d.name in only]
    if not wanted:
        raise DataUnavailable(" ".join(missing))
    return wanted, missing


def _write(
    folder: Path,
    plan: SweepPlan,
    wanted: list[DatasetPlan],
    rows: dict[Cell, list[dict[str, Any]]],
    old: PrecomputedStore,
) -> None:
    runs = runs_table([r for cell, part in rows.items() if cell.kind == "run" for r in part], plan)
    points = points_table(runs, plan)
    tables = {
        "runs": runs,
        "points": points,
        "bounds": bounds_table(points, plan),
        "attacks": pd.DataFrame([r for cell, part in rows.items() if cell.kind == "attack" for r in part]),
        "gallery": write_gallery(folder, points),
    }
    names = [d.name for d in wanted]
    for name in TABLES:
        write_table(folder, name, _with_kept_rows(name, tables.get(name), names, old))
    _copy_kept_pictures(folder, names, old)
    write_manifest(folder, _facts(plan, names, old))


def _with_kept_rows(name: str, fresh: pd.DataFrame | None, datasets: list[str], old: PrecomputedStore) -> pd.DataFrame:
    """Returns the fresh rows behind those of datasets that this sweep leaves alone; tuning is always kept."""
    try:
        kept = old.table(name)
    except ResultsUnavailable:
        return fresh if fresh is not None else pd.DataFrame(columns=list(TABLES[name]))
    if fresh is None:
        return kept
    return pd.concat([kept[~kept["dataset"].isin(datasets)], fresh], ignore_index=True)


def _copy_kept_pictures(folder: Path, datasets: list[str], old: PrecomputedStore) -> None:
    for source in (old.folder / "gallery").glob("*"):
        if source.name not in datasets:
            shutil.copytree(source, folder / "gallery" / source.name)


def _facts(plan: SweepPlan, datasets: list[str], old: PrecomputedStore) -> dict[str, Any]:
    """The manifest: what each dataset's rows were made of and with."""
    made = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in _VERSIONED},
    }
    try:
        kept = {k: v for k, v in old.manifest()["datasets"].items() if k not in datasets}
    except ResultsUnavailable:
        kept = {}
    entries = {name: {**_licence(name), "seeds": list(range(plan.seeds)), **made} for name in datasets}
    return {
        "plan": asdict(plan),
        "command": f"python -m dpcore sweep --plan {plan.name}",
        "datasets": {**kept, **entries},
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
    except (KeyError, TypeError, AttributeError):
        raise ResultsUnavailable("The manifest of the precomputed results holds no usable plan.") from None
