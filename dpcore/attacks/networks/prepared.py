"""The imprint attack on a real network: every gradient is that of the whole model, taken by autograd."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dpcore._validate import non_negative, whole
from dpcore.attacks._records import kind_of
from dpcore.attacks.evaluate import ImprintAttack
from dpcore.attacks.networks.imprint import ImprintModel, clipped_imprint_gradient, combine_bins
from dpcore.attacks.planted import Planted
from dpcore.attacks.scores import AttackScores
from dpcore.models import build_model


class PreparedAttack(ImprintAttack):
    """`ImprintAttack` with every record's gradient taken from the whole model, for a batch of one, by autograd.

    Args:
        records: as `ImprintAttack`.
        seed: of the network's weights, of the labels and of the noise, ≥ 0.
        model: architecture behind the imprint layers (`dpcore.models`); by default small_cnn or mlp.
        max_grad_norm: as `ImprintAttack`.
        pixel_offset: as `ImprintAttack`.

    Raises:
        InvalidValue: if an argument breaks its rule or no picture has at least 10 % non-zero pixels.
    """

    def __init__(
        self,
        records: NDArray[Any],
        seed: int,
        *,
        model: str | None = None,
        max_grad_norm: float = 1.0,
        pixel_offset: float = 0.0,
    ) -> None:
        self._model = model or kind_of(records).model
        super().__init__(records, seed, max_grad_norm=max_grad_norm, pixel_offset=pixel_offset)

    def _plant(self, inputs: NDArray[np.float32], pixel_offset: float) -> Planted:
        network = build_model(self._model, self._kind.record_shape, seed=self._seed)
        imprint = ImprintModel(
            network, record_shape=self._kind.record_shape, pixel_offset=pixel_offset, seed=self._seed
        )
        labels = np.random.default_rng(self._seed).integers(0, 2, size=len(inputs))
        combined = np.empty((len(inputs), inputs[0].size + 1), dtype=np.float32)
        shares = []
        for row, (record, label) in enumerate(zip(torch.from_numpy(inputs), labels, strict=True)):
            gradient = clipped_imprint_gradient(imprint, record, int(label), max_grad_norm=self._max_grad_norm)
            combined[row] = combine_bins(gradient.weights, gradient.biases)
            shares.append(gradient.clip_share)
        return Planted(gradients=combined, pixel_offset=pixel_offset, clip_share=min(shares))


def attack_records(records: NDArray[Any], *, noise_multiplier: float, looks: int, seed: int) -> AttackScores:
    """Returns the success of the imprint attack on records at one noise multiplier and number of looks.

    For several settings make one `PreparedAttack` and call its `scores`.

    Args:
        records: as `ImprintAttack`.
        noise_multiplier: noise standard deviation / clipping norm, ≥ 0; 0 = no DP.
        looks: number of averaged noisy gradients of the same record, ≥ 1.
        seed: the same seed gives the same scores.

    Raises:
        InvalidValue: if an argument breaks its rule or no picture has at least 10 % non-zero pixels.
    """
    # Cheap checks before the gradients, which take seconds.
    non_negative(noise_multiplier=noise_multiplier)
    whole(looks=looks)
    return PreparedAttack(records, seed).scores(noise_multiplier=noise_multiplier, looks=looks)
