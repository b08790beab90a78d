"""The cells that attack: variations of the imprint attack, inversions by optimisation, shadow models, audits."""

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
from dpcore.attacks import AttackScores, BatchAttack, ImprintAttack, resize_pictures
from dpcore.attacks.networks.canaries import audit_training
from dpcore.attacks.networks.optimisation import attack_by_optimisation
from dpcore.attacks.networks.shadows import train_shadow
from dpcore.privacy import DpSgdMechanism, NonPrivate, get_epsilon_from_mechanism
from dpcore.sweep.attack_plan import OPTIMISATIONS, AuditPlan, ImprintSetting, ReconstructionPlan
from dpcore.sweep.cells import Cell, load_dataset, mechanism_for, noise_multiplier_of

Row = dict[str, Any]
_SEED = 0


def _mechanism(cell: Cell) -> DpSgdMechanism | NonPrivate:
    num_train = len(load_dataset(cell.dataset.name, cell.data_path).split.train)
    return mechanism_for(cell.dataset.config(seed=0), num_train, cell.target_epsilon, cell.delta)


def _budget(cell: Cell) -> Row:
    return {
        "dataset": cell.dataset.name,
        "target_epsilon": math.nan if cell.target_epsilon is None else cell.target_epsilon,
        "noise_multiplier": noise_multiplier_of(_mechanism(cell)),
    }


@cache
def _attack_pictures(name: str, data_path: str | None, most: int) -> tuple[NDArray[np.uint8], str]:
    """The first attacked pictures at their own side, and what they are called in the tables."""
    attacked = registry.load_attack_records(name, data_path=Path(data_path) if data_path else None)
    return attacked.records[:most].astype(np.uint8, copy=False), attacked.name


@cache
def _training_pictures(name: str, data_path: str | None, most: int) -> NDArray[np.uint8]:
    """The first training records as the model sees them, (n, side, side, channels)."""
    dataset = load_dataset(name, data_path)
    features = dataset.features[dataset.split.train[:most]]
    return np.rint((features.transpose(0, 2, 3, 1) + 1) * 127.5).astype(np.uint8)


@cache
def _prepared(
    name: str, data_path: str | None, most: int, setting: ImprintSetting, from_training: bool
) -> ImprintAttack | BatchAttack:
    """The attack on those pictures; `setting` comes without looks and denoiser, which cost nothing to change."""
    if from_training:
        pictures = _training_pictures(name, data_path, most)
    else:
        pictures = resize_pictures(_attack_pictures(name, data_path, most)[0], side=setting.side)
    if setting.batch_size == 1:
        return ImprintAttack(pictures, seed=_SEED)
    return BatchAttack(pictures, seed=_SEED, batch_size=setting.batch_size, num_bins=setting.num_bins)


def reconstruction_rows(cell: Cell) -> list[Row]:
    """Returns rows of `schema.RECONSTRUCTIONS`: every variation of the imprint attack at one budget."""
    plan = cell.detail
    assert isinstance(plan, ReconstructionPlan)  # noqa: S101 - the plan made the cell
    pictures, _ = _attack_pictures(cell.dataset.name, cell.data_path, plan.records)
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
    scores = attack.scores(
        noise_multiplier=budget["noise_multiplier"], looks=setting.looks, denoiser=setting.denoiser
    )
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
    return {
        "attacked": int(attacked.sum()),
        "errors": [round(float(e), 4) for e in np.sort(scores.error[attacked])],
        "psnr": float(np.median(scores.psnr[attacked])),
        "correlation": float(np.nanmedian(scores.correlation[attacked])),
        "matched": int(scores.matched[attacked].sum()),
        "candidates": scores.candidates,
    }


def optimisation_rows(cell: Cell) -> list[Row]:
    """Returns rows of `schema.RECONSTRUCTIONS`: an honest server inverts the ordinary gradient, at one look."""
    plan = cell.detail
    assert isinstance(plan, ReconstructionPlan)  # noqa: S101 - the plan made the cell
    pictures = _training_pictures(cell.dataset.name, cell.data_path, plan.optimised_records)
    budget = _budget(cell)
    rows = []
    for attack in OPTIMISATIONS:
        scores = attack_by_optimisation(
            pictures, attack=attack, noise_multiplier=budget["noise_multiplier"], looks=1, seed=_SEED
        )
        rows.append(
            {
                **budget,
                "records": f"{cell.dataset.name}: training records",
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


def shadow_rows(cell: Cell) -> list[Row]:
    """Returns one row: the scores that one shadow model gives every training record, for `membership_table`."""
    dataset = load_dataset(cell.dataset.name, cell.data_path)
    privacy = _mechanism(cell)
    shadow = train_shadow(dataset, cell.dataset.config(seed=0), privacy, shadow=cell.seed)
    return [
        {
            **_budget(cell),
            "model": cell.dataset.model,
            **_scheme(cell, privacy),
            "shadow": cell.seed,
            "losses": [float(f"{x:.6g}") for x in shadow.losses],
            "confidences": [float(f"{x:.6g}") for x in shadow.confidences],
            "is_member": [bool(x) for x in shadow.is_member],
        }
    ]


def _scheme(cell: Cell, privacy: DpSgdMechanism | NonPrivate) -> Row:
    num_train = len(load_dataset(cell.dataset.name, cell.data_path).split.train)
    config = cell.dataset.config(seed=0)
    return {"sample_rate": config.sample_rate(num_train), "steps": config.steps(num_train)}


def audit_rows(cell: Cell) -> list[Row]:
    """Returns rows of `schema.AUDITS`: one audited training for each kind of canary that the task allows."""
    plan = cell.detail
    assert isinstance(plan, AuditPlan)  # noqa: S101 - the plan made the cell
    dataset, privacy = load_dataset(cell.dataset.name, cell.data_path), _mechanism(cell)
    assert isinstance(privacy, DpSgdMechanism)  # noqa: S101 - without DP there is no ε to audit
    spent = {
        f"epsilon_{counted}": get_epsilon_from_mechanism(privacy, delta=cell.delta, accountant=counted)
        for counted in ("rdp", "tight")
    }
    rows = []
    for kind in plan.kinds:
        if kind == "mislabelled record" and dataset.spec.is_segmentation:
            continue  # A whole outline cannot be mislabelled by flipping a class.
        outcome = audit_training(
            dataset, cell.dataset.config(seed=0), privacy, canary=kind, canaries=plan.canaries, seed=_SEED
        )
        rows.append(
            {
                **_budget(cell),
                "model": cell.dataset.model,
                "delta": cell.delta,
                **spent,
                "canary": kind,
                **{k: getattr(outcome, k) for k in ("canaries", "guesses", "correct", "floor", "cap", "seconds")},
            }
        )
    return rows


ROWS: dict[str, Callable[[Cell], list[Row]]] = {
    "reconstruction": reconstruction_rows,
    "optimisation": optimisation_rows,
    "shadow": shadow_rows,
    "audit": audit_rows,
}
