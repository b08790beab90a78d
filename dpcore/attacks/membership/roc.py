"""ROC curves of membership scores. Ties are never broken in the attacker's favour."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dpcore._validate import unit_interval
from dpcore.errors import InvalidValue


@dataclass(frozen=True, kw_only=True, eq=False)
class Roc:
    """Rates at every threshold, from none accused to all."""

    #: (t,) rising, from 0 to 1.
    fpr: NDArray[np.float64]
    tpr: NDArray[np.float64]

    @property
    def auc(self) -> float:
        """The area under the curve; ties count half."""
        return float(np.trapezoid(self.tpr, self.fpr))

    def thinned(self, points: int) -> Roc:
        """Returns at most about that many points, even in log FPR, each one of the curve's own."""
        if len(self.fpr) <= points:
            return self
        positive = np.flatnonzero(self.fpr > 0)
        wanted = np.geomspace(self.fpr[positive[0]], 1.0, points - 2)
        # The last point at or below each rate: the curve never looks better than it is.
        kept = np.unique(
            np.concatenate([[0], np.searchsorted(self.fpr, wanted, side="right") - 1, [len(self.fpr) - 1]])
        )
        return Roc(fpr=self.fpr[kept], tpr=self.tpr[kept])


def get_roc(scores: NDArray[np.float64], is_member: NDArray[np.bool_]) -> Roc:
    """Returns the ROC curve of scores, higher = member, with records of equal score on one threshold.

    Args:
        scores: of any shape.
        is_member: same shape, with members and others in it.

    Raises:
        InvalidValue: if the shapes differ, or all or none are members.
    """
    members, others = _split(scores, is_member)
    thresholds = np.unique(np.concatenate([members, others]))[::-1]
    tpr = 1 - np.searchsorted(np.sort(members), thresholds, side="left") / len(members)
    fpr = 1 - np.searchsorted(np.sort(others), thresholds, side="left") / len(others)
    return Roc(fpr=np.concatenate([[0.0], fpr]), tpr=np.concatenate([[0.0], tpr]))


def true_positives_at(scores: NDArray[np.float64], is_member: NDArray[np.bool_], *, fpr: float) -> tuple[int, int]:
    """Returns (members, others) strictly above the lowest threshold that at most `fpr` of the others exceed.

    Raises InvalidValue as get_roc, and for fpr outside (0, 1].
    """
    members, others = _split(scores, is_member)
    allowed = math.floor(unit_interval(fpr=fpr) * len(others) + 1e-9)
    if allowed >= len(others):
        return len(members), len(others)
    threshold = np.sort(others)[::-1][allowed]
    return int((members > threshold).sum()), int((others > threshold).sum())


def _split(
    scores: NDArray[np.float64], is_member: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if scores.shape != is_member.shape:
        raise InvalidValue(f"is_member must have the shape {scores.shape} of scores, but has {is_member.shape}.")
    members, others = scores[is_member], scores[~is_member]
    if not len(members) or not len(others):
        raise InvalidValue(f"is_member must hold members and others, but holds {len(members)} and {len(others)}.")
    return members, others
