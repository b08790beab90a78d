"""All risks of a mechanism that the pages and the command line show, from its two trade-off curves."""

from __future__ import annotations

from dataclasses import dataclass

from dpcore._validate import unit_interval
from dpcore.privacy.bounds import get_persistent_trade_off_from_mechanism, get_trade_off_from_mechanism
from dpcore.privacy.mechanism import DpSgdMechanism, NonPrivate


@dataclass(frozen=True, kw_only=True)
class Risks:
    """Proven upper bounds, as probabilities; `error` and `relaxed_error` are estimated relative errors of γ."""

    kappa: float
    #: γ of the attacker who has the record and must only match it.
    worst_case: float
    #: γ of the attacker who does not, and meets a fresh unknown direction in each step.
    relaxed: float
    #: The same if the unknown direction persists; known for full batches only.
    relaxed_persistent: float | None
    #: Largest TPR − FPR of membership inference.
    advantage: float
    auc: float
    tpr_at_fpr_0_001: float
    tpr_at_fpr_0_01: float
    #: Share of right guesses about membership at an even prior.
    best_guess_accuracy: float
    error: float
    relaxed_error: float


def get_risks_from_mechanism(mechanism: DpSgdMechanism | NonPrivate, *, kappa: float) -> Risks:
    """Returns the bounds at κ, the chance of success without the release (1/N in Ziller et al. 2024).

    Raises InvalidValue for κ outside (0, 1] or too small to be resolved.
    """
    kappa = unit_interval(kappa=kappa)
    worst_case = get_trade_off_from_mechanism(mechanism, "worst_case")
    relaxed = get_trade_off_from_mechanism(mechanism, "relaxed")
    return Risks(
        kappa=kappa,
        worst_case=worst_case.tpr_at_fpr(kappa),
        relaxed=relaxed.tpr_at_fpr(kappa),
        relaxed_persistent=_persistent(mechanism, kappa),
        advantage=worst_case.advantage,
        auc=worst_case.auc,
        tpr_at_fpr_0_001=worst_case.tpr_at_fpr(0.001),
        tpr_at_fpr_0_01=worst_case.tpr_at_fpr(0.01),
        best_guess_accuracy=worst_case.best_guess_accuracy(0.5),
        error=worst_case.error,
        relaxed_error=relaxed.error,
    )


def _persistent(mechanism: DpSgdMechanism | NonPrivate, kappa: float) -> float | None:
    if isinstance(mechanism, NonPrivate):
        return 1.0
    if mechanism.sample_rate < 1:
        return None
    return get_persistent_trade_off_from_mechanism(mechanism).tpr_at_fpr(kappa)
