"""Composition of the per-step log-likelihood ratios of many steps, by the discrete Fourier transform.

Where the sum's density is smooth, few frequencies matter: the characteristic function of one step is then integrated
directly, which is exact to the last digits. Elsewhere each step's L is put on a lattice by six-point Lagrange weights,
which keep its first five moments, and transformed by FFT; the lattice is aligned with the lowest value of L, where
almost all mass gathers as σ → 0. Instead of P or Q any tilted measure e^{order·L}·P can be composed: numerical noise is
relative to the measure's bulk, so a tail is computed under a measure whose bulk it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from dpcore.privacy.likelihood import REACH, StepLikelihood

FloatArray = NDArray[np.floating]
ComplexArray = NDArray[np.complex128]
Steps = tuple[tuple[StepLikelihood, int], ...]

#: Mass outside the window, on either side.
TAIL = 1e-14
#: Most nodes of the integral over one step.
MAX_NODES = 2**15
#: Room beyond the window on either side, relative to its width.
_SLACK = 0.01
#: Numbers of frequencies that are integrated directly, if the last of them have vanished; the most evaluations of the
#: integrand that this may take.
_DIRECT, _LAST = (160, 320, 640, 1280), 20
_VANISHED = 1e-18
_MOST_EVALUATIONS = 1_500_000
#: Equally spaced frequencies that share one computed sine.
_FINE = 32
#: Mass of a single node that is left out, relative to TAIL.
_NEGLIGIBLE = 1e-6


@dataclass(frozen=True, kw_only=True)
class TiltedSteps:
    """T steps under the measure e^{order·L}·P, normalised: order 0 is P (absent), order 1 is Q (present)."""

    steps: Steps
    order: float
    #: log of the mass before normalisation, of all steps.
    log_mass: float
    #: The mean of L, of all steps.
    centre: float
    #: All but 2·TAIL of the mass lies in [lower, lower + period), in nats.
    lower: float
    period: float

    @cached_property
    def low_spectrum(self) -> ComplexArray | None:
        """The characteristic function of L − centre at the frequencies 2πk/period; None if it does not vanish soon."""
        for count in _DIRECT:
            frequencies = 2 * math.pi / self.period * np.arange(count)
            spacings = [_direct_spacing(step, frequencies[-1], self.order) for step, _ in self.steps]
            nodes = sum(
                step.extent(self.order) / spacing for (step, _), spacing in zip(self.steps, spacings, strict=True)
            )
            if nodes * count > _MOST_EVALUATIONS:
                return None
            if np.abs(self._characteristic_function(frequencies[-_LAST:], spacings)).max() < _VANISHED:
                return self._characteristic_function(frequencies, spacings)
        return None

    def _characteristic_function(self, frequencies: FloatArray, spacings: list[float]) -> ComplexArray:
        total = np.zeros(len(frequencies), dtype=complex)
        for (step, count), spacing in zip(self.steps, spacings, strict=True):
            total += count * _direct_log_spectrum(step, frequencies, spacing, self.order)
        return np.exp(total)


@dataclass(frozen=True, kw_only=True)
class LatticeLoss:
    """The composed L on a lattice, rising: points and masses, each (size,)."""

    tilted: TiltedSteps
    spacing: float
    points: FloatArray
    #: They sample a density, times spacing, or are signed point masses.
    masses: FloatArray
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
        keep = weight > 0
        parts.append((ratio[keep] - mean, np.log(weight[keep]), count))
    deviation = math.sqrt(max(variance, 1e-300))
    orders = np.geomspace(min(0.02 / deviation, 0.02), 30.0 / deviation, 48)
    below, above = (float(((_cumulant(parts, s * orders) - math.log(TAIL)) / orders).min()) for s in (-1.0, 1.0))
    slack = _SLACK * (below + above)
    return TiltedSteps(
        steps=steps,
        order=order,
        log_mass=log_mass,
        centre=centre,
        lower=centre - below - slack,
        period=below + above + 2 * slack,
    )


def log_moments(steps: Steps, orders: FloatArray) -> FloatArray:
    """Returns log E_P[e^{order·L}] of all steps for orders of one sign, same shape."""
    extreme = float(orders[np.argmax(np.abs(orders))])
    total = np.zeros(len(orders))
    for step, count in steps:
        ratio, log_weight = step.nodes(step.smooth_spacing, extreme)
        total += count * _log_sum_exp(orders[:, None] * ratio + (log_weight - extreme * ratio))
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
    for ratio, log_weight, count in parts:
        total += count * _log_sum_exp(orders[:, None] * ratio + log_weight)
    return total


def _log_sum_exp(exponent: FloatArray) -> FloatArray:
    peak = exponent.max(axis=1)
    return peak + np.log(np.exp(exponent - peak[:, None]).sum(axis=1))


def compose(tilted: TiltedSteps, size: int) -> list[LatticeLoss]:
    """Returns the composed L on a lattice of `size` points, a power of 2, that covers the window.

    As a smooth density; and unless it is known to be one, also as point masses.
    """
    if tilted.low_spectrum is not None:
        spectrum = np.zeros(size // 2 + 1, dtype=complex)
        known = tilted.low_spectrum[: size // 2]
        spectrum[: len(known)] = known
        return [_invert(tilted, spectrum, base=tilted.centre, smooth=True)]
    base = sum(step.lowest * count for step, count in tilted.steps)
    smooth = pointed = np.zeros(size // 2 + 1, dtype=complex)
    for step, count in tilted.steps:
        for_density, for_points = _lattice_log_spectra(step, tilted.period / size, size, tilted.order)
        smooth, pointed = smooth + count * for_density, pointed + count * for_points
    return [_invert(tilted, np.exp(s), base=base, smooth=which) for s, which in ((smooth, True), (pointed, False))]


def _invert(tilted: TiltedSteps, spectrum: ComplexArray, *, base: float, smooth: bool) -> LatticeLoss:
    size = 2 * (len(spectrum) - 1)
    spacing = tilted.period / size
    first = math.floor((tilted.lower - base) / spacing)
    return LatticeLoss(
        tilted=tilted,
        spacing=spacing,
        points=base + spacing * (first + np.arange(size)),
        masses=np.roll(fft.irfft(spectrum, size), -(first % size)),
        smooth=smooth,
    )


def _direct_spacing(step: StepLikelihood, highest: float, order: float) -> float:
    """The trapezoidal rule sees frequencies up to 2π/spacing: those of exp(iωL) and of the normal density."""
    return min(step.smooth_spacing, math.pi / (highest * _steepest(step, order) + REACH))


def _direct_log_spectrum(step: StepLikelihood, frequencies: FloatArray, spacing: float, order: float) -> ComplexArray:
    """log E exp(−iω(L − mean)) of one step."""
    ratio, weight, _ = _normalised_nodes(step, spacing, order)
    sine, cosine = _sine_and_cosine(frequencies / 2, ratio - float(weight @ ratio))
    # e^{−2iθ} − 1 = −2 sin²θ − 2i sin θ cos θ, without cancellation.
    return _log1p((-2 * sine * sine) @ weight + 1j * ((-2 * sine * cosine) @ weight))


def _sine_and_cosine(frequencies: FloatArray, positions: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Of frequencies × positions, each (frequencies, positions), for equally spaced frequencies.

    By the addition theorem from few of them: products are several times as fast as sines.
    """
    coarse = frequencies[::_FINE, None] * positions
    fine = (frequencies[:_FINE, None] - frequencies[0]) * positions
    (sine_a, cosine_a), (sine_b, cosine_b) = ((np.sin(angle), np.cos(angle)) for angle in (coarse, fine))
    sine = sine_a[:, None] * cosine_b + cosine_a[:, None] * sine_b
    cosine = cosine_a[:, None] * cosine_b - sine_a[:, None] * sine_b
    shape = (-1, len(positions))
    return sine.reshape(shape)[: len(frequencies)], cosine.reshape(shape)[: len(frequencies)]


