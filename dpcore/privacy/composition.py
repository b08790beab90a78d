"""Composition of the per-step log-likelihood ratios of many steps on a lattice, by FFT.

Each step's L is put on a lattice of spacing h by six-point Lagrange weights. They keep its first five moments exactly,
so that h need not resolve one step, only the sum of all. The lattice is aligned with the lowest value of L, where
almost all mass gathers as σ → 0. Instead of P or Q any tilted measure e^{order·L}·P can be composed: the numerical noise
is relative to the measure's bulk, so a tail is computed under a measure whose bulk it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from dpcore.privacy.likelihood import StepLikelihood

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
Steps = tuple[tuple[StepLikelihood, int], ...]

#: Mass outside the window, on either side.
TAIL = 1e-14
#: Spectrum below which the lattice resolves the density of the sum.
RESOLVED = 1e-11
#: Most lattice points.
MAX_SIZE = 2**17
#: Lattice points beyond the window, so that interpolation weights do not wrap around.
_PADDING = 8


@dataclass(frozen=True, kw_only=True)
class TiltedSteps:
    """T steps under the measure e^{order·L}·P, normalised: order 0 is P (absent), order 1 is Q (present)."""

    steps: Steps
    order: float
    #: log of the mass before normalisation, of all steps.
    log_mass: float
    #: Where all but 2·TAIL of the mass lies, in nats.
    window: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class LatticeLoss:
    """The composed L on a lattice, both rising: points (size,) and masses (size,), which sum to 1."""

    tilted: TiltedSteps
    spacing: float
    points: FloatArray
    masses: FloatArray
    #: Whether the masses sample a smooth density, or must be read as point masses.
    smooth: bool


def tilt(steps: Steps, order: float) -> TiltedSteps:
    """Returns the steps under e^{order·L}·P with the window from Chernoff's bound on both tails."""
    parts = []
    log_mass = centre = variance = 0.0
    for step, count in steps:
        ratio, weight, log_step = _normalised_nodes(step, min(0.1, step.smooth_spacing), order)
        mean = float(weight @ ratio)
        variance += count * float(weight @ (ratio - mean) ** 2)
        centre += count * mean
        log_mass += count * log_step
        parts.append((ratio - mean, weight, count))
    orders = np.geomspace(0.02, 30.0, 32) / math.sqrt(max(variance, 1e-300))
    below, above = (float(((_cumulant(parts, s * orders) - math.log(TAIL)) / orders).min()) for s in (-1.0, 1.0))
    return TiltedSteps(steps=steps, order=order, log_mass=log_mass, window=(centre - below, centre + above))


def log_moments(steps: Steps, orders: FloatArray) -> FloatArray:
    """Returns log E_P[e^{order·L}] of all steps for orders of one sign, same shape."""
    extreme = float(orders[np.argmax(np.abs(orders))])
    total = np.zeros(len(orders))
    for step, count in steps:
        ratio, log_weight = step.nodes(step.smooth_spacing, extreme)
        exponent = orders[:, None] * ratio + (log_weight - extreme * ratio)
        peak = exponent.max(axis=1)
        total += count * (peak + np.log(np.exp(exponent - peak[:, None]).sum(axis=1)))
    return total


def _normalised_nodes(step: StepLikelihood, spacing: float, order: float) -> tuple[FloatArray, FloatArray, float]:
    ratio, log_weight = step.nodes(spacing, order)
    peak = float(log_weight.max())
    weight = np.exp(log_weight - peak)
    total = float(weight.sum())
    return ratio, weight / total, peak + math.log(total)


def _cumulant(parts: list[tuple[FloatArray, FloatArray, int]], orders: FloatArray) -> FloatArray:
    """log E exp(order·L) of the sum, same shape as `orders`."""
    total = np.zeros(len(orders))
    for ratio, weight, count in parts:
        exponent = orders[:, None] * ratio
        peak = exponent.max(axis=1)
        total += count * (peak + np.log(np.exp(exponent - peak[:, None]) @ weight))
    return total


def compose(tilted: TiltedSteps, size: int) -> LatticeLoss:
    """Returns the composed L on a lattice of `size` points that covers the window."""
    lower, upper = tilted.window
    spacing = (upper - lower) / (size - 2 * _PADDING)
    base = sum(step.lowest * count for step, count in tilted.steps)
    log_spectrum = np.zeros(size // 2 + 1, dtype=complex)
    for step, count in tilted.steps:
        log_spectrum += count * _log_spectrum(step, spacing, size, tilted.order)
    spectrum = np.exp(log_spectrum)
    first = math.floor((lower - base) / spacing) - _PADDING
    masses = np.roll(fft.irfft(spectrum, size), -(first % size))
    return LatticeLoss(
        tilted=tilted,
        spacing=spacing,
        points=base + spacing * (first + np.arange(size)),
        masses=masses,
        smooth=bool(np.abs(spectrum[-size // 16 :]).max() < RESOLVED),
    )


def compose_adaptively(
    tilted: TiltedSteps, *, start_size: int, fine_enough: Callable[[LatticeLoss], bool]
) -> tuple[LatticeLoss, LatticeLoss]:
    """Returns the composed L on a lattice that is fine enough (or the largest), and on one twice as coarse."""
    size = start_size
    loss = compose(tilted, size)
    while size < MAX_SIZE and not fine_enough(loss):
        size *= 4
        loss = compose(tilted, size)
    return loss, compose(tilted, size // 2)


def _log_spectrum(step: StepLikelihood, spacing: float, size: int, order: float) -> ComplexArray:
    """log of one step's transform, relative to its lowest value; by log1p, since of many steps one does little."""
    fine = min(step.smooth_spacing, spacing / (3 * step.mu))
    ratio, weight, _ = _normalised_nodes(step, fine, order)
    keep = weight > 1e-30
    ratio, weight = ratio[keep], weight[keep]
    position = (ratio - step.lowest) / spacing
    cell = np.floor(position)
    index = cell.astype(np.int64)
    mass = np.zeros(size)
    for offset, share in zip(range(-2, 4), _lagrange_weights(position - cell), strict=True):
        mass += np.bincount((index + offset) % size, weights=share * weight, minlength=size)
    mass[0] -= 1.0
    excess = fft.rfft(mass)
    vanishing = np.abs(1.0 + excess) < 1e-12
    return np.log1p(np.where(vanishing, -1.0 + 1e-12, excess))


def _lagrange_weights(theta: FloatArray) -> list[FloatArray]:
    """Weights of the lattice points −2 … 3 for a mass at 0 ≤ θ < 1; no frequency is amplified by them."""
    a, b, c, d, e, f = (theta - k for k in range(-2, 4))
    ab, cd, ef = a * b, c * d, e * f
    return [
        b * cd * ef / -120,
        a * cd * ef / 24,
        ab * d * ef / -12,
        ab * c * ef / 12,
        ab * cd * f / -24,
        ab * cd * e / 120,
    ]
