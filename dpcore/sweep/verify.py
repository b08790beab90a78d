"""Checks a folder of precomputed results: every hash, and one cheap row trained anew."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dpcore.results.store import PrecomputedStore
from dpcore.sweep.cells import Cell, run_cell
from dpcore.sweep.main import plan_from_manifest

#: The cheap row: real data that every installation has, a few seconds of training.
CHEAP_DATASET, CHEAP_EPSILON, CHEAP_SEED = "breast_cancer", 8.0, 0
#: Other processors round differently, and a training amplifies it; the noise multiplier must agree closely.
MCC_TOLERANCE, NOISE_TOLERANCE = 0.05, 1e-6


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was checked, whether it holds, and what was found."""

    name: str
    holds: bool
    detail: str


def verify_store(store: PrecomputedStore, *, data_path: Path | None = None) -> list[Check]:
    """Returns all checks; raises ResultsUnavailable when the manifest or a table cannot be read."""
    damaged = store.damaged_files()
    listed = len(store.manifest()["files"])
    detail = f"{listed} files agree" if not damaged else f"differ or are missing: {', '.join(damaged)}"
    hashes = Check(name="SHA-256 of every file", holds=not damaged, detail=detail)
    if "runs.parquet" in damaged:
        return [hashes]  # There is nothing sound to compare with.
    return [hashes, *_recomputed(store, data_path)]


def _recomputed(store: PrecomputedStore, data_path: Path | None) -> list[Check]:
    runs = store.table("runs", CHEAP_DATASET)
    plan = plan_from_manifest(store.manifest())
    dataset = next(d for d in plan.datasets if d.name == CHEAP_DATASET)
    of_model = runs[runs["model"] == dataset.model]
    stored = of_model[(of_model["target_epsilon"] == CHEAP_EPSILON) & (of_model["seed"] == CHEAP_SEED)].iloc[0]
    cell = Cell(
        kind="run",
        dataset=dataset,
        target_epsilon=CHEAP_EPSILON,
        delta=plan.delta,
        seed=CHEAP_SEED,
        data_path=str(data_path) if data_path else None,
    )
    anew = run_cell(cell)[0]
    where = f"{CHEAP_DATASET}, ε = {CHEAP_EPSILON:g}, seed {CHEAP_SEED}"
    return [
        _close(
            f"noise multiplier of {where}", stored, anew, "noise_multiplier", NOISE_TOLERANCE * anew["noise_multiplier"]
        ),
        _close(f"MCC of {where}, trained anew", stored, anew, "mcc", MCC_TOLERANCE),
    ]


def _close(name: str, stored: pd.Series, anew: dict[str, float], column: str, tolerance: float) -> Check:
    holds = math.isclose(stored[column], anew[column], rel_tol=0, abs_tol=tolerance)
    return Check(
        name=name,
        holds=holds,
        detail=f"stored {stored[column]:.6g}, now {anew[column]:.6g}, may differ by {tolerance:.2g}",
    )
