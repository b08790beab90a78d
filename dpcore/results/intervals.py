"""How sure a measured share is: exact confidence intervals for counts."""

from __future__ import annotations

from dpcore._validate import open_unit, whole
from dpcore.errors import InvalidValue


def clopper_pearson(successes: int, trials: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Returns the two-sided exact interval (lower, upper) for a success probability.

    Raises InvalidValue unless 0 ≤ successes ≤ trials and trials ≥ 1.
    Source: Clopper and Pearson, Biometrika 26 (1934), by the quantiles of the beta distribution.
    """
    # Only when asked for: the page shows its first picture before any science is loaded.
    from scipy.special import betaincinv

    trials = whole(trials=trials)
    successes = whole(minimum=0, successes=successes)
    if successes > trials:
        raise InvalidValue(f"successes must be at most the {trials} trials, but is {successes}.")
    tail = (1 - open_unit(confidence=confidence)) / 2
    lower = 0.0 if successes == 0 else float(betaincinv(successes, trials - successes + 1, tail))
    upper = 1.0 if successes == trials else float(betaincinv(successes + 1, trials - successes, 1 - tail))
    return lower, upper
