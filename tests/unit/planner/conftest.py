"""An invented sweep, small enough to know every number of it by heart, and the shipped results."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dpcore.results.schema import ATTACKS, POINTS, TUNING
from dpcore.results.store import PrecomputedStore, write_manifest, write_table

N, BATCH, STEPS, EPOCHS, SEEDS = 1000, 100, 400, 40, 5
#: target_epsilon, σ, mean utility; total noise to signal is σ / (100 · √400) = σ / 2000. One pair is out of order.
MEASURED = [(1.0, 16.0, 0.20), (4.0, 4.0, 0.40), (8.0, 2.0, 0.64), (100.0, 1.0, 0.60), (1e6, 0.25, 0.80)]
WITHOUT_DP, SPREAD = 0.80, 0.02


def _points() -> pd.DataFrame:
    common = {
        **dict.fromkeys(POINTS, math.nan),
        "dataset": "skin_phantom", "model": "small_cnn", "delta": 1e-5, "sample_rate": BATCH / N, "steps": STEPS,
        "epochs": EPOCHS, "num_train": N, "seeds": SEEDS, "metric": "mcc", "utility_sd": SPREAD, "seconds_mean": 80.0,
        "watt_hours_mean": 0.4, "device": "cpu",
    }  # fmt: skip
    rows = [
        {**common, "target_epsilon": e, "noise_multiplier": s, "utility_mean": u, "share_of_no_dp": u / WITHOUT_DP}
        for e, s, u in MEASURED
    ]
    bare = {**common, "noise_multiplier": 0.0, "utility_mean": WITHOUT_DP, "share_of_no_dp": 1.0}
    return pd.DataFrame([*rows, bare])


def _tuning() -> pd.DataFrame:
    common = {
        **dict.fromkeys(TUNING, math.nan),
        "dataset": "skin_phantom", "model": "small_cnn", "target_epsilon": 8.0, "seeds": 2,
    }  # fmt: skip
    tried = [(20, 1.0, 0.3), (20, 2.0, 0.4), (40, 1.0, 0.5), (40, 2.0, 0.1)]
    return pd.DataFrame([{**common, "epochs": e, "max_grad_norm": c, "utility_mean": u} for e, c, u in tried])


def _attacks() -> pd.DataFrame:
    """Of ten records: rebuilt where σ/√looks is at most 0.5: one record at 0.5, all from 0.05."""
    rows: list[dict[str, Any]] = []
    for sigma, epsilon in ((4.0, 4.0), (1.0, 100.0), (0.1, 1e6), (0.0, math.nan)):
        for looks in (1, 4):
            noise = sigma / math.sqrt(looks)
            rebuilt = 0 if noise > 0.5 else 1 if noise > 0.05 else 10
            common = {
                **dict.fromkeys(ATTACKS, math.nan),
                "dataset": "skin_phantom", "model": "small_cnn", "records": "skin_phantom_128",
                "target_epsilon": epsilon, "noise_multiplier": sigma, "looks": looks, "candidates": 10,
            }  # fmt: skip
            rows += [
                {**common, "record": i, "error": 0.01 if i < rebuilt else 0.9, "matched": i < 2 * rebuilt}
                for i in range(10)
            ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="session")
def invented(tmp_path_factory: pytest.TempPathFactory) -> PrecomputedStore:
    """The invented sweep as a store."""
    folder: Path = tmp_path_factory.mktemp("invented")
    write_table(folder, "points", _points())
    write_table(folder, "tuning", _tuning())
    write_table(folder, "attacks", _attacks())
    write_manifest(folder, {"plan": {}})
    return PrecomputedStore(folder=folder)


@pytest.fixture(scope="session")
def shipped() -> PrecomputedStore:
    """The results that are shipped."""
    return PrecomputedStore()
