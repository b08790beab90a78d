"""The best attack's true-positive rate γ at every false-positive rate κ, and every risk that follows from it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr, ndtr, ndtri

from dpcore._validate import open_unit
from dpcore.errors import InvalidValue
from dpcore.privacy.gaussian import hockey_stick
from dpcore.privacy.tails import hermite

FloatArray = NDArray[np.float64]

#: A false-positive rate or κ below this cannot be told from the noise of the FFT.
RESOLUTION = 1e-8


class TradeOff(ABC):
    """The ROC curve no attacker of a tier can exceed. One-sided: absent is the hypothesis, an alarm says "present"."""

    #: Smallest κ that can be resolved; 0 for closed forms.
    resolution: float = 0.0
    #: Estimated largest relative error of γ over all κ that can be resolved.
    error: float = 0.0

    @abstractmethod
    def _gamma(self, kappa: FloatArray) -> FloatArray:
        """γ for values in [0, 1], same shape."""

    @abstractmethod
    def delta(self, epsilon: float) -> float:
        """Returns max over κ of γ(κ) − e^ε·κ, for any real ε."""

    @property
    @abstractmethod
    def auc(self) -> float:
        """The area under the curve: the chance to tell a member from a non-member when shown one of each."""

    @property
    def advantage(self) -> float:
        """The largest TPR − FPR of any attack: δ at ε = 0."""
        return self.delta(0.0)

    def gamma(self, kappa: ArrayLike) -> float | FloatArray:
        """Returns γ, the bound on the chance of success when κ in (0, 1] is the chance without the release.

        A float for a float, else an array of the same shape. Raises InvalidValue for κ outside (0, 1] or below
        `resolution`.
        """
        values = np.asarray(kappa, dtype=float)
        if not np.all((values > 0) & (values <= 1)):
            raise InvalidValue(f"kappa must be a number above 0 and at most 1, but is {kappa!r}.")
        if np.any(values < self.resolution):
            raise InvalidValue(f"kappa must be at least {self.resolution:g} to be resolved, but is {kappa!r}.")
        result = self._gamma(values)
        return float(result) if values.ndim == 0 else result

    def roc(self, alphas: ArrayLike) -> FloatArray:
        """Returns the true-positive rates at false-positive rates `alphas` in [0, 1], same shape; raises InvalidValue."""
        values = np.asarray(alphas, dtype=float)
        if not np.all((values >= 0) & (values <= 1)):
            raise InvalidValue(f"alphas must be numbers from 0 to 1, but are {alphas!r}.")
        if np.any((values > 0) & (values < self.resolution)):
            raise InvalidValue(f"alphas must be 0 or at least {self.resolution:g} to be resolved, but are {alphas!r}.")
        return self._gamma(values)

    def tpr_at_fpr(self, fpr: float) -> float:
        """Returns the true-positive rate at one false-positive rate; γ by another name."""
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


@dataclass(frozen=True, kw_only=True)
class CertainTradeOff(TradeOff):
    """Nothing is hidden: γ = 1 for every κ."""

    def _gamma(self, kappa: FloatArray) -> FloatArray:
        return np.ones_like(kappa)

    def delta(self, epsilon: float) -> float:  # noqa: ARG002
        """Returns 1: an alarm that is never wrong."""
        return 1.0

    @property
    def auc(self) -> float:
        """Returns 1."""
        return 1.0


@dataclass(frozen=True, kw_only=True)
class GaussianTradeOff(TradeOff):
    """N(0, 1) against N(μ, 1): γ = Φ(Φ⁻¹(κ) + μ). Dong, Roth & Su (2022), equation 6."""

    mu: float

    def _gamma(self, kappa: FloatArray) -> FloatArray:
        return ndtr(ndtri(kappa) + self.mu)

    def delta(self, epsilon: float) -> float:
        """Returns Φ(μ/2 − ε/μ) − e^ε·Φ(−μ/2 − ε/μ)."""
        if epsilon >= 0:
            return float(hockey_stick(epsilon, self.mu))
        # The pair is symmetric: δ(ε) = 1 − e^ε + e^ε·δ(−ε).
        return -math.expm1(epsilon) + math.exp(epsilon) * float(hockey_stick(-epsilon, self.mu))

    @property
    def auc(self) -> float:
        """Returns Φ(μ/√2)."""
        return float(ndtr(self.mu / math.sqrt(2)))


@dataclass(frozen=True, kw_only=True)
class FoldedTradeOff(TradeOff):
    """|N(0, 1)| against |N(m, 1)|: γ = 1 − F_ncχ²(1, m²)(F⁻¹_χ²₁(1 − κ)). Kaissis et al. (arXiv 2210.13028)."""

    mu: float

    def _beyond(self, bound: FloatArray | float) -> FloatArray:
        return ndtr(self.mu - bound) + ndtr(-self.mu - bound)

    def _gamma(self, kappa: FloatArray) -> FloatArray:
        return np.minimum(self._beyond(-ndtri(kappa / 2)), 1.0)

    def delta(self, epsilon: float) -> float:
        """Returns the divergence where the likelihood ratio exp(−m²/2)·cosh(mx) is e^ε."""
        exponent = epsilon + self.mu**2 / 2
        if exponent <= 0:
            return -math.expm1(epsilon)
        bound = (exponent + math.log1p(math.sqrt(-math.expm1(-2 * exponent)))) / self.mu
        absent = math.exp(epsilon + math.log(2) + float(log_ndtr(-bound)))
        return max(float(self._beyond(bound)) - absent, 0.0, -math.expm1(epsilon))

    @property
    def auc(self) -> float:
        """Returns p² + (1 − p)² with p = Φ(m/√2): |X| > |Y| where X − Y and X + Y, both N(m, 2), agree in sign."""
        p = float(ndtr(self.mu / math.sqrt(2)))
        return p * p + (1 - p) * (1 - p)


@dataclass(frozen=True, kw_only=True)
class SampledTradeOff(TradeOff):
    """With probability `rate` the base trade-off, else a blind guess: γ = (1 − r)·κ + r·γ_base(κ).

    Exact for one step, and with a certain base and r = 1 − (1 − q)^T for σ → 0, where γ = 1 − (1 − κ)(1 − q)^T.
    """

    base: TradeOff
    rate: float
    error: float = 0.0

    def _gamma(self, kappa: FloatArray) -> FloatArray:
        return kappa + self.rate * (self.base._gamma(kappa) - kappa)

    def delta(self, epsilon: float) -> float:
        """Returns r·δ_base(log(1 + (e^ε − 1)/r)). Privacy amplification by subsampling."""
        slope = math.expm1(min(epsilon, 700.0)) / self.rate
        if slope <= -1:
            return -math.expm1(epsilon)
        return self.rate * self.base.delta(math.log1p(slope))

    @property
    def auc(self) -> float:
        """Returns (1 − r)/2 + r·AUC of the base."""
        return (1 - self.rate) / 2 + self.rate * self.base.auc


@dataclass(frozen=True, kw_only=True)
class ComposedTradeOff(TradeOff):
    """The curve at thresholds t of the composed log-likelihood ratio, where its slope dγ/dκ is e^t."""

    #: Falling.
    threshold: FloatArray
    #: Rising from 0 to 1.
    kappa: FloatArray
    #: Rising.
    gamma_at_kappa: FloatArray
    #: Whether the curve is smooth between the points (else piecewise linear).
    smooth: bool
    error: float = 0.0
    resolution: float = RESOLUTION

    def _gamma(self, kappa: FloatArray) -> FloatArray:
        if not self.smooth:
            return np.interp(kappa, self.kappa, self.gamma_at_kappa)
        right = np.clip(np.searchsorted(self.kappa, kappa), 1, len(self.kappa) - 1)
        left = right - 1
        width = self.kappa[right] - self.kappa[left]
        s = (kappa - self.kappa[left]) / width
        slope = np.exp(self.threshold)
        value = hermite(
            s,
            (self.gamma_at_kappa[left], self.gamma_at_kappa[right]),
            (slope[left] * width, slope[right] * width),
        )
        return np.clip(value, np.maximum(self.gamma_at_kappa[left], kappa), self.gamma_at_kappa[right])

    def delta(self, epsilon: float) -> float:
        """Returns the divergence; exact at the points, cubic in t between them."""
        at_points = self.gamma_at_kappa - math.exp(min(epsilon, 700.0)) * self.kappa
        best = int(np.argmax(at_points))
        value = max(float(at_points[best]), 0.0, -math.expm1(min(epsilon, 0.0)))
        if not self.smooth or not 0 < best < len(self.kappa) - 1:
            return value
        # The maximum of γ − e^ε·κ on the cubic pieces beside the best point.
        near = self.kappa[best - 1] + (self.kappa[best + 1] - self.kappa[best - 1]) * np.linspace(0, 1, 257)
        return max(value, float((self._gamma(near) - math.exp(min(epsilon, 700.0)) * near).max()))

    @property
    def auc(self) -> float:
        """Returns the integral of γ over κ."""
        width = np.diff(self.kappa)
        area = float(np.dot(width, self.gamma_at_kappa[1:] + self.gamma_at_kappa[:-1]) / 2)
        if self.smooth:
            area -= float(np.dot(width * width, np.diff(np.exp(self.threshold)))) / 12
        return area
