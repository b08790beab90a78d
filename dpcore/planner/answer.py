"""Forwards: from a plan to everything that is known about it before it starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dpcore.planner.basis import NoBasis
from dpcore.planner.effort import Effort, get_effort
from dpcore.planner.realistic import RealisticAttack, get_realistic_attack
from dpcore.planner.setting import Level, Plan, Setting
from dpcore.planner.utility import UtilityEstimate, get_utility
from dpcore.privacy import (
    ACCOUNTANTS,
    DpSgdMechanism,
    get_patient_epsilon_from_mechanism,
    get_patient_trade_off_from_mechanism,
    get_risks_from_mechanism,
)
from dpcore.results.store import PrecomputedStore

if TYPE_CHECKING:
    from dpcore.jobs.forecast import DatasetFacts

#: δ·N from which δ deserves a note, and from which a warning.
_DELTA_NOTE, _DELTA_WARNING = 0.1, 1.0


@dataclass(frozen=True, kw_only=True)
class LevelRisks:
    """Proven upper bounds for one record, or for a patient with as many records as any has; probabilities."""

    level: Level
    #: Records hidden together, and the chance to match the right record or patient without the release.
    records: int
    kappa: float
    #: Infinite where no bound is found.
    epsilon_rdp: float
    epsilon_tight: float
    #: γ of the attacker who has the record (or the patient's records) and must only match.
    worst_case: float
    #: γ of the attacker who does not; None where nothing is known (patients with several records).
    relaxed: float | None
    #: The same if the unknown direction persists; known for full batches only.
    relaxed_persistent: float | None
    advantage: float
    auc: float
    tpr_at_fpr_0_001: float
    tpr_at_fpr_0_01: float
    best_guess_accuracy: float


@dataclass(frozen=True, kw_only=True)
class PlanAnswer:
    """All that is known about a plan. What is proven, estimated and measured stays apart."""

    plan: Plan
    mechanism: DpSgdMechanism
    #: Proven.
    record: LevelRisks
    patient: LevelRisks
    #: Estimated.
    utility: UtilityEstimate | NoBasis
    effort: Effort | NoBasis
    #: Measured, on other records.
    realistic: RealisticAttack | NoBasis
    #: One sentence each.
    warnings: tuple[str, ...]


def answer(plan: Plan, store: PrecomputedStore, facts: DatasetFacts | None = None) -> PlanAnswer:
    """Returns noise, both accountants' ε, every risk at both levels, expected utility, effort and the real attack.

    `facts` is a probe of this machine, for its speed. Raises CalibrationError if no noise keeps the plan's ε, and
    ResultsUnavailable if the store is missing or damaged.
    """
    mechanism = plan.mechanism()
    noise = mechanism.noise_multiplier
    record = _record_risks(plan, mechanism)
    return PlanAnswer(
        plan=plan,
        mechanism=mechanism,
        record=record,
        patient=_patient_risks(plan, mechanism, record),
        utility=get_utility(plan, noise, store),
        effort=get_effort(plan, store, facts),
        realistic=get_realistic_attack(plan, noise, store),
        warnings=tuple(get_warnings(plan)),
    )


def get_epsilons(mechanism: DpSgdMechanism, setting: Setting, level: Level) -> dict[str, float]:
    """Returns ε at the setting's δ and that level, by the names epsilon_rdp and epsilon_tight."""
    return {
        f"epsilon_{accountant}": get_patient_epsilon_from_mechanism(
            mechanism,
            delta=setting.delta,
            accountant=accountant,
            records_per_patient=setting.records(level),
        )
        for accountant in ACCOUNTANTS
    }


def _record_risks(plan: Plan, mechanism: DpSgdMechanism) -> LevelRisks:
    risks = get_risks_from_mechanism(mechanism, kappa=plan.kappa("record"))
    return LevelRisks(
        level="record",
        records=1,
        kappa=risks.kappa,
        **get_epsilons(mechanism, plan, "record"),
        worst_case=risks.worst_case,
        relaxed=risks.relaxed,
        relaxed_persistent=risks.relaxed_persistent,
        advantage=risks.advantage,
        auc=risks.auc,
        tpr_at_fpr_0_001=risks.tpr_at_fpr_0_001,
        tpr_at_fpr_0_01=risks.tpr_at_fpr_0_01,
        best_guess_accuracy=risks.best_guess_accuracy,
    )


def _patient_risks(plan: Plan, mechanism: DpSgdMechanism, record: LevelRisks) -> LevelRisks:
    if plan.images_per_patient == 1:
        return replace(record, level="patient")
    curve = get_patient_trade_off_from_mechanism(mechanism, records_per_patient=plan.images_per_patient)
    kappa, advantage = plan.kappa("patient"), curve.advantage
    return LevelRisks(
        level="patient",
        records=plan.images_per_patient,
        kappa=kappa,
        **get_epsilons(mechanism, plan, "patient"),
        worst_case=curve.tpr_at_fpr(kappa),
        relaxed=None,
        relaxed_persistent=None,
        advantage=advantage,
        auc=curve.auc,
        tpr_at_fpr_0_001=curve.tpr_at_fpr(0.001),
        tpr_at_fpr_0_01=curve.tpr_at_fpr(0.01),
        # At an even prior: ½ + ½·δ(0).
        best_guess_accuracy=(1 + advantage) / 2,
    )


def get_warnings(setting: Setting) -> list[str]:
    """Returns one sentence for each part of the setting that makes its numbers mean less than they seem to."""
    warnings = []
    expected = setting.delta * setting.num_train
    if expected >= _DELTA_NOTE:
        much = "above" if expected > _DELTA_WARNING else "not well below"
        warnings.append(
            f"δ = {setting.delta:.3g} is {much} 1/N = {1 / setting.num_train:.3g}: a program that publishes each "
            f"record whole with that chance, {expected:.2g} of them in expectation, keeps within it."
        )
    if setting.images_per_patient > 1:
        warnings.append(
            f"The budget is one record's; a patient with {setting.images_per_patient:,} of them has the risks given "
            "for a patient."
        )
    return warnings
