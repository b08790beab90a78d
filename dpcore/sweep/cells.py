"""The cells of a sweep: one training run, or one attacked mechanism. Each is a function of plain settings.

What a worker does with them has its own modules, which import torch: the sweep itself needs none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dpcore import datasets as registry
from dpcore.datasets.spec import Dataset
from dpcore.privacy import DpSgdMechanism, NonPrivate, PrivacyTarget, calibrate
from dpcore.settings import TrainingConfig
from dpcore.sweep.attack_plan import AuditPlan, ReconstructionPlan
from dpcore.sweep.plan import DatasetPlan


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
    import torch

    torch.set_num_threads(1)
    if cell.kind in ("shadow", "audit"):
        from dpcore.sweep import membership_cells

        return membership_cells.shadow_rows(cell) if cell.kind == "shadow" else membership_cells.audit_rows(cell)
    if cell.kind in ("reconstruction", "optimisation"):
        from dpcore.sweep import reconstruction_cells

        return reconstruction_cells.ROWS[cell.kind](cell)
    from dpcore.sweep import training_cells

    return training_cells.training_rows(cell) if cell.kind == "run" else training_cells.attack_rows(cell)
