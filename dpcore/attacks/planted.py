"""Noiseless clipped gradients of planted imprint layers, without a network: the record alone sets them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dpcore.attacks.matching import candidate_directions


@dataclass(frozen=True, kw_only=True)
class Planted:
    """What one choice of imprint layers gets from every attacked record (m), before noise."""

    #: (m, d + 1), bins combined.
    gradients: NDArray[np.float32]
    pixel_offset: float
    clip_share: float


def closed_form(inputs: NDArray[np.float32], *, max_grad_norm: float, pixel_offset: float, seed: int) -> Planted:
    """Returns the clipped gradients ±C · (x − offset, 1) / ‖(x − offset, 1)‖ of a batch of one, bins combined.

    The gradient of bin i is ∂L/∂b_i · (x − offset, 1), the same for all bins, and it outgrows that of the network by
    so much that clipping to norm C acts on it alone: a share of the squared norm ≈ 1 (`AttackScores.clip_share`, here
    1 by construction). Agrees with autograd (`networks.PreparedAttack`) within 0.1 %; only the sign,
    which there depends on label and network, is drawn here, as a fair coin.

    Args:
        inputs: (m, *record_shape) as the model sees them.
        max_grad_norm: clipping norm C, L2.
        pixel_offset: subtracted before the imprint layers.
        seed: of the signs.
    """
    directions = candidate_directions(inputs.reshape(len(inputs), -1), pixel_offset=pixel_offset)
    signs = 1 - 2 * np.random.default_rng(seed).integers(0, 2, size=len(inputs))
    gradients = directions * (np.float32(max_grad_norm) * signs.astype(np.float32))[:, None]
    return Planted(gradients=gradients, pixel_offset=pixel_offset, clip_share=1.0)
