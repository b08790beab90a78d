"""The cells that rebuild pictures: variations of the imprint attack, and inversions by optimisation."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dpcore import datasets as registry
from dpcore.attacks import AttackScores, BatchAttack, ImprintAttack, get_brightness_from_pictures
from dpcore.attacks._records import worth_attacking
from dpcore.attacks.live import resize
from dpcore.sweep.attack_plan import OPTIMISATIONS, ImprintSetting, ReconstructionPlan
from dpcore.sweep.cells import Cell, load_dataset, mechanism_of, noise_multiplier_of

Row = dict[str, Any]
_SEED = 0


def _budget(cell: Cell) -> Row:
    return {
        "dataset": cell.dataset.name,
        "target_epsilon": math.nan if cell.target_epsilon is None else cell.target_epsilon,
        "noise_multiplier": noise_multiplier_of(mechanism_of(cell)),
    }


@cache
def _attack_pictures(name: str, data_path: str | None) -> NDArray[np.uint8]:
    """The pictures of the paper's attack, at their own side."""
    attacked = registry.load_attack_records(name, data_path=Path(data_path) if data_path else None)
    return attacked.records.astype(np.uint8, copy=False)


@cache
def _training_pictures(name: str, data_path: str | None) -> NDArray[np.uint8]:
    """The training records as the model sees them, (n, side, side, channels)."""
    dataset = load_dataset(name, data_path)
    return np.rint((dataset.features[dataset.split.train].transpose(0, 2, 3, 1) + 1) * 127.5).astype(np.uint8)


@cache
def _prepared(
    name: str, data_path: str | None, most: int, setting: ImprintSetting, from_training: bool
) -> ImprintAttack | BatchAttack:
    """The attack on those pictures; `setting` comes without looks and denoiser, which cost nothing to change."""
    pool = _training_pictures(name, data_path) if from_training else _attack_pictures(name, data_path)
    pictures = resize(pool[:most], setting.side)
    if setting.batch_size == 1:
        return ImprintAttack(pictures, seed=_SEED)
    return BatchAttack(
        pictures,
        seed=_SEED,
        batch_size=min(setting.batch_size, int(worth_attacking(pictures).sum())),
        num_bins=setting.num_bins,
        # Like the attacker of memberships, this one has other pictures of the kind.
        typical_brightness=get_brightness_from_pictures(pool[most:]),
    )


def reconstruction_rows(cell: Cell) -> list[Row]:
    """Returns rows of `schema.RECONSTRUCTIONS`: every variation of the imprint attack at one budget."""
    plan = cell.detail
    assert isinstance(plan, ReconstructionPlan)
    pictures = _attack_pictures(cell.dataset.name, cell.data_path)
    rows = [
        _imprint_row(cell, setting, most=plan.records, from_training=False)
        for setting in plan.variations(side=pictures.shape[1], epochs=cell.dataset.epochs)
    ]
    batch = cell.dataset.training.expected_batch_size
    side = registry.spec(cell.dataset.name).record_shape[-1]
    real = plan.real_batch(side=side, batch_size=batch, epochs=cell.dataset.epochs)
    return rows + [_imprint_row(cell, setting, most=batch, from_training=True) for setting in real]


def _imprint_row(cell: Cell, setting: ImprintSetting, *, most: int, from_training: bool) -> Row:
    key = dataclasses.replace(setting, looks=1, denoiser="none")
    attack = _prepared(cell.dataset.name, cell.data_path, most, key, from_training)
    budget = _budget(cell)
    start = time.perf_counter()
    scores = attack.scores(noise_multiplier=budget["noise_multiplier"], looks=setting.looks, denoiser=setting.denoiser)
    seconds = (time.perf_counter() - start) / len(scores.attacked)
    source = "training records" if from_training else "attack records"
    return {
        **budget,
        "records": f"{cell.dataset.name}: {source}",
        "attack": "imprint",
        **dataclasses.asdict(setting),
        **_summary(scores),
        "seconds": seconds,
    }


def _summary(scores: AttackScores) -> Row:
    attacked = scores.attacked
    # In batches our matching attacker is too weak to be reported: without noise it ought to name all, and does not.
    may_match = scores.batch_size == 1
    return {
        "attacked": int(attacked.sum()),
        "errors": [round(float(e), 4) for e in np.sort(scores.error[attacked])],
        "psnr": float(np.median(scores.psnr[attacked])),
        "correlation": float(np.nanmedian(scores.correlation[attacked])),
        "matched": int(scores.matched[attacked].sum()) if may_match else 0,
        "candidates": scores.candidates if may_match else 0,
    }


def optimisation_rows(cell: Cell) -> list[Row]:
    """Returns rows of `schema.RECONSTRUCTIONS`: an honest server inverts the ordinary gradient, at one look."""
    from dpcore.attacks.networks.optimisation import attack_by_optimisation

    plan = cell.detail
    assert isinstance(plan, ReconstructionPlan)
    pictures = _training_pictures(cell.dataset.name, cell.data_path)[: plan.optimised_records]
    budget = _budget(cell)
    rows = []
    for attack in OPTIMISATIONS:
        scores = attack_by_optimisation(
            pictures, attack=attack, noise_multiplier=budget["noise_multiplier"], looks=1, seed=_SEED
        )
        rows.append(
            {
                **budget,
                "records": f"{cell.dataset.name}: training records in {scores.model}",
                "attack": attack,
                **dataclasses.asdict(ImprintSetting(side=pictures.shape[1], num_bins=0)),
                "attacked": len(pictures),
                "errors": [round(float(e), 4) for e in np.sort(scores.error)],
                "psnr": float(np.median(scores.psnr)),
                "correlation": float(np.nanmedian(scores.correlation)),
                "matched": 0,
                "candidates": 0,
                "seconds": float(np.mean(scores.seconds)),
            }
        )
    return rows


ROWS: dict[str, Callable[[Cell], list[Row]]] = {
    "reconstruction": reconstruction_rows,
    "optimisation": optimisation_rows,
}
