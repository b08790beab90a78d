"""The Gaussian (central limit) accountant: an approximation, not a bound. Often below the true ε."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dpcore._validate import open_unit
from dpcore.privacy.gaussian import smallest_epsilon
from dpcore.privacy.mechanism import DpSgdMechanism


def get_approximate_mu_from_mechanism(mechanism: DpSgdMechanism) -> float:
    """Returns μ ≈ q·√(T·(exp(1/σ²) − 1)) of Gaussian DP; infinite where that overflows.

    An approximation. Bu, Dong, Long & Su (Harvard Data Science Review, 2020), section 3.
    """
    exponent = mechanism.mu**2
    if exponent > 700:
        return math.inf
    return mechanism.sample_rate * math.sqrt(mechanism.steps * math.expm1(exponent))


def get_approximate_epsilon_from_mechanisms(mechanisms: Sequence[DpSgdMechanism], *, delta: float) -> float:
    """Returns ε by the central limit theorem, which may be below the true ε: label it an approximation."""
    delta = open_unit(delta=delta)
    mu = math.sqrt(sum(get_approximate_mu_from_mechanism(m) ** 2 for m in mechanisms))
    return smallest_epsilon(delta, np.array([mu]), np.ones(1)) if math.isfinite(mu) else math.inf
