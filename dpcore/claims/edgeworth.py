"""The worst-case bound as the paper approximated it: an Edgeworth expansion of the composed log-likelihood ratio."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.hermite_e import hermeval
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from dpcore._validate import open_unit
from dpcore.errors import InvalidValue
from dpcore.privacy import DpSgdMechanism
from dpcore.privacy.likelihood import StepLikelihood

FloatArray = NDArray[np.floating]

#: Standard deviations in which the threshold is sought, and the points at which a change of sign is looked for.
_REACH, _POINTS = 40.0, 8001


@dataclass(frozen=True, kw_only=True)
class _Expansion:
    """Law of a sum of `steps` equal terms from the first five cumulants of one."""

    steps: int
    mean: float
    variance: float
    third: float
    fourth: float
    fifth: float

    def beyond(self, threshold: FloatArray) -> FloatArray:
        """The chance of a sum above each threshold; an approximation that may leave [0, 1]."""
        z = (threshold - self.steps * self.mean) / math.sqrt(self.steps * self.variance)
        skew = self.third / self.variance**1.5 / math.sqrt(self.steps)
        kurtosis = self.fourth / self.variance**2 / self.steps
        fifth = self.fifth / self.variance**2.5 / self.steps**1.5
        series = np.zeros(9)
        series[2] = skew / 6
        series[3], series[5] = kurtosis / 24, skew**2 / 72
        series[4], series[6], series[8] = fifth / 120, skew * kurtosis / 144, skew**3 / 1296
        return ndtr(-z) + np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * hermeval(z, series)


def get_edgeworth_gamma_from_mechanism(mechanism: DpSgdMechanism, kappa: float) -> float:
    """Returns γ at κ of the worst-case attacker by five cumulants: an approximation, no bound; probability.

    Terms up to T^(−3/2) under both measures, the threshold solved under P. Zheng et al. (2020) and Wang et al. (2022),
    "Analytical composition of differential privacy via the Edgeworth accountant". Raises InvalidValue for κ outside
    (0, 1), or where the expansion crosses κ nowhere.
    """
    kappa = open_unit(kappa=kappa)
    step = StepLikelihood.of(mechanism, "worst_case")
    absent, present = (_expand(step, mechanism.steps, order) for order in (0.0, 1.0))
    deviation = math.sqrt(absent.steps * absent.variance)
    grid = absent.steps * absent.mean + deviation * np.linspace(-_REACH, _REACH, _POINTS)
    above = np.flatnonzero(np.diff(np.sign(absent.beyond(grid) - kappa)) < 0)
    if not above.size:
        raise InvalidValue(f"kappa must be a chance that the expansion reaches, but is {kappa!r}.")
    left = int(above[-1])
    threshold = brentq(lambda t: float(absent.beyond(np.asarray(t))) - kappa, grid[left], grid[left + 1], rtol=1e-14)
    return float(np.clip(present.beyond(np.asarray(threshold)), 0.0, 1.0))


def _expand(step: StepLikelihood, steps: int, order: float) -> _Expansion:
    ratio, log_weight = step.nodes(min(step.smooth_spacing, 0.01), order)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    mean = float(weight @ ratio)
    m2, m3, m4, m5 = (float(weight @ (ratio - mean) ** k) for k in (2, 3, 4, 5))
    return _Expansion(steps=steps, mean=mean, variance=m2, third=m3, fourth=m4 - 3 * m2**2, fifth=m5 - 10 * m2 * m3)
