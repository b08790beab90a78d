"""Attacks records and scores what came back. Gradients are computed once; each (σ, looks) then costs a second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dpcore._validate import non_negative, positive, whole
from dpcore.attacks._records import from_flat, kind_of, to_model_input, worth_attacking
from dpcore.attacks.matching import candidate_directions, name_candidates
from dpcore.attacks.planted import Planted, closed_form
from dpcore.attacks.reading import add_noise, averaged_noise_std, invert
from dpcore.attacks.similarity import correlation, psnr, relative_error, ssim_error
from dpcore.errors import InvalidValue


@dataclass(frozen=True, kw_only=True)
class AttackScores:
    """The imprint attack's success on n records at one noise multiplier and number of looks."""

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
    #: Number of candidates M: all attacked records. A guess is right with probability 1 / M.
    candidates: int
    #: Smallest share, over the records, of the squared gradient norm in the first imprint layer, 0 … 1.
    clip_share: float

    @property
    def left_out(self) -> int:
        """Number of records that were not attacked."""
        return int(np.count_nonzero(~self.attacked))

    @property
    def matching_rate(self) -> float:
        """Share of the attacked records that the attacker named, 0 … 1."""
        return float(self.matched[self.attacked].mean())


class ImprintAttack:
    """The imprint attack on a set of records, with the noiseless clipped gradients computed once.

    The gradient of a batch of one is taken in closed form (`planted.closed_form`), with no network and no torch;
    `networks.PreparedAttack` takes it from a real network instead. Results depend on the arguments only, and not on
    the order of calls.

    Two attackers, each with the layers that serve it: the one who *rebuilds* plants the published layers on pixels in
    [0, 1]; the one who must only *match* plants them on pixels scaled to [−0.5, 0.5], which tells pictures apart under
    about 3 times the noise, for no published attack sets a standard there. For rows of a table both are the same.

    Args:
        records: uint8 (n, 128, 128, 3), uint8 (n, side, side, 1) with a side of 16 … 256, or finite float32
            (n, features).
        seed: of the labels and of the noise, ≥ 0.
        max_grad_norm: clipping norm; results do not depend on it, since noise scales with it.
        pixel_offset: subtracted before the rebuilding attacker's layers; 0.5 makes pictures appear under about 3 times
            the noise (`ImprintModel`).

    Raises:
        InvalidValue: if an argument breaks its rule or no picture has at least 10 % non-zero pixels.
    """

    def __init__(
        self,
        records: NDArray[Any],
        seed: int,
        *,
        max_grad_norm: float = 1.0,
        pixel_offset: float = 0.0,
    ) -> None:
        self._kind = kind_of(records)
        self._seed = whole(0, seed=seed)
        self._max_grad_norm = positive(max_grad_norm=max_grad_norm)
        self.records = records
        #: (n,) False for the pictures left out.
        self.attacked = worth_attacking(records)
        self._index = np.flatnonzero(self.attacked)
        inputs = to_model_input(records[self.attacked])
        offset, matching_offset = non_negative(pixel_offset=pixel_offset), self._kind.mean
        self._rebuilding = self._plant(inputs, offset)
        self._matching = self._rebuilding if offset == matching_offset else self._plant(inputs, matching_offset)
        self._directions = candidate_directions(inputs.reshape(len(inputs), -1), pixel_offset=matching_offset)
        self.clip_share = min(self._rebuilding.clip_share, self._matching.clip_share)

    def _plant(self, inputs: NDArray[np.float32], pixel_offset: float) -> Planted:
        return closed_form(inputs, max_grad_norm=self._max_grad_norm, pixel_offset=pixel_offset, seed=self._seed)

    @property
    def candidates(self) -> int:
        """Number of records attacked, which are also the candidates to match."""
        return len(self._index)

    def noisy_gradients(
        self, *, noise_multiplier: float, looks: int, index: Sequence[int] | None = None
    ) -> NDArray[np.float32]:
        """Returns (m, d + 1): what the rebuilding attacker has, the mean of `looks` noisy gradients with bins combined.

        Args:
            noise_multiplier: noise standard deviation / clipping norm; 0 = no DP.
            looks: number of averaged gradients of the same record under the same weights, ≥ 1.
            index: which records, by their place in `records`; all attacked ones by default.

        Raises:
            InvalidValue: if an argument breaks its rule or a record was left out.
        """
        return self._noisy(self._rebuilding, self._noise_std(noise_multiplier, looks), self._rows(index))

    def reconstruct(self, *, noise_multiplier: float, looks: int, index: Sequence[int] | None = None) -> NDArray[Any]:
        """Returns rebuilt records, uint8 or float32, shaped like those attacked; arguments as noisy_gradients."""
        noise_std = self._noise_std(noise_multiplier, looks)
        flat = invert(
            self._noisy(self._rebuilding, noise_std, self._rows(index)),
            noise_std=noise_std,
            max_grad_norm=self._max_grad_norm,
            kind=self._kind,
            pixel_offset=self._rebuilding.pixel_offset,
        )
        return from_flat(flat, self._kind)

    def matched(self, *, noise_multiplier: float, looks: int) -> NDArray[np.bool_]:
        """Returns (m,) for the attacked records: named rightly among them by the attacker who must only match?"""
        noise_std = self._noise_std(noise_multiplier, looks)
        noisy = self._noisy(self._matching, noise_std, self._rows(None))
        right: NDArray[np.bool_] = name_candidates(noisy, self._directions) == np.arange(self.candidates)
        return right

    def scores(self, *, noise_multiplier: float, looks: int) -> AttackScores:
        """Returns how well the attack does on every record; arguments and errors as noisy_gradients."""
        rebuilt = self.reconstruct(noise_multiplier=noise_multiplier, looks=looks)
        measures = np.full((len(self.attacked), 3), np.nan)
        measures[self._index] = [self._measures(self.records[i], r) for i, r in zip(self._index, rebuilt, strict=True)]
        matched = np.zeros(len(self.attacked), dtype=bool)
        matched[self._index] = self.matched(noise_multiplier=noise_multiplier, looks=looks)
        return AttackScores(
            noise_multiplier=float(noise_multiplier),
            looks=int(looks),
            attacked=self.attacked.copy(),
            error=measures[:, 0].copy(),
            psnr=measures[:, 1].copy(),
            correlation=measures[:, 2].copy(),
            matched=matched,
            candidates=self.candidates,
            clip_share=self.clip_share,
        )

    def _noise_std(self, noise_multiplier: float, looks: int) -> float:
        return averaged_noise_std(
            noise_multiplier=non_negative(noise_multiplier=noise_multiplier),
            max_grad_norm=self._max_grad_norm,
            looks=whole(looks=looks),
        )

    def _noisy(self, planted: Planted, noise_std: float, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return add_noise(planted.gradients[rows], noise_std=noise_std, seed=self._seed, index=self._index[rows])

    def _measures(self, original: NDArray[Any], rebuilt: NDArray[Any]) -> tuple[float, float, float]:
        likeness = correlation(original, rebuilt)
        if self._kind.is_picture:
            return ssim_error(original, rebuilt), psnr(original, rebuilt), likeness
        return relative_error(original, rebuilt), np.nan, likeness

    def _rows(self, index: Sequence[int] | None) -> NDArray[np.int64]:
        if index is None:
            return np.arange(self.candidates)
        for i in index:
            if whole(0, index=i) >= len(self.attacked) or not self.attacked[i]:
                raise InvalidValue(f"index must name attacked records, but {i} is beyond them or was left out.")
        return np.searchsorted(self._index, np.asarray(index, dtype=np.int64))
