"""From a privacy target to the noise that meets it."""

from __future__ import annotations

import math

from dpcore._validate import unit_interval, whole
from dpcore.errors import CalibrationError
from dpcore.privacy.accounting import get_epsilon_from_mechanism
from dpcore.privacy.mechanism import DpSgdMechanism, PrivacyTarget
from dpcore.privacy.solver import smallest_safe
from dpcore.privacy.tight import get_revealed_epsilon_from_mechanisms

#: Range of noise multipliers searched.
LIMITS = (1e-12, 1e9)
#: The noise multiplier is at most this much above the smallest that meets the target, relatively.
TOLERANCE = 1e-8


def calibrate(target: PrivacyTarget, *, sample_rate: float, steps: int) -> DpSgdMechanism:
    """Returns the mechanism with the least noise that meets the target; its ε is never above it.

    The noise multiplier is right to about 1e-8, for ε from 0.01 to 1e15. Raises InvalidValue for sample_rate outside
    (0, 1] or steps that are not whole or below 1, CalibrationError if no noise multiplier up to 1e9 meets the target.
    """
    sample_rate, steps = unit_interval(sample_rate=sample_rate), whole(steps=steps)

    def mechanism(log_noise: float) -> DpSgdMechanism:
        return DpSgdMechanism(noise_multiplier=math.exp(log_noise), sample_rate=sample_rate, steps=steps)

    def log_excess(log_noise: float) -> float:
        epsilon = get_epsilon_from_mechanism(mechanism(log_noise), delta=target.delta, accountant=target.accountant)
        # The negation of ≤ decides, so that rounding of the logarithms cannot exceed the target.
        excess = math.log(max(epsilon, 1e-300)) - math.log(target.epsilon)
        return max(excess, 1e-16) if epsilon > target.epsilon else min(excess, 0.0)

    start = _first_guess(target, sample_rate=sample_rate, steps=steps)
    try:
        log_noise = smallest_safe(
            log_excess, start=start, step=0.1, tolerance=TOLERANCE, limits=(math.log(LIMITS[0]), math.log(LIMITS[1]))
        )
    except CalibrationError:
        raise CalibrationError(
            f"No noise_multiplier up to {LIMITS[1]:g} gives an epsilon of at most {target.epsilon!r} "
            f"at delta {target.delta!r}."
        ) from None
    return mechanism(log_noise)


def _first_guess(target: PrivacyTarget, *, sample_rate: float, steps: int) -> float:
    """log σ of a Gaussian mechanism with the mean number of sampled steps, or with CLT noise: whichever is less."""
    log_delta = -math.log(target.delta)
    mu = math.sqrt(2) * (math.sqrt(log_delta + target.epsilon) - math.sqrt(log_delta))
    share = sample_rate if target.accountant == "tight" or sample_rate == 1 else 1.0
    huge = math.log(math.sqrt(max(steps * share, 1.0)) / mu)
    clt = math.log1p(mu * mu / (steps * sample_rate**2)) / 2
    return min(huge, -math.log(clt) / 1.0 if clt > 0 else huge) if clt else huge
