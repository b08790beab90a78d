"""What a membership attack got, in the numbers that are reported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dpcore.attacks.membership.roc import Roc, get_roc, true_positives_at
from dpcore.attacks.membership.scores import MembershipScores

_ROC_POINTS = 200
_RESAMPLES = 2000


@dataclass(frozen=True, kw_only=True)
class MembershipSummary:
    """Counts over all models' scores of a group of records."""

    members: int
    non_members: int
    #: Mean over models of the area under each model's curve, and its 95 % interval by resampling models.
    auc: float
    auc_interval: tuple[float, float]
    #: (members, others) above the threshold that 0.1 %, or 1 %, of the others exceed.
    at_0001: tuple[int, int]
    at_001: tuple[int, int]
    #: Of all models' scores together, at most 200 points.
    roc: Roc


def summarise_scores(scores: MembershipScores) -> MembershipSummary:
    """Returns the summary; raises InvalidValue if a model has no members or no others among the records."""
    areas = np.array([get_roc(*pair).auc for pair in zip(scores.scores, scores.is_member, strict=True)])
    return MembershipSummary(
        members=int(scores.is_member.sum()),
        non_members=int((~scores.is_member).sum()),
        auc=float(areas.mean()),
        auc_interval=_interval(areas),
        at_0001=true_positives_at(scores.scores, scores.is_member, fpr=0.001),
        at_001=true_positives_at(scores.scores, scores.is_member, fpr=0.01),
        roc=get_roc(scores.scores, scores.is_member).thinned(_ROC_POINTS),
    )


def _interval(areas: NDArray[np.float64]) -> tuple[float, float]:
    """The percentile bootstrap of the mean; always the same for the same areas."""
    draws = np.random.default_rng(0).integers(0, len(areas), size=(_RESAMPLES, len(areas)))
    low, high = np.quantile(areas[draws].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)