def _lattice_log_spectra(
    step: StepLikelihood, spacing: float, size: int, order: float
) -> tuple[ComplexArray, ComplexArray]:
    """log of one step's transform on the lattice, relative to its lowest value.

    Once with weights that keep five moments, but of either sign, for a density; once with positive weights, which
    spread a mass to both neighbours and so only raise the risk, for point masses.
    """
    ratio, weight, _ = _normalised_nodes(step, _node_spacing(step, spacing, order), order)
    keep = weight > TAIL * _NEGLIGIBLE
    position = (ratio[keep] - step.lowest) / spacing
    cell = np.floor(position)
    index, theta = cell.astype(np.int64), position - cell
    spectra = []
    for first, shares in ((-2, _lagrange_weights(theta)), (0, [1 - theta, theta])):
        mass = np.zeros(size)
        for offset, share in enumerate(shares, start=first):
            mass += np.bincount((index + offset) % size, weights=share * weight[keep], minlength=size)
        mass[0] -= 1.0
        spectra.append(_log1p(fft.rfft(mass)))
    return spectra[0], spectra[1]


def _log1p(z: ComplexArray) -> ComplexArray:
    """log(1 + z), accurate for small z (numpy's is not) and finite at −1."""
    square = z.real * (2 + z.real) + z.imag * z.imag  # |1 + z|² − 1
    return 0.5 * np.log1p(np.maximum(square, -1 + 1e-15)) + 1j * np.arctan2(z.imag, 1 + z.real)


def _steepest(step: StepLikelihood, order: float) -> float:
    """The largest slope of L where there is mass."""
    ratio, weight, _ = _normalised_nodes(step, step.smooth_spacing, order)
    heavy = weight > TAIL * _NEGLIGIBLE
    return float(np.abs(np.diff(ratio)[heavy[1:] | heavy[:-1]]).max()) / step.smooth_spacing


def _node_spacing(step: StepLikelihood, spacing: float, order: float) -> float:
    """Several nodes in each lattice cell where there is mass, but no more nodes than fit in memory."""
    fewest = step.extent(order) / MAX_NODES
    return min(step.smooth_spacing, max(spacing / max(3 * _steepest(step, order), 1e-300), fewest))


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
