"""How sure a measured share is: exact confidence intervals for counts.

Without SciPy, for which the app's first page would have to wait.
"""

from __future__ import annotations

import math
from functools import lru_cache

from dpcore._validate import open_unit, whole
from dpcore.errors import InvalidValue

_EXACT = 1e-14


def clopper_pearson(successes: int, trials: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Returns the two-sided exact interval (lower, upper) for a success probability.

    Raises InvalidValue unless 0 ≤ successes ≤ trials and trials ≥ 1.
    Source: Clopper and Pearson, Biometrika 26 (1934), by the quantiles of the beta distribution.
    """
    trials = whole(trials=trials)
    successes = whole(minimum=0, successes=successes)
    if successes > trials:
        raise InvalidValue(f"successes must be at most the {trials} trials, but is {successes}.")
    tail = (1 - open_unit(confidence=confidence)) / 2
    return _lower(successes, trials, tail), 1.0 - _lower(trials - successes, trials, tail)


@lru_cache(maxsize=4096)
def _lower(successes: int, trials: int, tail: float) -> float:
    """The share at which so many successes or more have the probability `tail`."""
    if successes == 0:
        return 0.0
    if successes == trials:
        return tail ** (1 / trials)
    a, b = float(successes), float(trials - successes + 1)
    low, high = 0.0, 1.0
    x = successes / (trials + 1)
    # Newton's method, and halving where it would leave what is known to hold the root.
    for _ in range(200):
        below = beta_cdf(x, a, b) - tail
        low, high = (x, high) if below < 0 else (low, x)
        density = math.exp((a - 1) * math.log(x) + (b - 1) * math.log1p(-x) - _log_beta(a, b))
        step = below / density if density > 0 else math.inf
        nearer = x - step if low < x - step < high else (low + high) / 2
        if abs(nearer - x) <= _EXACT * x:
            break
        x = nearer
    return x


def beta_cdf(x: float, a: float, b: float) -> float:
    """Returns the regularised incomplete beta function I_x(a, b) for 0 < x < 1 and a, b > 0.

    Source: DLMF 8.17.22, and 8.17.4 where the fraction converges slowly.
    """
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - _log_beta(a, b))
    if x < (a + 1) / (a + b + 2):
        return front / a * _continued_fraction(x, a, b)
    return 1 - front / b * _continued_fraction(1 - x, b, a)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _continued_fraction(x: float, a: float, b: float) -> float:
    """1/(1 + d₁/(1 + d₂/(1 + …))) by Lentz' method."""
    value, c, d = 1.0, math.inf, 1.0
    for step in range(1, 100_000):
        m = step // 2
        if step % 2:
            term = -(a + m) * (a + b + m) / ((a + 2 * m) * (a + 2 * m + 1)) * x
        else:
            term = m * (b - m) / ((a + 2 * m - 1) * (a + 2 * m)) * x
        d = 1 / (1 + term * d)
        c = 1 + term / c
        value *= c * d
        if abs(c * d - 1) < _EXACT:
            break
    return value
