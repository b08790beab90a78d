"""The cells of the main sweep: a training, and the imprint attack on its mechanism."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dpcore import datasets as registry
from dpcore.attacks.networks import PreparedAttack
from dpcore.cluster.tasks import in_time
from dpcore.privacy import NonPrivate
from dpcore.results.schema import SCORES
from dpcore.sweep.cells import Cell, load_dataset, mechanism_of, noise_multiplier_of
from dpcore.training import Training
from dpcore.training.device import device_name


def training_rows(cell: Cell) -> list[dict[str, Any]]:
    """Returns the one row of a training, of `schema.RUNS` less energy and ε."""
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


def attack_rows(cell: Cell) -> list[dict[str, Any]]:
    """Returns rows of `schema.ATTACKS`: every record, attacked after one look and after all looks."""
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


@cache
def _prepared_attack(name: str, data_path: str | None) -> tuple[PreparedAttack, str]:
    attacked = registry.load_attack_records(name, data_path=Path(data_path) if data_path else None)
    side = f"_{attacked.records.shape[1]}" if attacked.records.ndim == 4 else ""
    return PreparedAttack(attacked.records, seed=0), attacked.name + side
