"""Trade-off curves that have a formula."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr, ndtri

from dpcore.privacy.gaussian import hockey_stick
from dpcore.privacy.trade_off import TradeOff

FloatArray = NDArray[np.floating]

#: exp() of more than this overflows.
_LARGEST_EXPONENT = 700.0


@dataclass(frozen=True, kw_only=True)
class BlindTradeOff(TradeOff):
    """Everything is hidden: γ = κ."""

    def _gamma(self, kappa: FloatArray) -> FloatArray:
        return kappa

    def delta(self, epsilon: float) -> float:
        """Returns 1 − e^ε below 0, else 0."""
        return max(-math.expm1(min(epsilon, 0.0)), 0.0)

    @property
    def auc(self) -> float:
        """Returns ½."""
        return 0.5


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
        # The pair is symmetric, so δ(ε) = 1 − e^ε + e^ε·δ(−ε).
        return -math.expm1(epsilon) + math.exp(epsilon) * float(hockey_stick(-epsilon, self.mu))

    @property
    def auc(self) -> float:
        """Returns Φ(μ/√2)."""
        return float(ndtr(self.mu / math.sqrt(2)))


@dataclass(frozen=True, kw_only=True)
class FoldedTradeOff(TradeOff):
    """|N(0, 1)| against |N(μ, 1)|: γ = 1 − F_ncχ²(1, μ²)(F⁻¹_χ²₁(1 − κ)). Kaissis et al. (arXiv 2210.13028)."""

    mu: float

    def _beyond(self, bound: FloatArray) -> FloatArray:
        return ndtr(self.mu - bound) + ndtr(-self.mu - bound)

    def _gamma(self, kappa: FloatArray) -> FloatArray:
        return np.minimum(self._beyond(-ndtri(kappa / 2)), 1.0)

    def delta(self, epsilon: float) -> float:
        """Returns TPR − e^ε·FPR beyond the |x| at which the likelihood ratio exp(−μ²/2)·cosh(μx) is e^ε."""
        guess = -math.expm1(min(epsilon, 0.0))
        exponent = epsilon + self.mu**2 / 2
        if exponent <= 0:
            return guess
        bound = (exponent + math.log1p(math.sqrt(-math.expm1(-2 * exponent)))) / self.mu
        weighted_fpr = math.exp(epsilon + math.log(2) + float(log_ndtr(-bound)))
        return max(float(self._beyond(np.asarray(bound))) - weighted_fpr, guess)

    @property
    def auc(self) -> float:
        """Returns p² + (1 − p)² with p = Φ(μ/√2): |X| > |Y| where X − Y and X + Y, both N(μ, 2), agree in sign."""
        p = float(ndtr(self.mu / math.sqrt(2)))
        return p * p + (1 - p) * (1 - p)


@dataclass(frozen=True, kw_only=True)
class SampledTradeOff(TradeOff):
    """With probability `rate` the base curve, else a blind guess: γ = (1 − r)·κ + r·γ_base(κ). Exact for one step."""

    base: TradeOff
    rate: float

    def _gamma(self, kappa: FloatArray) -> FloatArray:
        return kappa + self.rate * (self.base._gamma(kappa) - kappa)

    def delta(self, epsilon: float) -> float:
        """Returns r·δ_base(log(1 + (e^ε − 1)/r)), privacy amplification by subsampling; 1 − e^ε for e^ε < 1 − r."""
        slope = math.expm1(min(epsilon, _LARGEST_EXPONENT)) / self.rate
        return self.rate * self.base.delta(math.log1p(slope)) if slope > -1 else -math.expm1(epsilon)

    @property
    def auc(self) -> float:
        """Returns (1 − r)/2 + r·AUC of the base."""
        return (1 - self.rate) / 2 + self.rate * self.base.auc


@dataclass(frozen=True, kw_only=True)
class LeakyTradeOff(TradeOff):
    """With probability `rate` certainty, else the base curve: γ = r + (1 − r)·γ_base(κ).

    With a blind base and r = 1 − (1 − q)^T, this is σ → 0: γ = 1 − (1 − κ)(1 − q)^T.
    """

    base: TradeOff
    rate: float
    error: float = 0.0

    @property
    def resolution(self) -> float:  # type: ignore[override]
        """That of the base."""
        return self.base.resolution

    def _gamma(self, kappa: FloatArray) -> FloatArray:
        return self.rate + (1 - self.rate) * self.base._gamma(kappa)

    def delta(self, epsilon: float) -> float:
        """Returns r + (1 − r)·δ_base(ε − log(1 − r))."""
        if self.rate == 1:
            return 1.0
        return self.rate + (1 - self.rate) * self.base.delta(epsilon - math.log1p(-self.rate))

    @property
    def auc(self) -> float:
        """Returns r + (1 − r)·AUC of the base."""
        return self.rate + (1 - self.rate) * self.base.auc


#: Without noise nothing is hidden: γ = 1 for every κ.
CERTAIN = LeakyTradeOff(base=BlindTradeOff(), rate=1.0)
