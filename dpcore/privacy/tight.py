"""The tight accountant: the smallest ε the mechanism truly has, rounded up, from 0.01 to 1e15."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammaln, ndtri

from dpcore.privacy.composition import Steps, TiltedSteps, compose, log_moments, tilt
from dpcore.privacy.gaussian import smallest_epsilon
from dpcore.privacy.likelihood import StepLikelihood
from dpcore.privacy.mechanism import DpSgdMechanism
from dpcore.privacy.rdp import get_rdp_epsilon_from_mechanisms
from dpcore.privacy.solver import refine
from dpcore.privacy.tails import Tail, hermite, lower_tail, upper_tail

FloatArray = NDArray[np.floating]

#: Below this noise the batches are treated as revealed; the bound is then within a few per cent of exact.
SMALLEST_COMPOSED_NOISE = 1 / 24
#: Lattice sizes to begin and to end with, and the relative change of ε that ends the doubling.
_SIZES = (2**9, 2**16)
_TOLERANCE = 1e-8
#: Added to the estimated relative error, which numerical noise may make too small by chance.
_ROUNDING = 1e-9
#: The bulk is moved at most to where a sampled step shifts by this many standard deviations.
_LARGEST_SHIFT = 40.0
#: Mass of a tail, relative to the bulk, that is not told from numerical noise; how many standard deviations from the
#: bulk a tail is resolved to six digits.
_UNRESOLVED = 1e-9
_RESOLVED_QUANTILE = 4.0
#: Chance of the number of sampled steps that is set aside, relative to δ.
_SET_ASIDE = 1e-9


def get_tight_epsilon_from_mechanisms(mechanisms: Sequence[DpSgdMechanism], *, delta: float) -> float:
    """Returns ε of all releases together, never below the true value, and 0 if (0, δ)-DP holds.

    Full batches and single steps in closed form (Balle & Wang 2018). Otherwise the composed likelihood ratios, for
    adding and for removing a record, while noise_multiplier ≥ 1/24; beyond, an upper bound.
    """
    if len(mechanisms) == 1 and mechanisms[0].steps == 1:
        return _single_step_epsilon(mechanisms[0], delta)
    if all(m.sample_rate == 1 for m in mechanisms):
        return get_revealed_epsilon_from_mechanisms(mechanisms, delta=delta)
    if min(m.noise_multiplier for m in mechanisms) >= SMALLEST_COMPOSED_NOISE:
        composed = _composed_epsilon(tuple((StepLikelihood.of(m, "worst_case"), m.steps) for m in mechanisms), delta)
        if math.isfinite(composed):
            return composed
    return min(
        get_revealed_epsilon_from_mechanisms(mechanisms, delta=delta),
        get_rdp_epsilon_from_mechanisms(mechanisms, delta=delta),
    )


def get_revealed_epsilon_from_mechanisms(mechanisms: Sequence[DpSgdMechanism], *, delta: float) -> float:
    """Returns an upper bound on ε: that against an attacker who is told which steps sampled the record.

    δ(ε) ≤ Σ_k Bin(k; T, q)·δ_G(ε; √k/σ), by joint convexity; exact for full batches.
    """
    squares: FloatArray = np.zeros(1)
    weights: FloatArray = np.ones(1)
    set_aside = delta * _SET_ASIDE / len(mechanisms)
    for m in mechanisms:
        count, chance = _sampled_counts(m, set_aside)
        squares = np.add.outer(squares, count * m.mu**2).ravel()
        weights = np.multiply.outer(weights, chance).ravel()
        squares, weights = _merge(squares, weights)
    return smallest_epsilon(delta * (1 - 2 * _SET_ASIDE), np.sqrt(squares), weights)


def _single_step_epsilon(mechanism: DpSgdMechanism, delta: float) -> float:
    """δ(ε) = q·δ_G(log(1 + (e^ε − 1)/q)), solved for ε; removing a record is the worse direction."""
    q = mechanism.sample_rate
    if delta >= q:
        return 0.0
    unsampled = smallest_epsilon(delta / q, np.array([mechanism.mu]), np.ones(1))
    if q == 1:
        return unsampled
    if unsampled < 1:
        return math.log1p(q * math.expm1(unsampled))
    return float(np.logaddexp(math.log1p(-q), math.log(q) + unsampled))


def _sampled_counts(mechanism: DpSgdMechanism, set_aside: float) -> tuple[FloatArray, FloatArray]:
    """Numbers of steps that sampled the record and their chances, but for tails of chance `set_aside` on either side.

    The number lies within Bernstein's bound of its mean.
    """
    steps, q = mechanism.steps, mechanism.sample_rate
    if q == 1:
        return np.array([float(steps)]), np.ones(1)
    log_rare = -math.log(set_aside)
    reach = log_rare / 3 + math.sqrt(log_rare**2 / 9 + 2 * log_rare * steps * q * (1 - q))
    mean = steps * q
    count = np.arange(max(math.floor(mean - reach), 0), min(math.ceil(mean + reach), steps) + 1, dtype=float)
    log_chance = (
        gammaln(steps + 1)
        - gammaln(count + 1)
        - gammaln(steps - count + 1)
        + count * math.log(q)
        + (steps - count) * math.log1p(-q)
    )
    chance = np.exp(log_chance)
    # The logarithms of large factorials lose digits, all chances alike.
    return count, chance / chance.sum()


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
    tilt_by, _ = _best_renyi(steps, delta, removing=True)
    epsilon = _crossing(steps, delta, tilt_by, removing=True)
    tilt_by, bound = _best_renyi(steps, delta, removing=False)
    return epsilon if bound <= epsilon else max(epsilon, _crossing(steps, delta, tilt_by, removing=False))


def _crossing(steps: Steps, delta: float, tilt_by: float, *, removing: bool) -> float:
    """Returns where δ falls to `delta`, rounded up by the estimated error; ∞ if that is not resolved.

    The full tilt moves the bulk to about ε but, where few steps matter, also to rare events far beyond; so only as much
    of it is used as δ needs.
    """
    share = max(1 + _RESOLVED_QUANTILE / float(ndtri(delta)), 0.0) if delta < 0.5 else 0.0
    for part in (share * tilt_by, tilt_by):
        tilted = tilt(steps, 1 + part if removing else -part)
        epsilon, error = refine(
            partial(_crossings, tilted, delta, removing), _relative_difference, sizes=_SIZES, tolerance=_TOLERANCE
        )
        if math.isfinite(epsilon):
            return epsilon * (1 + error + _ROUNDING)
    return math.inf


def _crossings(tilted: TiltedSteps, delta: float, removing: bool, size: int) -> list[float]:
    tail = upper_tail if removing else lower_tail
    return [_cross(tail(loss), delta, smooth=loss.smooth) for loss in compose(tilted, size)]


def _relative_difference(new: float, old: float) -> float:
    if math.isinf(new) or math.isinf(old):
        return math.inf
    return abs(new - old) / max(new, 1e-300)


def _best_renyi(steps: Steps, delta: float, *, removing: bool) -> tuple[float, float]:
    """The tilt s of Q (or of P, the other way) whose Rényi bound on ε, of order 1 + s, is least, and that bound.

    Balle et al. (2020), Theorem 21.
    """
    s = _LARGEST_SHIFT / max(step.mu for step, _ in steps) * np.geomspace(1e-5, 1.0, 48)
    cumulants = log_moments(steps, 1 + s if removing else -s)
    bounds = (cumulants - math.log(delta) - np.log1p(s)) / s + np.log(s / (1 + s))
    best = int(np.argmin(bounds))
    return float(s[best]), float(bounds[best])


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
