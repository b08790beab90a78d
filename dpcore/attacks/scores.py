"""What an attack is scored by: how close each record came back, and whether the attacker could name it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dpcore.attacks.similarity import correlation, psnr, relative_error, ssim_error


@dataclass(frozen=True, kw_only=True)
class AttackScores:
    """An attack's success on n records at one noise multiplier and number of looks."""

    noise_multiplier: float
    looks: int
    #: (n,) False for pictures left out because under 10 % of their pixels are non-zero.
    attacked: NDArray[np.bool_]
    #: (n,) 1 − SSIM of pictures, relative L2 error of rows; smaller = better attack. NaN where left out.
    error: NDArray[np.float64]
    #: (n,) dB, larger = better attack. NaN where left out and for rows.
    psnr: NDArray[np.float64]
    #: (n,) Pearson's, larger = better attack. NaN where left out.
    correlation: NDArray[np.float64]
    #: (n,) whether the attacker who must only match named the right candidate. False where left out.
    matched: NDArray[np.bool_]
    #: Number of candidates M: all attacked records.
    candidates: int
    #: Smallest share, over the records, of the squared gradient norm in the first imprint layer, 0 … 1.
    clip_share: float
    #: Number of candidates the attacker names for one gradient: the records of its batch.
    batch_size: int = 1

    @property
    def left_out(self) -> int:
        """Number of records that were not attacked."""
        return int(np.count_nonzero(~self.attacked))

    @property
    def matching_rate(self) -> float:
        """Share of the attacked records that the attacker named, 0 … 1."""
        return float(self.matched[self.attacked].mean())

    @property
    def chance_rate(self) -> float:
        """Matching rate of an attacker who guesses, batch_size / candidates."""
        return self.batch_size / self.candidates


def score_records(
    records: NDArray[Any],
    rebuilt: NDArray[Any],
    *,
    attacked: NDArray[np.bool_],
    matched: NDArray[np.bool_],
    **settings: Any,
) -> AttackScores:
    """Returns the scores of the attacked records; NaN and False where left out.

    Args:
        records: (n, …) all records.
        rebuilt: (m, …) reconstructions of the attacked ones, in their order.
        attacked: (n,)
        matched: (m,)
        settings: the remaining fields of `AttackScores`.
    """
    index = np.flatnonzero(attacked)
    measures = np.full((len(attacked), 3), np.nan)
    measures[index] = [_measures(records[i], r) for i, r in zip(index, rebuilt, strict=True)]
    named = np.zeros(len(attacked), dtype=bool)
    named[index] = matched
    return AttackScores(
        attacked=attacked.copy(),
        error=measures[:, 0].copy(),
        psnr=measures[:, 1].copy(),
        correlation=measures[:, 2].copy(),
        matched=named,
        **settings,
    )


def _measures(original: NDArray[Any], rebuilt: NDArray[Any]) -> tuple[float, float, float]:
    likeness = correlation(original, rebuilt)
    if original.ndim == 3:
        return ssim_error(original, rebuilt), psnr(original, rebuilt), likeness
    return relative_error(original, rebuilt), np.nan, likeness
