"""Closed forms for the Gaussian mechanism and for Poisson-sampled steps whose batches are revealed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtr, ndtri

from dpcore.privacy.solver import smallest_safe

FloatArray = NDArray[np.floating]


def hockey_stick(epsilon: float, mu: FloatArray | float) -> FloatArray:
    """Returns δ(ε) between N(0, 1) and N(μ, 1) for ε ≥ 0 and every μ ≥ 0, in the shape of `mu`.

    Balle & Wang (ICML 2018), Theorem 8: δ = Φ(a) − e^ε·Φ(−b) with a = μ/2 − ε/μ, b = μ/2 + ε/μ. Since b² = a² + 2ε,
    the second term is ½·erfcx(b/√2)·exp(−a²/2), which neither overflows nor, for a < 0, cancels.
    """
    mu = np.asarray(mu, dtype=float)
    shift = np.where(mu > 0, mu, 1.0)
    a, b = shift / 2 - epsilon / shift, shift / 2 + epsilon / shift
    density = 0.5 * np.exp(-np.minimum(a * a / 2, 800.0))
    right = density * erfcx(b / math.sqrt(2))
    delta = np.where(a > 0, ndtr(a) - right, density * erfcx(np.maximum(-a, 0.0) / math.sqrt(2)) - right)
    return np.where(mu > 0, np.clip(delta, 0.0, 1.0), 0.0)


def mixed_hockey_stick(epsilon: float, shifts: FloatArray, weights: FloatArray) -> float:
    """Returns Σ weights·δ_G(ε; shifts), an upper bound on δ(ε) when the shift is drawn and revealed.

    Joint convexity of the hockey-stick divergence.
    """
    return float(np.dot(weights, hockey_stick(epsilon, shifts)))


def smallest_epsilon(delta: float, shifts: FloatArray, weights: FloatArray) -> float:
    """Returns the smallest ε ≥ 0 with Σ weights·δ_G(ε; shifts) ≤ δ, rounded up by a part in 1e12."""
    if mixed_hockey_stick(0.0, shifts, weights) <= delta:
        return 0.0
    largest = float(shifts.max())
    bound = largest * largest / 2 - largest * float(ndtri(delta))

    def log_excess(log_epsilon: float) -> float:
        value = mixed_hockey_stick(math.exp(log_epsilon), shifts, weights)
        return math.log(max(value, 1e-300)) - math.log(delta)

    mean = math.sqrt(float(np.dot(weights, shifts * shifts)))
    guess = min(bound, mean * mean / 2 - mean * float(ndtri(delta)))
    root = smallest_safe(
        log_excess,
        start=math.log(guess),
        step=0.01,
        tolerance=1e-13,
        limits=(math.log(bound) - 100.0, math.log(bound) + 1e-9),
    )
    return math.exp(root) * (1 + 1e-12)
