"""The tight accountant never reports too small an ε: beside dp-accounting where that works, at 60 digits elsewhere."""

from __future__ import annotations

import math

import mpmath
import numpy as np
from dp_accounting.pld import privacy_loss_distribution as pld
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dpcore.privacy import DpSgdMechanism, PrivacyTarget, calibrate, get_epsilon_from_mechanism


def _log_uniform(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(np.log10(low), np.log10(high)).map(lambda x: float(10**x))


deltas = _log_uniform(1e-12, 1e-2)


def _gaussian_delta(epsilon: float, mu: float) -> mpmath.mpf:
    """δ at ε of one Gaussian release, Balle and Wang (2018), eq. 6."""
    with mpmath.workdps(60):
        e, m = mpmath.mpf(epsilon), mpmath.mpf(mu)
        return mpmath.ncdf(m / 2 - e / m) - mpmath.exp(e) * mpmath.ncdf(-m / 2 - e / m)


@settings(max_examples=25)
@given(
    noise_multiplier=st.floats(0.5, 8.0),
    sample_rate=_log_uniform(1e-3, 0.9),
    steps=_log_uniform(1, 1000).map(round),
    delta=_log_uniform(1e-9, 1e-2),
)
def test_never_below_the_optimistic_count_of_dp_accounting(
    noise_multiplier: float, sample_rate: float, steps: int, delta: float
) -> None:
    assume(steps * (sample_rate / noise_multiplier) ** 2 < 40)  # Its grids become huge beyond.
    mechanism = DpSgdMechanism(noise_multiplier=noise_multiplier, sample_rate=sample_rate, steps=steps)
    ours = get_epsilon_from_mechanism(mechanism, delta=delta, accountant="tight")
    lower, upper = (
        pld.from_gaussian_mechanism(
            standard_deviation=noise_multiplier,
            sampling_prob=sample_rate,
            value_discretization_interval=1e-3,
            pessimistic_estimate=pessimistic,
            use_connect_dots=pessimistic,
        )
        .self_compose(steps)
        .get_epsilon_for_delta(delta)
        for pessimistic in (False, True)
    )
    assert lower <= ours <= upper * (1 + 1e-6) + 1e-9


@settings(max_examples=60)
@given(noise_multiplier=_log_uniform(1e-8, 1e3), steps=_log_uniform(1, 1e4).map(round), delta=deltas)
def test_full_batches_are_exact_at_60_digits(noise_multiplier: float, steps: int, delta: float) -> None:
    mechanism = DpSgdMechanism(noise_multiplier=noise_multiplier, sample_rate=1.0, steps=steps)
    epsilon = get_epsilon_from_mechanism(mechanism, delta=delta, accountant="tight")
    mu = math.sqrt(steps) / noise_multiplier
    assert _gaussian_delta(epsilon, mu) <= delta
    assert epsilon == 0 or _gaussian_delta(epsilon * (1 - 1e-7), mu) > delta


@settings(max_examples=40)
@given(epsilon=_log_uniform(0.01, 1e15), delta=deltas)
def test_one_release_is_calibrated_at_60_digits(epsilon: float, delta: float) -> None:
    target = PrivacyTarget(epsilon=epsilon, delta=delta, accountant="tight")
    noise_multiplier = calibrate(target, sample_rate=1.0, steps=1).noise_multiplier
    assert _gaussian_delta(epsilon, 1 / noise_multiplier) <= delta
    assert _gaussian_delta(epsilon, 1 / (noise_multiplier * (1 - 1e-6))) > delta
