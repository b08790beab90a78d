"""ε of many rounds when only ε of one is known."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln, logsumexp

from dpcore import _validate
from dpcore.errors import InvalidValue

MOST_ROUNDS = 10**6


def get_composed_epsilon(epsilon: float, delta: float, *, rounds: int, slack: float) -> tuple[float, float]:
    """Returns (ε, δ) of `rounds` adaptive (ε, δ)-DP releases: the best that holds for any such releases.

    ε is the least of (k − 2i)·ε whose δ_i is at most `slack`; δ is 1 − (1 − δ)^k·(1 − slack). Kairouz, Oh &
    Viswanath (ICML 2015), Theorem 3.3. Raises InvalidValue for ε ≤ 0, δ outside (0, 1), rounds above 1e6.
    """
    epsilon, delta = _validate.positive(epsilon=epsilon), _validate.open_unit(delta=delta)
    k, slack = _validate.whole(rounds=rounds), _validate.open_unit(slack=slack)
    if k > MOST_ROUNDS:
        raise InvalidValue(f"rounds must be at most {MOST_ROUNDS:,}, but is {k:,}.")
    total_delta = -math.expm1(k * math.log1p(-delta) + math.log1p(-slack))
    low, high = 0, k // 2
    while low < high:
        middle = (low + high + 1) // 2
        if _log_delta(epsilon, k, middle) <= math.log(slack):
            low = middle
        else:
            high = middle - 1
    return (k - 2 * low) * epsilon, total_delta


def _log_delta(epsilon: float, k: int, i: int) -> float:
    """log δ_i, δ_i = Σ_{l < i} C(k, l)·(e^{(k−l)ε} − e^{(k−2i+l)ε}) / (1 + e^ε)^k."""
    if i == 0:
        return -math.inf
    lower = np.arange(i, dtype=float)
    log_choose = gammaln(k + 1) - gammaln(lower + 1) - gammaln(k - lower + 1)
    # e^{(k−l)ε} − e^{(k−2i+l)ε} = e^{(k−l)ε}·(1 − e^{−2(i−l)ε})
    log_terms = log_choose + (k - lower) * epsilon + np.log(-np.expm1(-2 * (i - lower) * epsilon))
    return float(logsumexp(log_terms) - k * np.logaddexp(0.0, epsilon))
