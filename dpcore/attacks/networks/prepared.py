"""The imprint attack with gradients of the whole model, taken by autograd."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dpcore._validate import non_negative, whole
from dpcore.attacks._records import kind_of
from dpcore.attacks.evaluate import AttackScores, ImprintAttack, Planted
from dpcore.attacks.networks.imprint import ImprintModel, clipped_imprint_gradient
from dpcore.attacks.reading import combine_bins
from dpcore.models import build_model


class PreparedAttack(ImprintAttack):
    """The imprint attack on a set of records, with the noiseless clipped gradients computed once.

    Every record's gradient is that of the whole model (imprint layers and network), taken by autograd for a batch of
    one: nothing is assumed about how much of it the clipping leaves to the planted layer.

    Args:
        records: as for `ImprintAttack`.
        seed: of the network's weights too.
        model: architecture behind the imprint layers (`dpcore.models`); by default small_cnn or mlp.
        max_grad_norm: as for `ImprintAttack`.
        pixel_offset: as for `ImprintAttack`.

    Raises:
        InvalidValue: as `ImprintAttack`, and for an unknown model.
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
        shape = self._kind.record_shape
        network = build_model(self._model, shape, seed=self._seed)
        imprint = ImprintModel(network, record_shape=shape, pixel_offset=pixel_offset, seed=self._seed)
        combined = np.empty((len(inputs), inputs[0].size + 1), dtype=np.float32)
        shares = []
        labels = self._labels(len(inputs))
        for row, (record, label) in enumerate(zip(torch.from_numpy(inputs), labels, strict=True)):
            gradient = clipped_imprint_gradient(imprint, record, int(label), max_grad_norm=self._max_grad_norm)
            combined[row] = combine_bins(gradient.weights.numpy(), gradient.biases.numpy())
            shares.append(gradient.clip_share)
        return Planted(gradients=combined, pixel_offset=pixel_offset, clip_share=min(shares))


def attack_records(records: NDArray[Any], *, noise_multiplier: float, looks: int, seed: int) -> AttackScores:
    """Returns the success of the imprint attack on records at one noise multiplier and number of looks.

    For several settings make one `PreparedAttack` and call its `scores`.

    Args:
        records: as for `ImprintAttack`.
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
