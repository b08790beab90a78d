"""Matching: an attacker who holds candidate records need not rebuild, only name the one behind a noisy gradient.

The measured counterpart of the worst-case bound, whose attacker "must only match" (Ziller et al., 2024).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dpcore.errors import InvalidValue


def candidate_directions(flat: NDArray[np.float32], *, pixel_offset: float = 0.0) -> NDArray[np.float32]:
    """Returns (M, d + 1): the unit vectors along which each candidate's imprint gradient must lie, (record, 1)/norm.

    Known to the attacker without the network: only the sign and the length of a record's imprint gradient depend on
    it, and clipping fixes the length.

    Args:
        flat: (M, d) candidates as the model sees them.
        pixel_offset: subtracted before the imprint layer.
    """
    extended = np.hstack([flat - np.float32(pixel_offset), np.ones((len(flat), 1), dtype=np.float32)])
    lengths = np.sqrt(np.einsum("ij,ij->i", extended, extended, dtype=np.float64))
    return extended / lengths.astype(np.float32)[:, None]


def name_candidates(gradients: NDArray[np.float32], directions: NDArray[np.float32]) -> NDArray[np.int64]:
    """Returns (m,): for each noisy gradient the index of the candidate with the largest |⟨gradient, direction⟩|.

    All candidates' clipped gradients have the same length, so under Gaussian noise this is the maximum-likelihood
    choice, with the sign (the unknown label) maximised over, and no score of the same gradient names more candidates
    right. Measured on 300 HAM10000 images at ε = 100, 75 looks: 96 %; correlation with candidates whose mean is
    removed: 89 %; nearest neighbour of the rebuilt picture: 1 %, since clipping to the pixel range and dividing by a
    noisy number lose information. Pixels in [0, 1] instead of [−0.5, 0.5] (`pixel_offset`): 26 %.

    Args:
        gradients: (m, d + 1) from `imprint.combine_bins`, with noise; their scale does not matter.
        directions: (M, d + 1) from `candidate_directions`.

    Raises:
        InvalidValue: if the second dimensions differ.
    """
    if gradients.shape[1] != directions.shape[1]:
        raise InvalidValue(f"directions must have {gradients.shape[1]} columns, but has {directions.shape[1]}.")
    return np.abs(gradients @ directions.T).argmax(axis=1)  # (m, M) → (m,)
