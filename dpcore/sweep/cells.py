"""The cells of a sweep: one training run, or one attacked mechanism. Each is a function of plain settings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dpcore import datasets as registry
from dpcore.attacks.networks import PreparedAttack
from dpcore.cluster.tasks import in_time
from dpcore.datasets.spec import Dataset
from dpcore.privacy import DpSgdMechanism, NonPrivate, PrivacyTarget, calibrate
from dpcore.results.schema import SCORES
from dpcore.sweep.attack_plan import AuditPlan, ReconstructionPlan
from dpcore.sweep.plan import DatasetPlan
from dpcore.training import Training, TrainingConfig
from dpcore.training.device import device_name


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One unit of work; its settings alone decide its result."""

    kind: str  # one of `parts.PARTS`
    dataset: DatasetPlan
    #: Nominal budget of the RDP accountant; None without DP.
    target_epsilon: float | None
    delta: float
    #: Of the run, or the shadow model's number; the other attacks' draws have a fixed seed.
    seed: int = 0
    #: What the plan says about this kind of attack.
    detail: ReconstructionPlan | AuditPlan | None = None
    data_path: str | None = None


@cache
def load_dataset(name: str, data_path: str | None) -> Dataset:
    """Returns a dataset, loaded once in this process."""
    return registry.load(name, data_path=Path(data_path) if data_path else None)


@cache
def _prepared_attack(name: str, data_path: str | None) -> tuple[PreparedAttack, str]:
    attacked = registry.load_attack_records(name, data_path=Path(data_path) if data_path else None)
    side = f"_{attacked.records.shape[1]}" if attacked.records.ndim == 4 else ""
    return PreparedAttack(attacked.records, seed=0), attacked.name + side


@cache
def mechanism_for(
    config: TrainingConfig, num_train: int, target_epsilon: float | None, delta: float
) -> DpSgdMechanism | NonPrivate:
    """Returns the mechanism of a nominal (RDP) budget, or NonPrivate for None."""
    if target_epsilon is None:
        return NonPrivate()
    target = PrivacyTarget(epsilon=target_epsilon, delta=delta, accountant="rdp")
    return calibrate(target, sample_rate=config.sample_rate(num_train), steps=config.steps(num_train))


def mechanism_of(cell: Cell) -> DpSgdMechanism | NonPrivate:
    """Returns the mechanism of a cell's training; the same for all seeds, so that they share one calibration."""
    num_train = len(load_dataset(cell.dataset.name, cell.data_path).split.train)
    return mechanism_for(cell.dataset.config(seed=0), num_train, cell.target_epsilon, cell.delta)


def noise_multiplier_of(privacy: DpSgdMechanism | NonPrivate) -> float:
    """Returns the noise multiplier, 0 without DP."""
    return 0.0 if isinstance(privacy, NonPrivate) else privacy.noise_multiplier


def run_cell(cell: Cell) -> list[dict[str, Any]]:
    """Returns the rows of a cell: of `schema.RUNS` less energy and ε, `schema.ATTACKS`, or see the other `…_cells`."""
    torch.set_num_threads(1)
    # What builds on this module is imported when it is needed.
    if cell.kind in ("shadow", "audit"):
        from dpcore.sweep import membership_cells

        return membership_cells.shadow_rows(cell) if cell.kind == "shadow" else membership_cells.audit_rows(cell)
    if cell.kind in ("reconstruction", "optimisation"):
        from dpcore.sweep import reconstruction_cells

        return reconstruction_cells.ROWS[cell.kind](cell)
    return _training_rows(cell) if cell.kind == "run" else _attack_rows(cell)


def _training_rows(cell: Cell) -> list[dict[str, Any]]:
    dataset = load_dataset(cell.dataset.name, cell.data_path)
    config = cell.dataset.config(seed=cell.seed)
    num_train = len(dataset.split.train)
    privacy = mechanism_of(cell)
    training = Training(dataset, config, privacy)
    for _ in in_time(training):
        pass
    run = training.finish()
    metric = dataset.spec.metrics[0]
    return [
        {
            "dataset": cell.dataset.name,
            "model": config.model,
            "target_epsilon": math.nan if cell.target_epsilon is None else cell.target_epsilon,
            "seed": cell.seed,
            "delta": cell.delta,
            "noise_multiplier": noise_multiplier_of(privacy),
            "max_grad_norm": math.nan if isinstance(privacy, NonPrivate) else config.max_grad_norm,
            "sample_rate": config.sample_rate(num_train),
            "steps": config.steps(num_train),
            "epochs": config.epochs,
            "expected_batch_size": config.expected_batch_size,
            "num_train": num_train,
            "learning_rate": config.learning_rate,
            "metric": metric,
            "utility": run.utility,
            **{name: run.scores.get(name, math.nan) for name in SCORES},
            "device": device_name(training.device),
            "torch": torch.__version__,
            "seconds": run.seconds,
        }
    ]


def _attack_rows(cell: Cell) -> list[dict[str, Any]]:
    noise_multiplier = noise_multiplier_of(mechanism_of(cell))
    attack, records = _prepared_attack(cell.dataset.name, cell.data_path)
    rows = []
    for looks in (1, cell.dataset.epochs):
        scores = attack.scores(noise_multiplier=noise_multiplier, looks=looks)
        for index in np.flatnonzero(scores.attacked):
            rows.append(
                {
                    "dataset": cell.dataset.name,
                    "model": cell.dataset.model,
                    "records": records,
                    "target_epsilon": math.nan if cell.target_epsilon is None else cell.target_epsilon,
                    "noise_multiplier": noise_multiplier,
                    "looks": looks,
                    "record": int(index),
                    "error": float(scores.error[index]),
                    "psnr": float(scores.psnr[index]),
                    "correlation": float(scores.correlation[index]),
                    "matched": bool(scores.matched[index]),
                    "candidates": scores.candidates,
                }
            )
    return rows
