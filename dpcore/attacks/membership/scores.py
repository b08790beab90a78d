"""Scores that tell members from others; higher = member. Raw scores are kept, everything else is derived."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dpcore.errors import InvalidValue

#: From so many shadow models on a side a record gets a variance of its own (Carlini et al. 2022, section VI.C).
_OWN_VARIANCE = 16
_LEAST_SD = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class MembershipScores:
    """Scores of n records by k models, each trained on its own random half of them."""

    #: (k, n), higher = member.
    scores: NDArray[np.float64]
    #: (k, n): whether the model was trained on the record.
    is_member: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Raises InvalidValue when the arrays do not belong together, or a score is NaN."""
        if self.scores.ndim != 2 or self.scores.shape != self.is_member.shape or self.scores.size == 0:
            raise InvalidValue(
                f"scores must be of shape (models, records) like is_member {self.is_member.shape}, "
                f"but is of shape {self.scores.shape}."
            )
        if np.isnan(self.scores).any():
            raise InvalidValue(f"scores must be numbers, but {int(np.isnan(self.scores).sum())} are NaN.")

    def select(self, records: NDArray[np.bool_]) -> MembershipScores:
        """Returns the scores of some records (n,) only: a class, a subgroup."""
        return MembershipScores(scores=self.scores[:, records], is_member=self.is_member[:, records])


def get_loss_scores(losses: NDArray[np.float64], is_member: NDArray[np.bool_]) -> MembershipScores:
    """Returns the loss-threshold attack: a low loss speaks for a member (Yeom et al. 2018). Both are (k, n)."""
    return MembershipScores(scores=-losses, is_member=is_member)


def get_lira_scores(confidences: NDArray[np.float64], is_member: NDArray[np.bool_]) -> MembershipScores:
    """Returns the likelihood-ratio attack, online version (Carlini et al. 2022, Algorithm 1), leave-one-out.

    Each model in turn is the target and all others are its shadow models. A record's confidences under models with
    and without it are taken as two normal distributions; the score is the logarithm of their likelihood ratio. With
    fewer than 16 shadow models on a side the variance is pooled over records, as the paper advises.

    Args:
        confidences: (k, n) logit-scaled confidences log(p / (1 − p)), k ≥ 3.
        is_member: (k, n).

    Raises:
        InvalidValue: for fewer than 3 models, or arrays that do not belong together.
    """
    checked = MembershipScores(scores=confidences, is_member=is_member)
    models = len(checked.scores)
    if models < 3:
        raise InvalidValue(f"confidences must be of at least 3 models, but is of {models}.")
    scores = np.empty_like(checked.scores)
    for target in range(models):
        others = np.arange(models) != target
        inside = _Normal.fit(confidences[others], is_member[others])
        outside = _Normal.fit(confidences[others], ~is_member[others])
        scores[target] = inside.log_density(confidences[target]) - outside.log_density(confidences[target])
    return MembershipScores(scores=scores, is_member=is_member)


@dataclass(frozen=True, kw_only=True)
class _Normal:
    """One normal distribution a record (n,)."""

    mean: NDArray[np.float64]
    sd: NDArray[np.float64]

    @classmethod
    def fit(cls, values: NDArray[np.float64], chosen: NDArray[np.bool_]) -> _Normal:
        """Fits the chosen values (k, n) of each record; a record without any gets the mean of all."""
        count = chosen.sum(axis=0)
        total = np.where(chosen, values, 0.0).sum(axis=0)
        mean = np.where(count > 0, total / np.maximum(count, 1), total.sum() / max(1, count.sum()))
        squares = np.where(chosen, (values - mean) ** 2, 0.0).sum(axis=0)
        pooled = squares.sum() / max(1, (count.sum() - (count > 0).sum()))
        own = squares / np.maximum(count - 1, 1)
        variance = np.where(count >= _OWN_VARIANCE, own, pooled)
        return cls(mean=mean, sd=np.sqrt(np.maximum(variance, _LEAST_SD**2)))

    def log_density(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns (n,)."""
        return -0.5 * ((values - self.mean) / self.sd) ** 2 - np.log(self.sd) - 0.5 * math.log(2 * math.pi)
