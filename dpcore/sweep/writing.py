"""From the rows of a whole sweep to the folder of results: tables, pictures and manifest, swapped in at once."""

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
from dpcore.errors import ResultsDamaged, ResultsUnavailable
from dpcore.results.schema import TABLES
from dpcore.results.store import PrecomputedStore, write_manifest, write_table
from dpcore.sweep.cells import Cell
from dpcore.sweep.membership_table import membership_table
from dpcore.sweep.parts import PARTS, main_models
from dpcore.sweep.pictures import write_gallery
from dpcore.sweep.plan import DatasetPlan, SweepPlan
from dpcore.sweep.tables import bounds_table, points_table, runs_table
from dpcore.sweep.work import Rows, WorkFolderUnusable

_VERSIONED = ("torch", "opacus", "numpy", "scipy", "scikit-image", "scikit-learn", "pandas", "pyarrow", "pillow")


@dataclass(frozen=True, kw_only=True)
class SweepRows:
    """The rows of a sweep's finished cells, what was wanted, and the results that they replace."""

    plan: SweepPlan
    wanted: list[DatasetPlan]
    parts: tuple[str, ...]
    data_path: str | None
    rows: dict[Cell, Rows]
    old: PrecomputedStore

    @property
    def main(self) -> list[DatasetPlan]:
        """The datasets whose main model was swept: only that one is attacked and has curves."""
        return main_models(self.plan, self.wanted)

    def rows_of(self, *kinds: str) -> Rows:
        """All rows of those kinds of cells."""
        return [row for cell, part in self.rows.items() if cell.kind in kinds for row in part]


def replace_results(out: Path, sweep: SweepRows) -> None:
    """Writes the folder beside the old one, then swaps them; raises WorkFolderUnusable with the old one in place."""
    fresh, before = out.with_name(out.name + ".new"), out.with_name(out.name + ".old")
    try:
        for left_over in (fresh, before):
            shutil.rmtree(left_over, ignore_errors=True)
        fresh.mkdir(parents=True)
        _write(fresh, sweep)
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


def _write(folder: Path, sweep: SweepRows) -> None:
    tables = {name: table for name, table in _made(folder, sweep).items() if len(table)}
    for name in TABLES:
        write_table(folder, name, _with_kept_rows(name, tables.get(name), sweep))
    _copy_kept_pictures(folder, [d.name for d in sweep.main] if "gallery" in tables else [], sweep.old)
    write_manifest(folder, _facts(sweep))


def _made(folder: Path, sweep: SweepRows) -> dict[str, pd.DataFrame]:
    """The tables of the wanted parts; the gallery's pictures are written below `folder`."""
    tables: dict[str, pd.DataFrame] = {}
    if "training" in sweep.parts:
        tables |= _training_tables(sweep)
    if "reconstruction" in sweep.parts and sweep.main:
        points = tables["points"] if "points" in tables else _old_points(sweep)
        tables["attacks"] = pd.DataFrame(sweep.rows_of("attack"))
        tables["gallery"] = write_gallery(folder, pd.concat(_by_model(points, sweep.main)))
        tables["reconstructions"] = _frame("reconstructions", sweep.rows_of("reconstruction", "optimisation"))
    if "membership" in sweep.parts and sweep.main:
        tables["membership"] = membership_table(sweep.rows, sweep.data_path)
    if "audit" in sweep.parts:
        tables["audits"] = _frame("audits", sweep.rows_of("audit"))
    return tables


def _training_tables(sweep: SweepRows) -> dict[str, pd.DataFrame]:
    """Each model is compared with itself without DP."""
    runs = runs_table(sweep.rows_of("run"), sweep.plan)
    points = pd.concat([points_table(own, sweep.plan) for own in _by_model(runs, sweep.wanted)], ignore_index=True)
    curves = [bounds_table(own, sweep.plan) for own in _by_model(points, sweep.main)]
    bounds = pd.concat(curves, ignore_index=True) if curves else _frame("bounds", [])
    return {"runs": runs, "points": points, "bounds": bounds}


