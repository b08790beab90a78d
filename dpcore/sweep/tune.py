"""Tunes clipping norm and epochs once at ε = 8, as Ziller et al. (2024) did; scored on the validation records."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch

from dpcore.errors import InvalidValue, ResultsUnavailable
from dpcore.results.store import PrecomputedStore, write_manifest, write_table
from dpcore.sweep.cells import load_dataset, mechanism_for
from dpcore.sweep.plan import DatasetPlan, SweepPlan
from dpcore.sweep.pool import one_thread_pool
from dpcore.sweep.progress import OnProgress
from dpcore.training import Training, get_utility_from_scores

TUNING_EPSILON = 8.0
TUNING_SEEDS = (100, 101)


def _validation_mcc(task: tuple[DatasetPlan, float, int, int, float, str | None]) -> dict[str, float]:
    plan, max_grad_norm, epochs, seed, delta, data_path = task
    torch.set_num_threads(1)
    dataset = load_dataset(plan.name, data_path)
    config = plan.config(seed=seed, max_grad_norm=max_grad_norm, epochs=epochs)
    privacy = mechanism_for(config, len(dataset.split.train), TUNING_EPSILON, delta)
    training = Training(dataset, config, privacy)
    for _ in training:
        pass
    index = dataset.split.validation
    scores = training.scores(torch.from_numpy(index)).numpy()
    utility = get_utility_from_scores(dataset.labels[index], scores, threshold=0.5)
    return {"max_grad_norm": max_grad_norm, "epochs": epochs, "mcc": utility.mcc}


def tune_dataset(
    plan: SweepPlan, dataset: str, *, data_path: Path | None, out: Path, workers: int, on_progress: OnProgress
) -> pd.DataFrame:
    """Returns one row of `schema.TUNING` a setting, best first, and keeps it in `out`; raises DpcoreError."""
    tuned = next((d for d in plan.datasets if d.name == dataset), None)
    if tuned is None or not tuned.tune_epochs or not tuned.tune_max_grad_norm:
        raise InvalidValue(f"dataset must be one with tuning choices in plan {plan.name!r}, but is {dataset!r}.")
    path = str(data_path) if data_path else None
    tasks = [
        (tuned, norm, epochs, seed, plan.delta, path)
        for epochs in tuned.tune_epochs
        for norm in tuned.tune_max_grad_norm
        for seed in TUNING_SEEDS
    ]
    rows: list[dict[str, float]] = []
    with one_thread_pool(workers) as pool:
        for row in pool.map(_validation_mcc, tasks):
            rows.append(row)
            on_progress(len(rows), len(tasks), f"tuning {dataset}")
    table = _summary(pd.DataFrame(rows), dataset)
    _keep(table, out)
    return table


def _summary(runs: pd.DataFrame, dataset: str) -> pd.DataFrame:
    grouped = runs.groupby(["max_grad_norm", "epochs"])["mcc"]
    table = grouped.agg(seeds="count", mcc_mean="mean", mcc_sd="std").reset_index()
    table.insert(0, "dataset", dataset)
    table.insert(1, "target_epsilon", TUNING_EPSILON)
    return table.sort_values("mcc_mean", ascending=False, ignore_index=True)


def _keep(table: pd.DataFrame, out: Path) -> None:
    """Replaces this dataset's rows of the tuning table and keeps the manifest's other facts."""
    store = PrecomputedStore(folder=out)
    out.mkdir(parents=True, exist_ok=True)
    try:
        before = store.table("tuning")
        table = pd.concat([before[before["dataset"] != table["dataset"].iloc[0]], table], ignore_index=True)
    except ResultsUnavailable:
        pass  # The first tuning: there is nothing to keep.
    write_table(out, "tuning", table)
    if (out / "manifest.json").is_file():
        facts = {k: v for k, v in store.manifest().items() if k not in ("schema_version", "files")}
        write_manifest(out, facts)
