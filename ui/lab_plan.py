"""The run a visitor is about to ask for: settings, noise, what is proven, cost, and what stands in its way."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from dpcore.errors import DpcoreError, InvalidValue
from dpcore.jobs import DatasetFacts, RunSettings, Task, expected_seconds
from ui import lab_loaders, loaders, risk_loaders
from ui.evidence import Counted
from ui.finding import Finding
from ui.lab_setting import Base, planned_training, run_settings
from ui.lab_state import LabView
from ui.risk_proof import RiskProof


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything the page shows before a start."""

    finding: Finding
    view: LabView
    base: Base
    settings: RunSettings
    proof: RiskProof
    #: None until this machine was timed.
    facts: DatasetFacts | None
    #: Why nothing can be started; empty if it can.
    problem: str

    @property
    def num_train(self) -> int:
        """Training records."""
        return self.base.num_train

    @property
    def is_comparable(self) -> bool:
        """Whether only chance tells it from the trainings of the precomputed curve."""
        return not self.view.model and not set(self.view.overrides) - {"seed"}

    def seconds(self, tasks: tuple[Task, ...]) -> float | None:
        """Returns the seconds of computing that tasks will take; None before this machine was timed."""
        each = [expected_seconds(task, self.facts) for task in tasks]
        return None if any(s is None for s in each) else sum(s for s in each if s is not None)


def base_of(finding: Finding) -> Base:
    """Returns the sweep's training on the finding's dataset; raises ResultsUnavailable."""
    evidence = finding.evidence
    point = evidence.measured[0]
    return Base(
        spec=evidence.spec,
        training=planned_training(loaders.manifest(), evidence.spec.name),
        num_train=point.num_train,
        delta=point.delta,
    )


def make_plan(finding: Finding, view: LabView, base: Base) -> Plan:
    """Returns the run that the view asks for, with what is known about it."""
    settings = run_settings(view.overrides, view.model, base, epsilon=finding.epsilon, counted=finding.counted)
    proof = prove(settings, base.num_train)
    facts, problem = _facts(settings.dataset)
    if not problem:
        problem = proof.problem or _over_limit(settings, facts)
    return Plan(finding=finding, view=view, base=base, settings=settings, proof=proof, facts=facts, problem=problem)


def prove(settings: RunSettings, num_train: int) -> RiskProof:
    """Returns what is proven of a run."""
    training = settings.training
    scheme = (training.sample_rate(num_train), training.steps(num_train), settings.delta)
    epsilon = math.inf if not settings.is_private else settings.epsilon or 1.0
    counted: Counted = settings.accountant
    return risk_loaders.proof(scheme, epsilon, counted, settings.noise_multiplier)


def watts_per_core() -> float:
    """Returns the power that a busy core is assumed to take, as in the sweep; raises ResultsUnavailable."""
    plan: Any = loaders.manifest()["plan"]
    return float(plan["watts_per_core"])


def _facts(dataset: str) -> tuple[DatasetFacts | None, str]:
    missing = lab_loaders.data_missing(dataset)
    if missing:
        missing += (
            " Training here needs your own copy; the synthetic data and the breast cancer table come with the program."
        )
    try:
        return lab_loaders.facts(dataset), missing
    except DpcoreError as error:
        return None, missing or str(error)


def _over_limit(settings: RunSettings, facts: DatasetFacts | None) -> str:
    try:
        lab_loaders.store().limits.check(settings, facts)
    except InvalidValue as error:
        return str(error)
    return ""
