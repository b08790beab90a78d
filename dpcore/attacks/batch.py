"""The imprint attack on a batch: bins with brightness thresholds tell apart records whose gradients were added up.

After Fowl et al. (2022, "Robbing the Fed", section 4). Shapes: n records of d values, B of them in a batch, N bins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from dpcore._validate import positive, whole
from dpcore.attacks._attack import RecordAttack
from dpcore.attacks._records import from_flat, to_model_input
from dpcore.attacks.denoise import check_for_rows, cleaned
from dpcore.attacks.matching import candidate_directions
from dpcore.attacks.reading import invert_with_noise
from dpcore.attacks.similarity import relative_error, ssim_error
from dpcore.errors import InvalidValue

#: Mean and spread of the brightness (mean pixel, 0 … 1) of pictures, assumed before any is seen.
TYPICAL_BRIGHTNESS = (0.5, 0.15)
#: Reconstructions per record that are compared in full, after correlation picked them.
_SHORTLIST = 2
_CHUNK_VALUES = 8_000_000
_TINY = 1e-30


def brightness_thresholds(num_bins: int, *, mean: float, spread: float) -> NDArray[np.float64]:
    """Returns (N,) rising thresholds at the quantiles 0, 1/N, … of N(mean, spread²); the first, −∞, is always open."""
    return np.asarray(norm.ppf(np.arange(whole(num_bins=num_bins)) / num_bins, loc=mean, scale=spread))


def get_brightness_from_pictures(pictures: NDArray[np.uint8]) -> tuple[float, float]:
    """Returns mean and standard deviation of the brightness of pictures (n ≥ 2, side, side, channels), 0 … 1.

    What an attacker knows beforehand who has other pictures of the kind.
    """
    brightness = pictures.mean(axis=(1, 2, 3), dtype=np.float64) / 255
    return float(brightness.mean()), float(brightness.std(ddof=1))


class BatchAttack(RecordAttack):
    """The imprint attack when the clipped gradients of B records are added up before the noise.

    Bin i is open for records brighter than threshold i. The difference of two neighbouring bins holds just the records
    between their thresholds: one alone comes back, several are mixed. A record that opens k bins spreads its clipped
    gradient over them: ±C/√k · (x − offset, 1)/‖(x − offset, 1)‖ in each. Every coordinate of every bin gets
    N(0, σ²C²), and a difference twice that variance. `looks` are averaged gradients of the *same batch*. Gradients are
    in closed form (`networks.ImprintModel` with thresholds is the real network they are tested against).

    Records are cut into batches in their order, and each is attacked once; the last batch is filled up with the first
    records, which are scored only in their own. As in `ImprintAttack`, the attacker who must only match plants layers
    of their own, on pixels scaled to [−0.5, 0.5].

    Args:
        records: as `ImprintAttack`, at least batch_size of them worth attacking: copies would help one another.
        seed: of the labels and of the noise, ≥ 0.
        batch_size: B ≥ 1.
        num_bins: N ≥ 1; 10 is the paper's.
        max_grad_norm: clipping norm; results do not depend on it.
        pixel_offset: subtracted before the rebuilding attacker's layers.
        typical_brightness: mean and spread (> 0) of a record's mean value, known beforehand, never taken from
            `records`; by default TYPICAL_BRIGHTNESS for pictures, (0, 1/√d) for rows.

    Raises:
        InvalidValue: if an argument breaks its rule.
    """

    def __init__(
        self,
        records: NDArray[Any],
        seed: int,
        *,
        batch_size: int,
        num_bins: int,
        max_grad_norm: float = 1.0,
        pixel_offset: float = 0.0,
        typical_brightness: tuple[float, float] | None = None,
    ) -> None:
        super().__init__(records, seed, max_grad_norm=max_grad_norm, pixel_offset=pixel_offset)
        self.batch_size, self.num_bins = whole(batch_size=batch_size), whole(num_bins=num_bins)
        if self.batch_size > self.candidates:
            raise InvalidValue(
                f"batch_size must be at most {self.candidates}, the attacked records, but is {batch_size}."
            )
        flat = to_model_input(records[self.attacked]).reshape(self.candidates, -1)
        mean, spread = typical_brightness or self._usual_brightness(flat.shape[1])
        thresholds = brightness_thresholds(num_bins, mean=mean, spread=positive(spread=spread))
        #: (m,) number of bins each record opens, ≥ 1.
        self.opened = np.searchsorted(thresholds, flat.mean(axis=1, dtype=np.float64), side="left")
        self._signs = 1.0 - 2.0 * np.random.default_rng(self._seed).integers(0, 2, size=self.candidates)
        self._rebuilding = candidate_directions(flat, pixel_offset=self._offset)
        same = self._offset == self._kind.mean
        self._matching = self._rebuilding if same else candidate_directions(flat, pixel_offset=self._kind.mean)

    def _usual_brightness(self, values: int) -> tuple[float, float]:
        return TYPICAL_BRIGHTNESS if self._kind.is_picture else (self._kind.mean, self._kind.spread / values**0.5)

    def reconstruct(
        self, *, noise_multiplier: float, looks: int, index: Sequence[int] | None = None, denoiser: str = "none"
    ) -> NDArray[Any]:
        """Returns for each attacked record, or those in `index`, the reconstruction from its batch of smallest error.

        A denoiser cleans the reconstruction after it was chosen. Arguments and errors as `ImprintAttack.reconstruct`.
        """
        check_for_rows(denoiser, self._kind)
        noise_std = self._noise_std(noise_multiplier, looks)
        wanted = self._rows(index)
        rebuilt = np.empty((len(wanted), *self.records.shape[1:]), dtype=self.records.dtype)
        remaining = np.empty(len(wanted))
        for batch in np.unique(wanted // self.batch_size):
            own = np.flatnonzero(wanted // self.batch_size == batch)
            shortlist = self._shortlist(int(batch), wanted[own], noise_std)  # (len(own), ≤ 2)
            bins, places = np.unique(shortlist, return_inverse=True)
            pictures, noise = self._inverted(int(batch), bins, noise_std)
            for row, tried in zip(own, places.reshape(shortlist.shape), strict=True):
                best = tried[self._closest(int(wanted[row]), pictures[tried])]
                rebuilt[row], remaining[row] = pictures[best], noise[best]
        return cleaned(rebuilt, denoiser, remaining)

    def matched(self, *, noise_multiplier: float, looks: int) -> NDArray[np.bool_]:
        """Returns (m,): is the record among the B that the attacker names for its batch? By chance B / M are.

        A candidate's score is its largest |⟨row, direction⟩| over bins and differences, each divided by its noise.
        """
        noise_std = self._noise_std(noise_multiplier, looks)
        right = np.zeros(self.candidates, dtype=bool)
        for batch in range(-(-self.candidates // self.batch_size)):
            differences = self._products(batch, self._matching, self._matching, noise_std)
            bins = np.cumsum(differences[::-1], axis=0)[::-1]  # bin i is the sum of all differences from i on
            scale = self._noise_scale(np.arange(self.num_bins))[:, None]
            score = np.maximum(np.abs(differences / scale).max(axis=0), np.abs(bins).max(axis=0))
            named = np.argsort(-score, kind="stable")[: self.batch_size]
            own = named[named // self.batch_size == batch]
            right[own] = True
        return right

    def _noise_scale(self, bins: NDArray[np.int64]) -> NDArray[np.float64]:
        """Noise of a difference over that of a bin; nothing is subtracted from the last one."""
        return np.where(bins < self.num_bins - 1, np.sqrt(2.0), 1.0)

    def _differences(
        self, batch: int, bins: NDArray[np.int64], directions: NDArray[np.float32], noise_std: float
    ) -> NDArray[np.float32]:
        """(len(bins), d + 1): noisy bin i less noisy bin i + 1, for rising bins."""
        rows = np.zeros((len(bins), directions.shape[1]), dtype=np.float32)
        members = np.arange(batch * self.batch_size, (batch + 1) * self.batch_size) % self.candidates
        for member in members[np.isin(self.opened[members] - 1, bins)]:
            weight = self._signs[member] * self._max_grad_norm / np.sqrt(self.opened[member])
            rows[np.searchsorted(bins, self.opened[member] - 1)] += np.float32(weight) * directions[member]
        for drawn in np.union1d(bins, bins + 1) if noise_std > 0 else ():
            if drawn < self.num_bins:
                rng = np.random.default_rng((self._seed, batch, int(drawn)))
                noise = np.float32(noise_std) * rng.standard_normal(rows.shape[1], dtype=np.float32)
                rows[bins == drawn] += noise
                rows[bins == drawn - 1] -= noise
        return rows

    @property
    def _chunk_size(self) -> int:
        return max(1, _CHUNK_VALUES // self._rebuilding.shape[1])

    def _products(
        self,
        batch: int,
        planted: NDArray[np.float32],
        wanted: NDArray[np.float32],
        noise_std: float,
        *,
        normalise: bool = False,
    ) -> NDArray[np.float32]:
        """(N, len(wanted)): every difference (if asked, over its spread) times every wanted vector (d + 1)."""
        products = np.empty((self.num_bins, len(wanted)), dtype=np.float32)
        for i in range(0, self.num_bins, self._chunk_size):
            bins = np.arange(i, min(i + self._chunk_size, self.num_bins))
            rows = self._differences(batch, bins, planted, noise_std)
            products[bins] = rows @ wanted.T
            if normalise:
                products[bins] /= np.maximum(rows[:, :-1].std(axis=1, keepdims=True), np.float32(_TINY))
        return products

    def _shortlist(self, batch: int, wanted: NDArray[np.int64], noise_std: float) -> NDArray[np.int64]:
        """(len(wanted), ≤ 2) bins whose difference correlates best with each wanted record, whatever the sign."""
        if self.num_bins <= _SHORTLIST:
            return np.broadcast_to(np.arange(self.num_bins), (len(wanted), self.num_bins))
        vectors = self._rebuilding[wanted]
        vectors[:, :-1] -= vectors[:, :-1].mean(axis=1, keepdims=True)
        vectors[:, -1] = 0
        likeness = np.abs(self._products(batch, self._rebuilding, vectors, noise_std, normalise=True))
        return np.argpartition(-likeness, _SHORTLIST - 1, axis=0)[:_SHORTLIST].T

    def _inverted(
        self, batch: int, bins: NDArray[np.int64], noise_std: float
    ) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """The differences of rising bins as records, and the noise of their values."""
        parts, size = [], self._chunk_size
        for some in (bins[i : i + size] for i in range(0, len(bins), size)):
            flat, remaining = invert_with_noise(
                self._differences(batch, some, self._rebuilding, noise_std),
                noise_std=noise_std * self._noise_scale(some),
                max_grad_norm=self._max_grad_norm / np.sqrt(some + 1.0),
                kind=self._kind,
                pixel_offset=self._offset,
            )
            parts.append((from_flat(flat, self._kind), remaining))
        return np.concatenate([p for p, _ in parts]), np.concatenate([r for _, r in parts])

    def _closest(self, row: int, rebuilt: NDArray[Any]) -> int:
        """Which of the reconstructions has the smallest error for a record."""
        error = ssim_error if self._kind.is_picture else relative_error
        return int(np.argmin([error(self.records[self._index[row]], r) for r in rebuilt]))
