"""The trade-off curve of composed likelihood ratios."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dpcore.privacy.closed_forms import CERTAIN
from dpcore.privacy.composition import TAIL, LatticeLoss, Steps, compose, tilt
from dpcore.privacy.solver import refine
from dpcore.privacy.tails import hermite, lower_tail, upper_tail
from dpcore.privacy.trade_off import RESOLUTION, TradeOff

FloatArray = NDArray[np.floating]

#: Lattice sizes to begin and to end with.
_SIZES = (2**10, 2**16)
#: Relative change of γ on a doubled lattice that ends the doubling, unless less is asked for.
TOLERANCE = 3e-7
#: False-positive rates at which the change is measured.
_PROBES = np.concatenate([np.geomspace(RESOLUTION, 0.5, 60), 1 - np.geomspace(RESOLUTION, 0.4, 20)])
#: Chances nearer to 1 than _NOISE count as 1; false-positive rates below _NOTHING, which is e^−690, as 0.
_NOISE, _NOTHING = 1e-13, 1e-300
#: Stands for the infinite thresholds at the curve's ends.
_THRESHOLD_END = 40.0
#: Points between two thresholds at which a maximum is sought.
_SEARCH = np.linspace(0.0, 1.0, 129)


@dataclass(frozen=True, kw_only=True, eq=False)
class ComposedTradeOff(TradeOff):
    """The curve at thresholds t of the composed log-likelihood ratio, where its slope dγ/dκ is e^t."""

    #: Falling, (points,).
    threshold: FloatArray
    #: Rising from 0 to 1, (points,).
    kappa: FloatArray
    #: Rising, (points,).
    gamma_at_kappa: FloatArray
    #: Whether the curve is smooth between the points (cubic), or has point masses (straight lines).
    smooth: bool
    error: float = 0.0
    resolution: float = RESOLUTION

    def _gamma(self, kappa: FloatArray) -> FloatArray:
        if not self.smooth:
            return np.interp(kappa, self.kappa, self.gamma_at_kappa)
        right = np.clip(np.searchsorted(self.kappa, kappa), 1, len(self.kappa) - 1)
        left = right - 1
        width = self.kappa[right] - self.kappa[left]
        low, high = self.gamma_at_kappa[left], self.gamma_at_kappa[right]
        slopes = (np.exp(self.threshold[left]) * width, np.exp(self.threshold[right]) * width)
        value = hermite((kappa - self.kappa[left]) / width, (low, high), slopes)
        return np.clip(value, np.minimum(np.maximum(low, kappa), high), high)

    def delta(self, epsilon: float) -> float:
        """Returns the largest γ − e^ε·κ."""
        slope = math.exp(min(epsilon, 700.0))
        best = int(np.argmax(self.gamma_at_kappa - slope * self.kappa))
        left, right = self.kappa[max(best - 1, 0)], self.kappa[min(best + 1, len(self.kappa) - 1)]
        near = np.append(left + (right - left) * _SEARCH, self.kappa[best])
        return max(float((self._gamma(near) - slope * near).max()), 0.0, -math.expm1(min(epsilon, 0.0)))

    @property
    def auc(self) -> float:
        """Returns the integral of γ over κ."""
        width, rise = np.diff(self.kappa), np.diff(self.gamma_at_kappa)
        area = float(width @ (self.gamma_at_kappa[1:] - rise / 2))
        if not self.smooth:
            return area
        # What a cubic adds to the chord; a concave curve adds at most half the box.
        bulge = -width * width * np.diff(np.exp(self.threshold)) / 12
        return area + float(np.clip(bulge, 0.0, width * rise / 2).sum())


def compose_trade_off(steps: Steps, *, tolerance: float = TOLERANCE) -> TradeOff:
    """Returns the curve of all steps, with its error estimated from the change since a lattice of half the size.

    The lattice is refined until that error is at most `tolerance`, or no longer falls.
    """
    absent, present = tilt(steps, 0.0), tilt(steps, 1.0)
    if present.lower > absent.lower + absent.period:
        # A threshold between both windows is wrong with a chance of TAIL.
        return replace(CERTAIN, error=TAIL)

    def curves(size: int) -> list[ComposedTradeOff]:
        of_absent, of_present = compose(absent, size), compose(present, size)
        readings = range(max(len(of_absent), len(of_present)))
        return [
            _curve_of(of_absent[min(i, len(of_absent) - 1)], of_present[min(i, len(of_present) - 1)]) for i in readings
        ]

    curve, error = refine(curves, _largest_difference, sizes=_SIZES, tolerance=tolerance)
    return replace(curve, error=error)


def _curve_of(absent: LatticeLoss, present: LatticeLoss) -> ComposedTradeOff:
    """The part above t = 0 from Q, the part below from P: each where its own chance is not small."""
    upper, lower = upper_tail(present), lower_tail(absent)
    high, low = upper.threshold > 0, lower.threshold >= 0
    true_positive, false_positive = upper.chances(high)
    true_negative, false_negative = lower.chances(low)
    threshold = np.concatenate([upper.threshold[high][::-1], -lower.threshold[low]])
    kappa = np.concatenate([false_positive[::-1], 1 - true_negative])
    gamma = np.concatenate([true_positive[::-1], 1 - false_negative])
    kappa, gamma = (np.maximum.accumulate(np.clip(v, 0.0, 1.0)) for v in (kappa, gamma))
    # Where κ cannot be told from 0, γ is what the attacker gets for nothing.
    free = float(gamma[kappa <= _NOTHING].max(initial=0.0))
    keep = np.flatnonzero((kappa > _NOTHING) & (kappa < 1 - _NOISE))
    keep = keep[np.diff(kappa[keep], prepend=0.0) > 0]
    gamma = np.maximum(gamma, kappa)
    return ComposedTradeOff(
        threshold=np.concatenate([[_THRESHOLD_END], threshold[keep], [-_THRESHOLD_END]]),
        kappa=np.concatenate([[0.0], kappa[keep], [1.0]]),
        gamma_at_kappa=np.concatenate([[free], gamma[keep], [1.0]]),
        smooth=absent.smooth and present.smooth,
    )


def _largest_difference(fine: ComposedTradeOff, coarse: ComposedTradeOff) -> float:
    """The largest relative change at the probes, and what a chord between point masses may miss."""
    gamma = np.maximum(fine._gamma(_PROBES), _PROBES)
    change = np.abs(gamma - coarse._gamma(_PROBES))
    return float(np.max((change + (0.0 if fine.smooth else _chord_error(fine, _PROBES))) / gamma))


def _chord_error(curve: ComposedTradeOff, kappa: FloatArray) -> FloatArray:
    """How far a concave curve through the points may lie above the chord: up to the neighbouring chords, extended."""
    slope = np.append(np.exp(curve.threshold), 0.0)
    right = np.clip(np.searchsorted(curve.kappa, kappa), 1, len(curve.kappa) - 1)
    from_left = (kappa - curve.kappa[right - 1]) * (slope[right - 1] - slope[right])
    from_right = (curve.kappa[right] - kappa) * (slope[right] - slope[right + 1])
    return np.maximum(np.minimum(from_left, from_right), 0.0)
