"""From a privacy target to the noise that meets it."""

from __future__ import annotations

import math
from functools import lru_cache

from dpcore._validate import unit_interval, whole
from dpcore.errors import CalibrationError
from dpcore.privacy.accounting import get_epsilon_from_mechanism
from dpcore.privacy.mechanism import NOISE_LIMITS, DpSgdMechanism, PrivacyTarget
from dpcore.privacy.solver import smallest_safe

#: How far above the smallest noise multiplier that meets the target the result may be, relatively.
_TOLERANCE = 1e-8
#: First step of the search in log σ; the first guess is seldom further off than a few of these.
_STEP = 0.1
_LOG_LIMITS = (math.log(NOISE_LIMITS[0]) + 1e-9, math.log(NOISE_LIMITS[1]) - 1e-9)


def calibrate(target: PrivacyTarget, *, sample_rate: float, steps: int) -> DpSgdMechanism:
    """Returns the mechanism with the least noise that meets the target; its ε is never above it.

    The noise multiplier is right to about 1e-8, for ε from 0.01 to 1e15. Raises InvalidValue for sample_rate outside
    (0, 1] or steps that are not whole or below 1, CalibrationError if no noise multiplier up to 1e12 meets the target.
    """
    return _cached_calibration(target, unit_interval(sample_rate=sample_rate), whole(steps=steps))


@lru_cache(maxsize=4096)
def _cached_calibration(target: PrivacyTarget, sample_rate: float, steps: int) -> DpSgdMechanism:
    def mechanism(log_noise: float) -> DpSgdMechanism:
        return DpSgdMechanism(noise_multiplier=math.exp(log_noise), sample_rate=sample_rate, steps=steps)

    def log_excess(log_noise: float) -> float:
        epsilon = get_epsilon_from_mechanism(mechanism(log_noise), delta=target.delta, accountant=target.accountant)
        excess = math.log(max(epsilon, 1e-300)) - math.log(target.epsilon)
        # ε itself decides the sign, so that rounding of the logarithms cannot exceed the target.
        return max(excess, 1e-16) if epsilon > target.epsilon else min(excess, 0.0)

    try:
        log_noise = smallest_safe(
            log_excess,
            start=_first_guess(target, sample_rate=sample_rate, steps=steps),
            step=_STEP,
            tolerance=_TOLERANCE,
            limits=_LOG_LIMITS,
        )
    except CalibrationError:
        raise CalibrationError(
            f"epsilon must be large enough for a noise_multiplier of at most {NOISE_LIMITS[1]:g}, "
            f"but is {target.epsilon!r} (at delta {target.delta!r})."
        ) from None
    return mechanism(log_noise)


def _first_guess(target: PrivacyTarget, *, sample_rate: float, steps: int) -> float:
    """log σ at which the central limit, or at small σ the number of sampled steps, gives about the target's ε."""
    log_delta = -math.log(target.delta)
    total = 2 * (target.epsilon / (math.sqrt(log_delta + target.epsilon) + math.sqrt(log_delta))) ** 2
    share = sample_rate if target.accountant == "tight" else 1.0
    revealed = total / max(steps * share, 1.0)
    sampled = math.log1p(total / (steps * sample_rate**2))
    return -math.log(max(revealed, sampled)) / 2
