"""What ε means for a belief: e^ε multiplies odds, never probability."""

from __future__ import annotations

import math

from dpcore._validate import non_negative, open_unit


def get_odds(probability: float) -> float:
    """Returns p/(1 − p) of a probability in (0, 1); 1 means even."""
    probability = open_unit(probability=probability)
    return probability / (1 - probability)


def get_largest_posterior(prior: float, epsilon: float) -> float:
    """Returns the most that a belief of `prior` in (0, 1) can rise to after an ε-DP release: odds times e^ε.

    With (ε, δ)-DP this holds but for an event of probability about δ. Raises InvalidValue for ε below 0.
    """
    return 1 / (1 + math.exp(_log_odds_against(prior) - non_negative(epsilon=epsilon)))


def get_smallest_posterior(prior: float, epsilon: float) -> float:
    """Returns the least that a belief of `prior` in (0, 1) can fall to after an ε-DP release: odds divided by e^ε."""
    exponent = _log_odds_against(prior) + non_negative(epsilon=epsilon)
    return math.exp(-exponent) / (1 + math.exp(-exponent))


def _log_odds_against(prior: float) -> float:
    prior = open_unit(prior=prior)
    return math.log1p(-prior) - math.log(prior)
