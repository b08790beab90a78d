"""The best attack's true-positive rate γ at every false-positive rate κ, and every risk that follows from it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dpcore._validate import open_unit
from dpcore.errors import InvalidValue

FloatArray = NDArray[np.floating]

#: A κ below this is not told from the noise of the composition.
RESOLUTION = 1e-8


def describe_probability(probability: float) -> str:
    """Returns the probability in per cent with three digits, and "below 1e-8" (never 0) where it is not resolved."""
    if not 0 <= probability <= 1:
        raise InvalidValue(f"probability must be a number from 0 to 1, but is {probability!r}.")
    if probability < RESOLUTION:
        return f"below {RESOLUTION:.0e}".replace("e-0", "e-")
    return f"{100 * probability:.3g} %"


class TradeOff(ABC):
    """The ROC curve that no attacker of a tier exceeds, one-sided: an alarm says "present".

    `error` is the estimated largest relative error of γ, `resolution` the smallest κ that is resolved (0 for closed
    forms).
    """

    resolution: float = 0.0
    error: float = 0.0

    @abstractmethod
    def _gamma(self, kappa: FloatArray) -> FloatArray:
        """γ for values in [0, 1], same shape."""

    @abstractmethod
    def delta(self, epsilon: float) -> float:
        """Returns max over κ of γ(κ) − e^ε·κ, for any real ε: δ of (ε, δ)-DP when a record is removed."""

    @property
    @abstractmethod
    def auc(self) -> float:
        """The area under the curve: the chance to tell which is the member when shown one and a non-member."""

    @property
    def advantage(self) -> float:
        """The largest TPR − FPR of any attack: δ at ε = 0."""
        return self.delta(0.0)

    def gamma(self, kappa: ArrayLike) -> float | FloatArray:
        """Returns γ, the bound on the chance of success when κ in (0, 1] is the chance without the release.

        A float for a float, else an array of the same shape. Raises InvalidValue for κ outside (0, 1] or below
        `resolution`.
        """
        values = _as_numbers(kappa, name="kappa")
        if not np.all((values > 0) & (values <= 1)):
            raise InvalidValue(f"kappa must be a number above 0 and at most 1, but is {kappa!r}.")
        if np.any(values < self.resolution):
            raise InvalidValue(f"kappa must be at least {self.resolution:g} to be resolved, but is {kappa!r}.")
        result = self._gamma(values)
        return float(result) if values.ndim == 0 else result

    def roc(self, alphas: ArrayLike) -> FloatArray:
        """Returns the true-positive rates at false-positive rates `alphas`, same shape.

        Raises InvalidValue for rates outside [0, 1] or between 0 and `resolution`.
        """
        values = _as_numbers(alphas, name="alphas")
        if not np.all((values >= 0) & (values <= 1)):
            raise InvalidValue(f"alphas must be numbers from 0 to 1, but are {alphas!r}.")
        if np.any((values > 0) & (values < self.resolution)):
            raise InvalidValue(f"alphas must be 0 or at least {self.resolution:g} to be resolved, but are {alphas!r}.")
        return self._gamma(values)

    def tpr_at_fpr(self, fpr: float) -> float:
        """Returns the true-positive rate at one false-positive rate: γ by its other name."""
        return float(self.gamma(fpr))

    def posterior(self, prior: float, fpr: float) -> float:
        """Returns the chance that an alarm at that false-positive rate is right: π·TPR / (π·TPR + (1 − π)·FPR)."""
        prior = open_unit(prior=prior)
        hit = prior * self.tpr_at_fpr(fpr)
        return hit / (hit + (1 - prior) * fpr)

    def best_guess_accuracy(self, prior: float) -> float:
        """Returns the share of right guesses of the best guesser: (1 − π) + π·δ(log((1 − π)/π))."""
        prior = open_unit(prior=prior)
        return (1 - prior) + prior * self.delta(math.log1p(-prior) - math.log(prior))


def _as_numbers(values: ArrayLike, *, name: str) -> FloatArray:
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise InvalidValue(f"{name} must be a number or numbers, but is {values!r}.") from None
