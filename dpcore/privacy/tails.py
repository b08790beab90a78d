"""From masses on a lattice to tails: the chance of an alarm and the hockey-stick divergence at each threshold."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dtbtrs

from dpcore.privacy.composition import LatticeLoss

FloatArray = NDArray[np.floating]

#: From moments on [0, 1] to the weights of the cubic Lagrange polynomials on −1, 0, 1, 2.
_INTERPOLATION = np.linalg.inv(np.vander([-1.0, 0.0, 1.0, 2.0], 4, increasing=True).T)
_ABSCISSAS, _WEIGHTS = (np.polynomial.legendre.leggauss(16)[0] + 1) / 2, np.polynomial.legendre.leggauss(16)[1] / 2


@dataclass(frozen=True, kw_only=True)
class Tail:
    """The tail of Q above (or of P below, mirrored) thresholds t; each array (points,), t rising away from the bulk.

    With the measure tilted by s, chance(t) = exp(log_scale)·plain and e^t·(chance of the other) =
    exp(log_scale)·discounted, log_scale = log M − s·t.
    """

    threshold: FloatArray
    log_scale: FloatArray
    plain: FloatArray
    discounted: FloatArray

    def chances(self, keep: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
        """The chances to lie beyond the thresholds kept: under Q above and P below, and under the other one."""
        scale = self.log_scale[keep]
        return np.exp(scale) * self.plain[keep], np.exp(scale - self.threshold[keep]) * self.discounted[keep]


def upper_tail(loss: LatticeLoss) -> Tail:
    """Returns the tails of Q (plain) and P (other) above each lattice point; tilted.order ≥ 1 is best."""
    return _tail(loss, loss.points, loss.masses, loss.tilted.order - 1)


def lower_tail(loss: LatticeLoss) -> Tail:
    """Returns the tails of P (plain) and Q (other) below each lattice point, mirrored; tilted.order ≤ 0 is best."""
    return _tail(loss, -loss.points[::-1], loss.masses[::-1], -loss.tilted.order)


def _tail(loss: LatticeLoss, points: FloatArray, masses: FloatArray, rate: float) -> Tail:
    return Tail(
        threshold=points,
        log_scale=loss.tilted.log_mass - rate * points,
        plain=_discounted_sum(masses, rate * loss.spacing, smooth=loss.smooth),
        discounted=_discounted_sum(masses, (rate + 1) * loss.spacing, smooth=loss.smooth),
    )


def _discounted_sum(masses: FloatArray, rate: float, *, smooth: bool) -> FloatArray:
    """∫ e^{−rate·(j − i)} d mass(j) beyond each i: of a density through the masses, or of point masses from i on."""
    cells = _cell_integrals(masses, rate) if smooth else masses
    if rate == 0:
        return np.cumsum(cells[::-1])[::-1]
    # y_i = cell_i + e^{−rate}·y_{i+1}: a bidiagonal system.
    bands = np.ones((2, len(cells)), order="F")
    bands[0] = -math.exp(-rate)
    solution, _ = dtbtrs(bands, cells[:, None], uplo="U", diag="U")
    return solution[:, 0]


def _cell_integrals(masses: FloatArray, rate: float) -> FloatArray:
    """∫₀¹ e^{−rate·s}·density(i + s) ds of the cubic through the masses i − 1 … i + 2."""
    padded = np.concatenate([[0.0], masses, [0.0, 0.0]])
    size = len(masses)
    weights = _stencil_weights(rate)
    total = np.zeros(size)
    for k, weight in enumerate(weights):
        total += weight * padded[k : k + size]
    return total


def _stencil_weights(rate: float) -> FloatArray:
    """∫₀¹ e^{−rate·s}·ℓ_k(s) ds for the cubic Lagrange polynomials on −1, 0, 1, 2; shape (4,)."""
    return _INTERPOLATION @ _moments(rate)


def _moments(rate: float) -> FloatArray:
    """∫₀¹ e^{−rate·s}·s^k ds for k = 0 … 3."""
    if rate < 2.0:
        return np.array([np.dot(_WEIGHTS, np.exp(-rate * _ABSCISSAS) * _ABSCISSAS**k) for k in range(4)])
    values = [-math.expm1(-rate) / rate]
    for k in range(1, 4):
        values.append((k * values[-1] - math.exp(-rate)) / rate)
    return np.array(values)


def hermite(s: Any, values: tuple[Any, Any], slopes: tuple[Any, Any]) -> Any:
    """Returns the cubic with the given values and slopes at s = 0 and 1; floats or arrays of one shape."""
    return (
        (1 + 2 * s) * (1 - s) ** 2 * values[0]
        + s * (1 - s) ** 2 * slopes[0]
        + s * s * (3 - 2 * s) * values[1]
        + s * s * (s - 1) * slopes[1]
    )
