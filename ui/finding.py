"""What is known at the chosen budget: proven, measured or estimated, never mixed. No Streamlit here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from dpcore.results.metrics import Metric
from ui.epsilon import NO_DP
from ui.evidence import Attack, Counted, Evidence, Point

#: How the model's results compare with those of the model trained without DP.
Outcome = Literal[
    "no_dp", "useless", "worse", "slightly_worse", "equivalent", "unclear", "better", "untested", "estimated"
]

_SIGNIFICANT = 0.05


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What is proven of one mechanism; a bound that could not be computed is NaN, never 0."""

    noise_multiplier: float
    worst_case: float
    relaxed: float
    #: Why a bound is missing, one sentence; empty if none is.
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Utility:
    """How well the model does its task."""

    metric: Metric
    value: float
    #: Sample standard deviation over seeds; NaN if estimated.
    sd: float
    #: NaN where not measured, like the Dice of the tumour.
    auc: float
    dice_tumour: float
    share_of_no_dp: float
    seeds: int
    tost_margin: float
    outcome: Outcome
    #: The measured budgets an estimate lies between (twice the same: taken over from it); empty if measured.
    between: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Everything a page shows at one budget."""

    evidence: Evidence
    #: As counted; infinite without DP.
    epsilon: float
    counted: Counted
    proof: Proof
    utility: Utility
    #: The sweep's point whose attack and pictures are shown: this budget or the nearest measured one.
    nearest: Point

    @property
    def is_no_dp(self) -> bool:
        """Whether the model was trained without DP."""
        return self.epsilon == NO_DP

    @property
    def is_measured(self) -> bool:
        """Whether this budget is a point of the sweep."""
        return not self.utility.between

    @property
    def one_look(self) -> Attack | None:
        """The attack on a single noisy gradient of each record."""
        return self.nearest.attacks[0] if self.nearest.attacks else None

    @property
    def all_looks(self) -> Attack | None:
        """The attack on as many gradients of each record as the training is expected to use."""
        return self.nearest.attacks[-1] if self.nearest.attacks else None


def find_at_point(evidence: Evidence, point: Point, counted: Counted) -> Finding:
    """Returns what is known at a point of the sweep: everything measured, bounds from the store."""
    missing = math.isnan(point.worst_case) or math.isnan(point.relaxed)
    proof = Proof(
        noise_multiplier=point.noise_multiplier,
        worst_case=point.worst_case,
        relaxed=point.relaxed,
        problem="The precomputed results lack a proven bound for this budget." if missing else "",
    )
    return Finding(
        evidence=evidence,
        epsilon=point.epsilon(counted),
        counted=counted,
        proof=proof,
        utility=_measured_utility(point, evidence.metric),
        nearest=point,
    )


def find_between_points(evidence: Evidence, epsilon: float, counted: Counted, proof: Proof) -> Finding:
    """Returns what is known between points: live bounds, estimated utility, the nearest point's attack."""
    return Finding(
        evidence=evidence,
        epsilon=epsilon,
        counted=counted,
        proof=proof,
        utility=_estimated_utility(evidence, epsilon, counted),
        nearest=evidence.nearest(epsilon, counted),
    )


def _measured_utility(point: Point, metric: Metric) -> Utility:
    return Utility(
        metric=metric,
        value=point.utility_mean,
        sd=point.utility_sd,
        auc=point.auc_mean,
        dice_tumour=point.dice_tumour_mean,
        share_of_no_dp=point.share_of_no_dp,
        seeds=point.seeds,
        tost_margin=point.tost_margin,
        outcome=_outcome(point, metric),
    )


def _outcome(point: Point, metric: Metric) -> Outcome:
    if point.target_epsilon == NO_DP:
        return "no_dp"
    if point.utility_mean < metric.useless_below:
        return "useless"
    if math.isnan(point.p_ttest) or math.isnan(point.p_tost):
        return "untested"
    differs, equivalent = point.p_ttest < _SIGNIFICANT, point.p_tost < _SIGNIFICANT
    if not differs:
        return "equivalent" if equivalent else "unclear"
    if point.share_of_no_dp > 1:
        return "better"
    return "slightly_worse" if equivalent else "worse"


def _estimated_utility(evidence: Evidence, epsilon: float, counted: Counted) -> Utility:
    """Log-linear in ε between the neighbouring points; beyond the last point, that point's values."""
    below = [p for p in evidence.measured if p.epsilon(counted) <= epsilon]
    above = [p for p in evidence.measured if p.epsilon(counted) > epsilon]
    low, high = (below or above)[-1 if below else 0], (above or below)[0 if above else -1]
    span = math.log(high.epsilon(counted) / low.epsilon(counted))
    weight = math.log(epsilon / low.epsilon(counted)) / span if span else 0.0

    def between(name: str) -> float:
        return (1 - weight) * getattr(low, name) + weight * getattr(high, name)

    return Utility(
        metric=evidence.metric,
        value=between("utility_mean"),
        sd=math.nan,
        auc=between("auc_mean"),
        dice_tumour=between("dice_tumour_mean"),
        share_of_no_dp=between("share_of_no_dp"),
        seeds=low.seeds,
        tost_margin=low.tost_margin,
        outcome="estimated",
        between=(low.epsilon(counted), high.epsilon(counted)),
    )
