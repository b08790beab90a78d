"""The imprint attack on a batch: several records' clipped gradients are added up, and bins of brightness part them.

After Fowl et al. (2022, "Robbing the Fed", section 4): bin i is open for records brighter than its threshold, so the
difference of two neighbouring bins holds the records between their thresholds only; one alone is read off exactly.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from dpcore._validate import non_negative, whole
from dpcore.attacks._records import RecordKind, from_flat, kind_of, to_model_input, worth_attacking
from dpcore.attacks.denoise import check_denoiser, denoise
from dpcore.attacks.evaluate import AttackScores, measure
from dpcore.attacks.matching import candidate_directions
from dpcore.attacks.reading import NUM_BINS, averaged_noise_std, invert
from dpcore.errors import InvalidValue

#: What the attacker expects of a picture's mean brightness, known beforehand.
_BRIGHTNESS_MEAN, _BRIGHTNESS_SD = 0.5, 0.2


def brightness_thresholds(num_bins: int) -> NDArray[np.float64]:
    """Returns (b,) rising thresholds of mean brightness: the first opens for nearly all, quantiles of what is expected.

    Raises InvalidValue if num_bins is not a whole number of at least 1.
    """
    shares = np.arange(whole(num_bins=num_bins)) / num_bins + 1e-4
    thresholds: NDArray[np.float64] = _BRIGHTNESS_MEAN + _BRIGHTNESS_SD * ndtri(shares)
    return thresholds


class BatchAttack:
    """The imprint attack when DP-SGD adds up a batch's clipped gradients before the noise; pictures only.

    A record's clipped gradient is spread evenly over the k bins it opens: C·(record, 1) / (√k·‖(record, 1)‖) in each,
    its sign set by the label. In closed form, as `ImprintAttack`. Every record is in one batch; the last batch is
    filled up with records from the start, which count once. Each input is matched to the reconstruction of its batch
    that resembles it most, as Ziller et al. (2024) do.

    Args:
        records: uint8 pictures (n, side, side, 3 or 1) with a side of 16 … 256.
        seed: of labels, batches and noise, ≥ 0.
        batch_size: records in a batch, at most the number attacked.
        num_bins: b; the paper's attack has 10.
        decoys: further pictures of the same shape among which the matching attacker must find those of the batch.
        max_grad_norm: clipping norm; results do not depend on it.

    Raises:
        InvalidValue: if an argument breaks its rule or no picture has at least 10 % non-zero pixels.
    """

    def __init__(
        self,
        records: NDArray[Any],
        seed: int,
        *,
        batch_size: int,
        num_bins: int = NUM_BINS,
        decoys: NDArray[Any] | None = None,
        max_grad_norm: float = 1.0,
    ) -> None:
        self._kind = _picture_kind(records)
        self._seed, self._max_grad_norm = whole(0, seed=seed), max_grad_norm
        self.records = records
        #: (n,) False for the pictures left out.
        self.attacked = worth_attacking(records)
        self._index = np.flatnonzero(self.attacked)
        if whole(batch_size=batch_size) > len(self._index):
            raise InvalidValue(
                f"batch_size must be at most the {len(self._index)} attacked records, but is {batch_size}."
            )
        self._batch_size = batch_size
        self._inputs = to_model_input(records[self.attacked]).reshape(len(self._index), -1)  # (m, d)
        self._thresholds = brightness_thresholds(num_bins)
        self._directions = candidate_directions(self._inputs)
        others = self._directions[:0] if decoys is None else _directions_of(decoys)
        self._candidates = np.concatenate([self._directions, others])
        draws = np.random.default_rng(self._seed)
        self._signs = draws.integers(0, 2, size=len(self._index)) * 2 - 1
        self._order = draws.permutation(len(self._index))

    @property
    def candidates(self) -> int:
        """Number of pictures among which those of a batch are to be named."""
        return len(self._candidates)

    def scores(self, *, noise_multiplier: float, looks: int, denoiser: str = "none") -> AttackScores:
        """Returns how well the attack does on every record.

        `matched` says whether a record is among the `batch_size` candidates named for its batch.

        Args:
            noise_multiplier: noise standard deviation / clipping norm; 0 = no DP.
            looks: gradients of the same batch under the same weights that are averaged, ≥ 1.
            denoiser: one of `denoise.DENOISERS`.

        Raises:
            InvalidValue: if an argument breaks its rule.
        """
        return self.rebuild_and_score(noise_multiplier=noise_multiplier, looks=looks, denoiser=denoiser)[1]

    def rebuild_and_score(
        self, *, noise_multiplier: float, looks: int, denoiser: str = "none"
    ) -> tuple[NDArray[np.uint8], AttackScores]:
        """Returns uint8 (m, side, side, channels), of each attacked record what resembles it most, and `scores`."""
        check_denoiser(denoiser)
        rebuilt, matched = self._attack(noise_multiplier=noise_multiplier, looks=looks)
        rebuilt = denoise(rebuilt, denoiser)
        measures = np.full((len(self.attacked), 3), np.nan)
        measures[self._index] = [measure(self.records[i], r) for i, r in zip(self._index, rebuilt, strict=True)]
        named = np.zeros(len(self.attacked), dtype=bool)
        named[self._index] = matched
        scores = AttackScores(
            noise_multiplier=float(noise_multiplier),
            looks=int(looks),
            attacked=self.attacked.copy(),
            error=measures[:, 0].copy(),
            psnr=measures[:, 1].copy(),
            correlation=measures[:, 2].copy(),
            matched=named,
            candidates=self.candidates,
            clip_share=1.0,
        )
        return rebuilt.astype(np.uint8, copy=False), scores

    def _attack(self, *, noise_multiplier: float, looks: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        noise_std = averaged_noise_std(
            noise_multiplier=non_negative(noise_multiplier=noise_multiplier),
            max_grad_norm=self._max_grad_norm,
            looks=whole(looks=looks),
        )
        flat = np.empty_like(self._inputs)
        matched = np.zeros(len(self._inputs), dtype=bool)
        for number, batch in enumerate(self._batches()):
            rows = self._noisy_bins(batch, noise_std, number)
            matched[batch] = np.isin(batch, self._named(rows))
            flat[batch] = self._best(self._rebuilt(rows, noise_std), batch)
        return from_flat(flat, self._kind), matched

    def _batches(self) -> list[NDArray[np.int64]]:
        size = self._batch_size
        filled = np.concatenate([self._order, self._order[: -len(self._order) % size]])
        return list(filled.reshape(-1, size))

    def noiseless_bins(self, batch: NDArray[np.int64]) -> NDArray[np.float32]:
        """Returns (b, d + 1): the sum of the clipped gradients of those attacked records in the planted layer."""
        is_open = self._inputs[batch].mean(axis=1)[:, None] > self._thresholds  # (B, b)
        lengths = self._signs[batch] * self._max_grad_norm / np.sqrt(np.maximum(is_open.sum(axis=1), 1))
        shares = (is_open * lengths[:, None]).astype(np.float32)
        bins: NDArray[np.float32] = shares.T @ self._directions[batch]
        return bins

    def _noisy_bins(self, batch: NDArray[np.int64], noise_std: float, number: int) -> NDArray[np.float32]:
        bins = self.noiseless_bins(batch)
        draws = np.random.default_rng((self._seed, number)).standard_normal(bins.shape, dtype=np.float32)
        noisy: NDArray[np.float32] = bins + np.float32(noise_std) * draws
        return noisy

    def _rebuilt(self, rows: NDArray[np.float32], noise_std: float) -> NDArray[np.float32]:
        """(b, d) one reconstruction from each difference of neighbouring bins; the brightest bin stands alone."""
        differences = rows.copy()
        differences[:-1] -= rows[1:]
        rebuilt = np.empty((len(rows), rows.shape[1] - 1), dtype=np.float32)
        for i, difference in enumerate(differences):
            is_last = i == len(rows) - 1
            rebuilt[i] = invert(
                difference[None],
                noise_std=noise_std * (1 if is_last else math.sqrt(2)),
                max_grad_norm=self._max_grad_norm / math.sqrt(i + 1),  # A record between these opens i + 1 bins.
                kind=self._kind,
                pixel_offset=0.0,
            )[0]
        return rebuilt

    def _best(self, rebuilt: NDArray[np.float32], batch: NDArray[np.int64]) -> NDArray[np.float32]:
        """(B, d): for each record the reconstruction of highest correlation with it."""
        likeness = _standardised(self._inputs[batch]) @ _standardised(rebuilt).T  # (B, b)
        best: NDArray[np.float32] = rebuilt[likeness.argmax(axis=1)]
        return best

    def _named(self, rows: NDArray[np.float32]) -> NDArray[np.int64]:
        """The candidates named by the matching attacker: those along which a bin, or a difference, points furthest."""
        differences = (rows[:-1] - rows[1:]) / np.float32(math.sqrt(2))
        found = np.abs(np.concatenate([rows, differences]) @ self._candidates.T).max(axis=0)  # (M,)
        return np.argsort(-found, kind="stable")[: self._batch_size]


def _picture_kind(records: NDArray[Any]) -> RecordKind:
    kind = kind_of(records)
    if not kind.is_picture:
        raise InvalidValue("records must be pictures for an attack on batches, but are rows of a table.")
    return kind


def _directions_of(pictures: NDArray[Any]) -> NDArray[np.float32]:
    inputs = to_model_input(pictures)
    return candidate_directions(inputs.reshape(len(inputs), -1))


def _standardised(flat: NDArray[np.float32]) -> NDArray[np.float32]:
    centred = flat - flat.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = centred / np.maximum(lengths, np.float32(1e-12))
    return scaled
