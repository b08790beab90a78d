"""The tight accountant: the smallest ε the mechanism truly has, rounded up, from 0.01 to 1e15."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import binom

from dpcore.privacy.composition import LatticeLoss, Steps, compose_adaptively, log_moments, tilt
from dpcore.privacy.gaussian import smallest_epsilon
from dpcore.privacy.likelihood import StepLikelihood
from dpcore.privacy.mechanism import DpSgdMechanism
from dpcore.privacy.rdp import get_rdp_epsilon_from_mechanisms
from dpcore.privacy.tails import Tail, hermite, lower_tail, upper_tail

FloatArray = NDArray[np.float64]

#: Below this noise the batches are treated as revealed; the bound is then within a few per cent of exact.
SMALLEST_COMPOSED_NOISE = 1 / 24
_START_SIZE = 2**12
#: The bulk is moved at most to where a sampled step shifts by this many standard deviations.
_LARGEST_SHIFT = 40.0
#: Mass of a tail, relative to the bulk, that is not told from numerical noise.
_UNRESOLVED = 1e-9
#: Chance of the number of sampled steps that is set aside, relative to δ.
_SET_ASIDE = 1e-9


def get_tight_epsilon_from_mechanisms(mechanisms: tuple[DpSgdMechanism, ...], *, delta: float) -> float:
    """Returns ε of all releases together, never below the true value, and 0 if (0, δ)-DP holds.

    Full batches: exact (Balle & Wang 2018). Otherwise the composed likelihood ratios by FFT while
    noise_multiplier > 1/24, both for adding and for removing a record; beyond, and where δ is below what the FFT
    resolves, an upper bound.
    """
    if all(m.sample_rate == 1 for m in mechanisms) or min(m.noise_multiplier for m in mechanisms) < SMALLEST_COMPOSED_NOISE:
        return get_revealed_epsilon_from_mechanisms(mechanisms, delta=delta)
    composed = _composed_epsilon(tuple((StepLikelihood.of(m, "worst_case"), m.steps) for m in mechanisms), delta)
    if math.isfinite(composed):
        return composed
    return min(
        get_revealed_epsilon_from_mechanisms(mechanisms, delta=delta),
        get_rdp_epsilon_from_mechanisms(mechanisms, delta=delta),
    )


def get_revealed_epsilon_from_mechanisms(mechanisms: tuple[DpSgdMechanism, ...], *, delta: float) -> float:
    """Returns an upper bound on ε: that of an attacker who is told which steps sampled the record.

    δ(ε) ≤ Σ_k Bin(k; T, q)·δ_G(ε; √k/σ), by joint convexity; exact for full batches.
    """
    squares, weights = np.zeros(1), np.ones(1)
    set_aside = delta * _SET_ASIDE / len(mechanisms)
    for m in mechanisms:
        count, chance = _sampled_counts(m, set_aside)
        squares = (squares[:, None] + count * m.mu**2).ravel()
        weights = (weights[:, None] * chance).ravel()
        squares, weights = _merge(squares, weights)
    return smallest_epsilon(delta * (1 - _SET_ASIDE), np.sqrt(squares), weights)


def _sampled_counts(mechanism: DpSgdMechanism, set_aside: float) -> tuple[FloatArray, FloatArray]:
    """Numbers of steps that sampled the record and their chances, but for a tail of chance `set_aside` at the top.

    The tail at the bottom counts as the smallest number kept, which only raises δ.
    """
    steps, q = mechanism.steps, mechanism.sample_rate
    if q == 1:
        return np.array([float(steps)]), np.ones(1)
    low, high = int(binom.ppf(set_aside, steps, q)), int(binom.isf(set_aside, steps, q))
    count = np.arange(low, min(high + 1, steps) + 1)
    chance = binom.pmf(count, steps, q)
    chance[0] = binom.cdf(low, steps, q)
    return count.astype(float), chance


def _merge(squares: FloatArray, weights: FloatArray, most: int = 4096) -> tuple[FloatArray, FloatArray]:
    """Rounds the shifts up to at most `most` different ones, which only raises δ."""
    order = np.argsort(squares)
    squares, weights = squares[order], weights[order]
    if len(squares) <= most:
        return squares, weights
    edges = np.linspace(0, len(squares), most + 1).astype(int)
    return squares[edges[1:] - 1], np.add.reduceat(weights, edges[:-1])


def _composed_epsilon(steps: Steps, delta: float) -> float:
    """The larger of ε for removing (Q against P) and for adding (P against Q) a record."""
    s, _ = _best_renyi(steps, delta, sign=1)
    removing = compose_adaptively(tilt(steps, 1 + s), start_size=_START_SIZE, fine_enough=_is_smooth)
    epsilon = _with_margin([_cross(upper_tail(loss), delta, smooth=loss.smooth) for loss in removing])
    s, bound = _best_renyi(steps, delta, sign=-1)
    if bound <= epsilon:
        return epsilon
    adding = compose_adaptively(tilt(steps, -s), start_size=_START_SIZE, fine_enough=_is_smooth)
    return max(epsilon, _with_margin([_cross(lower_tail(loss), delta, smooth=loss.smooth) for loss in adding]))


def _is_smooth(loss: LatticeLoss) -> bool:
    return loss.smooth


def _with_margin(fine_and_coarse: list[float]) -> float:
    fine, coarse = fine_and_coarse
    return fine + abs(fine - coarse) if math.isfinite(fine) and math.isfinite(coarse) else math.inf


def _best_renyi(steps: Steps, delta: float, *, sign: int) -> tuple[float, float]:
    """The s whose Rényi bound on ε (order 1 + s) is least, and that bound; tilting by s moves the bulk to about ε.

    Balle et al. (2020), Theorem 21. sign = 1 for removing, −1 for adding a record.
    """
    tilts = _LARGEST_SHIFT / max(step.mu for step, _ in steps) * np.geomspace(1e-5, 1.0, 48)
    cumulants = log_moments(steps, 1 + tilts if sign > 0 else -tilts)
    orders = 1 + tilts
    bounds = (cumulants - math.log(delta) - np.log(orders)) / tilts + np.log(tilts / orders)
    best = int(np.argmin(bounds))
    return float(tilts[best]), float(bounds[best])


def _cross(tail: Tail, delta: float, *, smooth: bool) -> float:
    """Returns the ε ≥ 0 at which the tail's δ falls to `delta`, rounded up where it lies below the window; ∞ above."""
    with np.errstate(divide="ignore"):
        log_share = tail.log_scale + np.log(np.maximum(tail.plain - tail.discounted, 0.0)) - math.log(delta)
    above = np.flatnonzero(log_share > 0)
    if len(above) == 0:
        return max(float(tail.threshold[0]), 0.0)
    left = int(above[-1])
    if left + 1 >= len(tail.threshold) or tail.plain[left] < _UNRESOLVED:
        return math.inf
    start, end = float(tail.threshold[left]), float(tail.threshold[left + 1])
    scale = np.exp(tail.log_scale[left : left + 2] - math.log(delta))
    plain, discounted = scale * tail.plain[left : left + 2], scale * tail.discounted[left : left + 2]
    if not smooth:
        # Between point masses, only those at `end` and beyond count, and e^ε grows.
        return max(end + math.log((plain[1] - 1) / discounted[1]) if plain[1] > 1 else start, 0.0)
    values = (plain[0] - discounted[0], plain[1] - discounted[1])
    slopes = (-(end - start) * discounted[0], -(end - start) * discounted[1])
    return max(start + (end - start) * brentq(lambda s: hermite(s, values, slopes) - 1, 0.0, 1.0, xtol=1e-12), 0.0)
