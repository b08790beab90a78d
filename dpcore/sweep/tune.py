"""Tunes clipping norm and epochs once at ε = 8, as Ziller et al. (2024) did; scored on the validation records."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dpcore import _validate
from dpcore.cluster.pool import Workers
from dpcore.cluster.runner import run_items
from dpcore.cluster.tasks import in_time
from dpcore.errors import InvalidValue
from dpcore.results.store import PrecomputedStore, write_manifest, write_table
from dpcore.sweep.cells import load_dataset, mechanism_for
from dpcore.sweep.plan import DatasetPlan, SweepPlan
from dpcore.sweep.progress import OnProgress, SweepProgress
from dpcore.sweep.run import CellsFailed

TUNING_EPSILON = 8.0
TUNING_SEEDS = (100, 101)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One training of a tuning; its settings alone decide its score."""

    dataset: DatasetPlan
    max_grad_norm: float
    epochs: int
    seed: int
    delta: float
    data_path: str | None


def validation_utility(trial: Trial) -> dict[str, float]:
    """Returns what was tried and its utility on the validation records."""
    import torch

    from dpcore.training import Training

    torch.set_num_threads(1)
    dataset = load_dataset(trial.dataset.name, trial.data_path)
    config = trial.dataset.config(seed=trial.seed, max_grad_norm=trial.max_grad_norm, epochs=trial.epochs)
    privacy = mechanism_for(config, len(dataset.split.train), TUNING_EPSILON, trial.delta)
    training = Training(dataset, config, privacy)
    for _ in in_time(training):
        pass
    utility = training.scores(dataset.split.validation)[dataset.spec.metrics[0]]
    return {"max_grad_norm": trial.max_grad_norm, "epochs": trial.epochs, "utility": utility}


def tune_dataset(
    plan: SweepPlan,
    dataset: str,
    *,
    model: str | None = None,
    data_path: Path | None,
    out: Path,
    workers: Workers,
    time_limit: float | None = None,
    on_progress: OnProgress,
) -> pd.DataFrame:
    """Returns one row of `schema.TUNING` a setting, best first, and keeps it in `out`; raises DpcoreError.

    Without `model` the dataset's first with tuning choices is tuned.
    """
    if time_limit is not None:
        _validate.positive(time_limit=time_limit)
    tuned = _tuned(plan, dataset, model)
    trials = _trials(plan, tuned, str(data_path) if data_path else None)
    rows: list[dict[str, float]] = []
    failed: list[str] = []
    with workers.connect() as client:
        for trial, ended in run_items(client, validation_utility, trials, time_limit=time_limit):
            if ended.failure is None:
                rows.append(ended.value)
            else:
                where = f"clipping norm {trial.max_grad_norm:g}, {trial.epochs} epochs, seed {trial.seed}"
                failed.append(f"{dataset} with {where}: {ended.failure}")
            on_progress(SweepProgress(done=len(rows) + len(failed), total=len(trials), what=f"tuning {dataset}"))
    if failed:
        raise CellsFailed(failed)
    table = _summary(pd.DataFrame(rows), tuned)
    _keep(table, out)
    return table


def _tuned(plan: SweepPlan, dataset: str, model: str | None) -> DatasetPlan:
    for own in plan.datasets:
        if own.name == dataset and model in (None, own.model) and own.tune_epochs and own.tune_max_grad_norm:
            return own
    field, value = ("dataset", dataset) if model is None else ("dataset and model", f"{dataset} with {model}")
    raise InvalidValue(f"{field} must be one with tuning choices in plan {plan.name!r}, but is {value!r}.")


def _trials(plan: SweepPlan, tuned: DatasetPlan, data_path: str | None) -> list[Trial]:
    return [
        Trial(dataset=tuned, max_grad_norm=norm, epochs=epochs, seed=seed, delta=plan.delta, data_path=data_path)
        for epochs in tuned.tune_epochs
        for norm in tuned.tune_max_grad_norm
        for seed in TUNING_SEEDS
    ]


def _summary(runs: pd.DataFrame, tuned: DatasetPlan) -> pd.DataFrame:
    # Sorted, so that means do not depend on which training ended first.
    grouped = runs.sort_values(["max_grad_norm", "epochs", "utility"]).groupby(["max_grad_norm", "epochs"])["utility"]
    table = grouped.agg(seeds="count", utility_mean="mean", utility_sd="std").reset_index()
    table.insert(0, "dataset", tuned.name)
    table.insert(1, "model", tuned.model)
    table.insert(2, "target_epsilon", TUNING_EPSILON)
    return table.sort_values("utility_mean", ascending=False, ignore_index=True)


def _keep(table: pd.DataFrame, out: Path) -> None:
    """Replaces the rows of this dataset and model in the tuning table and keeps the manifest's other facts."""
    store = PrecomputedStore(folder=out)
    out.mkdir(parents=True, exist_ok=True)
    facts: dict[str, object] = {}
    # Before the first sweep there may be no manifest, and before the first tuning no table.
    if (out / "manifest.json").is_file():
        facts = {k: v for k, v in store.manifest().items() if k not in ("schema_version", "files")}
        if (out / "tuning.parquet").is_file():
            before, first = store.table("tuning"), table.iloc[0]
            same = (before["dataset"] == first["dataset"]) & (before["model"] == first["model"])
            table = pd.concat([before[~same], table], ignore_index=True)
    write_table(out, "tuning", table)
    write_manifest(out, facts)
