"""Attacks records and scores what came back. Gradients are computed once; each (σ, looks) then costs a second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dpcore.attacks._attack import RecordAttack
from dpcore.attacks._records import from_flat, to_model_input
from dpcore.attacks.denoise import check_for_rows, cleaned
from dpcore.attacks.matching import candidate_directions, name_candidates
from dpcore.attacks.planted import Planted, closed_form
from dpcore.attacks.reading import add_noise, invert_with_noise


class ImprintAttack(RecordAttack):
    """The imprint attack on a set of records, with the noiseless clipped gradients computed once.

    The gradient of a batch of one is taken in closed form (`planted.closed_form`), with no network and no torch;
    `networks.PreparedAttack` takes it from a real network instead. Results depend on the arguments only, and not on
    the order of calls.

    Two attackers, each with the layers that serve it: the one who *rebuilds* plants the published layers on pixels in
    [0, 1]; the one who must only *match* plants them on pixels scaled to [−0.5, 0.5], which tells pictures apart under
    about 3 times the noise, for no published attack sets a standard there. For rows of a table both are the same.

    Args:
        records: uint8 (n, side, side, 1 or 3) with a side of 16 … 256, or finite float32 (n, features).
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
        super().__init__(records, seed, max_grad_norm=max_grad_norm, pixel_offset=pixel_offset)
        inputs = to_model_input(records[self.attacked])
        matching_offset = self._kind.mean
        self._rebuilding = self._plant(inputs, self._offset)
        self._matching = self._rebuilding if self._offset == matching_offset else self._plant(inputs, matching_offset)
        self._directions = candidate_directions(inputs.reshape(len(inputs), -1), pixel_offset=matching_offset)
        self.clip_share = min(self._rebuilding.clip_share, self._matching.clip_share)

    def _plant(self, inputs: NDArray[np.float32], pixel_offset: float) -> Planted:
        return closed_form(inputs, max_grad_norm=self._max_grad_norm, pixel_offset=pixel_offset, seed=self._seed)

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

    def reconstruct(
        self, *, noise_multiplier: float, looks: int, index: Sequence[int] | None = None, denoiser: str = "none"
    ) -> NDArray[Any]:
        """Returns rebuilt records, uint8 or float32, shaped like those attacked.

        Args:
            noise_multiplier: as `noisy_gradients`.
            looks: as `noisy_gradients`.
            index: as `noisy_gradients`.
            denoiser: one of `DENOISERS`, told how strong the noise of each picture is; rows take "none" only.

        Raises:
            InvalidValue: if an argument breaks its rule or a record was left out.
        """
        check_for_rows(denoiser, self._kind)
        noise_std = self._noise_std(noise_multiplier, looks)
        flat, remaining = invert_with_noise(
            self._noisy(self._rebuilding, noise_std, self._rows(index)),
            noise_std=noise_std,
            max_grad_norm=self._max_grad_norm,
            kind=self._kind,
            pixel_offset=self._rebuilding.pixel_offset,
        )
        return cleaned(from_flat(flat, self._kind), denoiser, remaining)

    def matched(self, *, noise_multiplier: float, looks: int) -> NDArray[np.bool_]:
        """Returns (m,) for the attacked records: named rightly among them by the attacker who must only match?"""
        noise_std = self._noise_std(noise_multiplier, looks)
        noisy = self._noisy(self._matching, noise_std, self._rows(None))
        right: NDArray[np.bool_] = name_candidates(noisy, self._directions) == np.arange(self.candidates)
        return right

    def _noisy(self, planted: Planted, noise_std: float, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return add_noise(planted.gradients[rows], noise_std=noise_std, seed=self._seed, index=self._index[rows])
