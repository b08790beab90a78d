"""What the attacker reads off noisy imprint gradients. Shapes: d pixels or features of a record, m gradients."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dpcore.attacks._records import RecordKind

_TINY = 1e-30
#: One number for all gradients, or (m,).
Level = float | NDArray[np.float64]


def averaged_noise_std(*, noise_multiplier: float, max_grad_norm: float, looks: int) -> float:
    """Returns the noise standard deviation of a coordinate after averaging `looks` gradients of one record.

    Under the same weights a record's gradient is the same number at every look and only the noise is fresh, so the
    mean of k looks is *exactly* the gradient plus N(0, σ²C²/k). The server keeps the weights by not updating them.
    """
    return noise_multiplier * max_grad_norm / math.sqrt(looks)


def add_noise(
    gradients: NDArray[np.float32], *, noise_std: float, seed: int, index: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Returns the combined gradients (m, d + 1) plus N(0, noise_std²) on every coordinate.

    DP-SGD adds independent noise to every coordinate of the whole model's gradient; only those the attacker reads are
    drawn, since the others tell nothing about these. Each record has its own stream, set by (seed, index): the same
    standard normal draws serve every noise_std, so a curve over ε or looks is not jagged by fresh draws.
    """
    noisy = np.empty_like(gradients)
    for row, (gradient, record) in enumerate(zip(gradients, index, strict=True)):
        draws = np.random.default_rng((seed, int(record))).standard_normal(gradient.size, dtype=np.float32)
        noisy[row] = gradient + np.float32(noise_std) * draws
    return noisy


def invert(
    gradients: NDArray[np.float32], *, noise_std: Level, max_grad_norm: Level, kind: RecordKind, pixel_offset: float
) -> NDArray[np.float32]:
    """Returns the records alone of `invert_with_noise`."""
    return invert_with_noise(
        gradients, noise_std=noise_std, max_grad_norm=max_grad_norm, kind=kind, pixel_offset=pixel_offset
    )[0]


def invert_with_noise(
    gradients: NDArray[np.float32], *, noise_std: Level, max_grad_norm: Level, kind: RecordKind, pixel_offset: float
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Returns (m, d) rebuilt records, ∇_W L ⊘ ∂L/∂b, clipped to the range of their kind, and (m,) their noise.

    The noise is the standard deviation of a value before it is clipped to that range. noise_std and max_grad_norm may
    be one for all gradients or (m,).

    The denominator is one noisy number. What is known beforehand steadies it: almost the whole clipped gradient is
    (record, 1) scaled to norm C, and records of a kind have a typical length. Both estimates are averaged by inverse
    variance; without noise the bias gradient alone counts. A denominator below its own uncertainty is replaced by
    that uncertainty, so that noise never divides by nearly 0. The sign (it depends on the unknown label) is the one
    under which the gradient resembles a typical record.
    """
    d = gradients.shape[1] - 1
    mean = kind.mean - pixel_offset
    typical = max_grad_norm / np.sqrt(d * (mean**2 + kind.spread**2) + 1)
    signs = np.where(gradients[:, :-1].sum(axis=1) * mean + gradients[:, -1] < 0, -1.0, 1.0)
    denominators, uncertainty = _steadied(
        gradients[:, -1].astype(np.float64) * signs, noise_std=noise_std, typical=typical
    )
    lengths = np.maximum(denominators, np.maximum(uncertainty, _TINY))
    scale = signs / lengths
    flat = gradients[:, :-1] * scale.astype(np.float32)[:, None] + np.float32(pixel_offset)
    return np.clip(flat, kind.low, kind.high), noise_std / lengths


def _steadied(measured: NDArray[np.float64], *, noise_std: Level, typical: Level) -> tuple[NDArray[np.float64], Level]:
    """The measured denominators averaged with the typical one (± 50 %) by inverse variance, and the result's std."""
    spread = typical / 2
    total = noise_std**2 + spread**2
    return (measured * spread**2 + typical * noise_std**2) / total, noise_std * spread / np.sqrt(total)