def _old_points(sweep: SweepRows) -> pd.DataFrame:
    """The budgets and their noise; raises ResultsUnavailable if a dataset was never trained."""
    return pd.concat([sweep.old.table("points", d.name) for d in sweep.main], ignore_index=True)


def _frame(table: str, rows: Rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(TABLES[table]))


def _by_model(table: pd.DataFrame, datasets: list[DatasetPlan]) -> list[pd.DataFrame]:
    return [table[_is_of(table, [d])] for d in datasets]


def _is_of(table: pd.DataFrame, datasets: list[DatasetPlan]) -> pd.Series:
    """Whether a row belongs to one of those datasets and its model; some tables know the main model only."""
    if "model" not in table:
        return table["dataset"].isin([d.name for d in datasets])
    own = pd.MultiIndex.from_frame(table[["dataset", "model"]]).isin([(d.name, d.model) for d in datasets])
    return pd.Series(own, index=table.index)


def _with_kept_rows(name: str, fresh: pd.DataFrame | None, sweep: SweepRows) -> pd.DataFrame:
    """Returns the fresh rows and those of what this sweep leaves alone; tuning is always kept."""
    try:
        kept = sweep.old.table(name)
    except ResultsDamaged:
        raise  # Other datasets' rows would be lost in silence.
    except ResultsUnavailable:
        return fresh if fresh is not None else pd.DataFrame(columns=list(TABLES[name]))
    if fresh is None:
        return kept
    return _in_plan_order(pd.concat([kept[~_is_replaced(name, kept, sweep)], fresh], ignore_index=True), sweep.plan)


def _is_replaced(name: str, kept: pd.DataFrame, sweep: SweepRows) -> pd.Series:
    """Rows of a model that the plan no longer holds go with its dataset."""
    planned = [(d.name, d.model) for d in sweep.plan.datasets]
    wanted = sweep.wanted if name in PARTS["training"].tables else sweep.main
    if "model" not in kept:
        return _is_of(kept, wanted)
    pairs = zip(kept["dataset"], kept["model"], strict=True)
    gone = [dataset in {d.name for d in wanted} and (dataset, model) not in planned for dataset, model in pairs]
    return _is_of(kept, wanted) | pd.Series(gone, index=kept.index)


def _in_plan_order(table: pd.DataFrame, plan: SweepPlan) -> pd.DataFrame:
    """Keeps the order of datasets and rows, but puts a dataset's models as the plan has them, its main one first."""
    if "model" not in table:
        return table
    datasets = list(dict.fromkeys(table["dataset"]))
    models = [(d.name, d.model) for d in plan.datasets]
    pairs = list(zip(table["dataset"], table["model"], strict=True))
    place = [(datasets.index(pair[0]), models.index(pair) if pair in models else -1) for pair in pairs]
    return table.iloc[sorted(range(len(table)), key=place.__getitem__)].reset_index(drop=True)


def _copy_kept_pictures(folder: Path, datasets: list[str], old: PrecomputedStore) -> None:
    for source in (old.folder / "gallery").glob("*"):
        if source.name not in datasets:
            shutil.copytree(source, folder / "gallery" / source.name)


def _facts(sweep: SweepRows) -> dict[str, Any]:
    """The manifest: what each dataset's rows were made of and with, part by part."""
    made = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in _VERSIONED},
    }
    try:
        entries = dict(sweep.old.manifest()["datasets"])
    except ResultsUnavailable:
        entries = {}
    for dataset in sweep.wanted:
        entry = {**entries.get(dataset.name, {}), **_licence(dataset.name)}
        training = {"seeds": list(range(sweep.plan.seeds_of(dataset))), **made} if "training" in sweep.parts else {}
        if dataset in sweep.main:
            attacks = {name: made for name in sweep.parts if name != "training"}
            entries[dataset.name] = {**entry, **training, "attacks": {**entry.get("attacks", {}), **attacks}}
        elif training:
            entries[dataset.name] = {**entry, "models": {**entry.get("models", {}), dataset.model: training}}
    return {
        "plan": sweep.plan.settings(),
        "command": f"python -m dpcore sweep --plan {sweep.plan.name}",
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
