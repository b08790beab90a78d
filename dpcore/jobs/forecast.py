"""How long a task will take here, from a short look at this machine's speed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dpcore.jobs.tasks import ProbeTask, ProfileTask, Task


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """One model on one dataset's records."""

    num_parameters: int
    #: Seconds a view of a record takes in training with DP-SGD, and without.
    private_seconds_per_view: float
    plain_seconds_per_view: float


@dataclass(frozen=True, kw_only=True)
class DatasetFacts:
    """A dataset and this machine, as a probe measured them."""

    dataset: str
    num_train: int
    num_validation: int
    num_test: int
    #: Share of positive training records, or of outlined pixels. Of real data nobody pays for it: None.
    prevalence: float | None
    #: Both attacks on a finished model, and loading the records.
    attack_seconds: float
    load_seconds: float
    models: Mapping[str, ModelFacts]


def facts_from_json(plain: dict[str, Any]) -> DatasetFacts:
    """Returns what `outcomes.to_json` made of facts."""
    return DatasetFacts(**{**plain, "models": {name: ModelFacts(**m) for name, m in plain["models"].items()}})


def expected_seconds(task: Task, facts: DatasetFacts | None) -> float | None:
    """Returns the wall-clock seconds a task will take when a core is free; None where the model was not probed."""
    if isinstance(task, ProbeTask):
        return None
    model = facts.models.get(task.training.model) if facts else None
    if facts is None or model is None:
        return None
    views = facts.num_train * task.training.multiplicity
    if isinstance(task, ProfileTask):
        return facts.load_seconds + 3 * views * model.plain_seconds_per_view
    speed = model.private_seconds_per_view if task.is_private else model.plain_seconds_per_view
    return views * task.training.epochs * speed + facts.attack_seconds
