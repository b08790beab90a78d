"""What an attacker sees of one DP-SGD step, reduced to one dimension: the log-likelihood ratio L, and its law."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dpcore.errors import InvalidValue
from dpcore.privacy.mechanism import DpSgdMechanism

FloatArray = NDArray[np.floating]
Tier = Literal["worst_case", "relaxed"]
TIERS: tuple[Tier, ...] = ("worst_case", "relaxed")

#: Beyond this many standard deviations a normal variable carries no mass (1e-23).
REACH = 10.0


def check_tier(tier: object) -> Tier:
    """Returns the name of a known tier; raises InvalidValue otherwise."""
    for known in TIERS:
        if tier == known:
            return known
    raise InvalidValue(f"tier must be one of {', '.join(TIERS)}, but is {tier!r}.")


@dataclass(frozen=True, kw_only=True)
class StepLikelihood:
    """One step: absent P = N(0, 1), present Q = (1 − q)·N(0, 1) + q·N(μ, 1) = e^L·P.

    Worst case (Hayes, Mahloujifar & Balle 2023): the attacker sees x and L(x) = log(1 − q + q·exp(μx − μ²/2)).
    Relaxed (Kaissis et al., arXiv 2210.13028): the attacker sees |x| and
    L(x) = log(1 − q + q·exp(−μ²/2)·cosh(μx)).
    """

    sample_rate: float
    mu: float
    tier: Tier

    @classmethod
    def of(cls, mechanism: DpSgdMechanism, tier: Tier) -> StepLikelihood:
        """Returns one step of a mechanism as seen by a tier's attacker."""
        return cls(sample_rate=mechanism.sample_rate, mu=mechanism.mu, tier=check_tier(tier))

    @property
    def lowest(self) -> float:
        """The greatest lower bound of L, or 0 where there is none."""
        if self.tier == "relaxed":
            return float(self.log_ratio(np.zeros(1))[0])
        return math.log1p(-self.sample_rate) if self.sample_rate < 1 else 0.0

    def log_ratio(self, x: FloatArray) -> FloatArray:
        """Returns L(x) without cancellation near 0 and without overflow, in the shape of `x`."""
        q = self.sample_rate
        exponent, excess = self._full_batch_ratio(x)
        if q == 1.0:
            near = np.abs(exponent) < 0.01
            return np.where(near, np.log1p(np.where(near, excess, 0.0)), exponent)
        far = np.logaddexp(math.log1p(-q), math.log(q) + exponent)
        return np.where(exponent < 1.0, np.log1p(q * excess), far)

    def _full_batch_ratio(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """log of the likelihood ratio at q = 1, and the ratio less 1 where the former is below 1 (else any value)."""
        half = self.mu * self.mu / 2
        if self.tier == "worst_case":
            exponent = self.mu * x - half
            return exponent, np.expm1(np.minimum(exponent, 1.0))
        y = np.abs(self.mu * x)
        exponent = y + np.log1p(np.exp(-2 * y)) - math.log(2) - half
        near = np.minimum(y, 2.0 + half) if half < 300 else np.zeros_like(y)
        return exponent, 2 * np.sinh(near / 2) ** 2 * math.exp(-half) + math.expm1(-half)

    def extent(self, order: float) -> float:
        """Returns the length of the stretch of x that carries e^{order·L}·P."""
        lower, upper = self._ends(order)
        return upper - lower

    def _ends(self, order: float) -> tuple[float, float]:
        upper = REACH + max(order, 0.0) * self.mu
        return (-upper if self.tier == "relaxed" else -REACH - max(-order, 0.0) * self.mu), upper

    def nodes(self, spacing: float, order: float) -> tuple[FloatArray, FloatArray]:
        """Returns L and log weights of e^{order·L}·P at points `spacing` apart (trapezoidal rule), each (nodes,)."""
        lower, upper = self._ends(order)
        x = lower + spacing * np.arange(math.ceil((upper - lower) / spacing) + 1)
        ratio = self.log_ratio(x)
        return ratio, order * ratio - x * x / 2 + math.log(spacing / math.sqrt(2 * math.pi))

    @property
    def smooth_spacing(self) -> float:
        """A spacing at which the trapezoidal rule is exact: L is analytic within π/(2μ) of the real line."""
        return min(0.25, 0.35 / self.mu)
