"""The cells that ask who was in the data: shadow models and audited trainings."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from dpcore.attacks.networks.canaries import finish_audit, start_audit
from dpcore.attacks.networks.shadows import get_confidences, get_losses, start_shadow
from dpcore.cluster.tasks import in_time
from dpcore.privacy import ACCOUNTANTS, DpSgdMechanism, get_epsilon_from_mechanism
from dpcore.sweep.attack_plan import AuditPlan
from dpcore.sweep.cells import Cell, load_dataset, mechanism_of, noise_multiplier_of

Row = dict[str, Any]


def shadow_rows(cell: Cell) -> list[Row]:
    """Returns one row: the scores that one shadow model gives every training record, for `membership_table`."""
    dataset, privacy = load_dataset(cell.dataset.name, cell.data_path), mechanism_of(cell)
    training = start_shadow(dataset, cell.dataset.config(seed=0), privacy, shadow=cell.seed)
    for _ in in_time(training):
        pass
    losses = get_losses(training.finish().model, dataset, dataset.split.train)
    return [
        {
            "dataset": cell.dataset.name,
            "model": cell.dataset.model,
            "target_epsilon": math.nan if cell.target_epsilon is None else cell.target_epsilon,
            "noise_multiplier": noise_multiplier_of(privacy),
            "sample_rate": training.config.sample_rate(training.num_train),
            "steps": training.steps,
            "losses": [float(f"{x:.6g}") for x in losses],
            "confidences": [float(f"{x:.6g}") for x in get_confidences(losses)],
            "is_member": training.members.tolist(),
        }
    ]


def audit_rows(cell: Cell) -> list[Row]:
    """Returns one row of `schema.AUDITS`: one training with canaries of one kind."""
    plan, dataset, privacy = cell.detail, load_dataset(cell.dataset.name, cell.data_path), mechanism_of(cell)
    assert isinstance(plan, AuditPlan) and isinstance(privacy, DpSgdMechanism)  # noqa: PT018 - of the plan
    (kind,) = plan.kinds
    training = start_audit(dataset, cell.dataset.config(seed=0), privacy, canary=kind, canaries=plan.canaries)
    for _ in in_time(training):
        pass
    outcome = finish_audit(training, delta=cell.delta)
    spent = {f"epsilon_{a}": get_epsilon_from_mechanism(privacy, delta=cell.delta, accountant=a) for a in ACCOUNTANTS}
    return [
        {
            "dataset": cell.dataset.name,
            "model": cell.dataset.model,
            "target_epsilon": cell.target_epsilon,
            "noise_multiplier": privacy.noise_multiplier,
            "delta": cell.delta,
            **spent,
            "canary": kind,
            **dataclasses.asdict(outcome),
            "seconds": training.seconds,
        }
    ]
