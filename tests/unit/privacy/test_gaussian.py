"""The Gaussian mechanism's closed forms against 60 digits."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from dpcore.privacy.gaussian import hockey_stick, mixed_hockey_stick, smallest_epsilon


def _exact_delta(epsilon: float, mu: float) -> float:
    with mpmath.workdps(60):
        e, m = mpmath.mpf(epsilon), mpmath.mpf(mu)
        return float(mpmath.ncdf(m / 2 - e / m) - mpmath.exp(e) * mpmath.ncdf(-m / 2 - e / m))


@pytest.mark.parametrize("mu", [1e-4, 0.01, 0.3, 1.0, 5.0, 30.0, 137.2])
@pytest.mark.parametrize("share", [0.0, 0.2, 1.0, 1.7])
def test_hockey_stick_equals_60_digits(mu: float, share: float) -> None:
    epsilon = share * (mu * mu / 2 + 4 * mu)
    expected = _exact_delta(epsilon, mu)
    assert float(hockey_stick(epsilon, mu)) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_hockey_stick_neither_overflows_nor_leaves_the_unit_interval() -> None:
    shifts = np.array([0.0, 1e-9, 1.0, 1e4, 4.5e7, 1e10])
    for epsilon in (0.0, 1e-6, 1.0, 1e9, 1e15, 1e20):
        delta = hockey_stick(epsilon, shifts)
        assert np.all((delta >= 0) & (delta <= 1))
        assert np.all(np.diff(delta) >= 0)
    assert hockey_stick(1.0, 0.0) == 0.0


@pytest.mark.parametrize("mu", [1e-3, 0.5, 3.0, 40.0, 4.47e7])
@pytest.mark.parametrize("delta", [1e-2, 8e-7, 1e-15])
def test_smallest_epsilon_is_the_root_from_above(mu: float, delta: float) -> None:
    epsilon = smallest_epsilon(delta, np.array([mu]), np.ones(1))
    if epsilon == 0.0:
        assert _exact_delta(0.0, mu) <= delta
        return
    assert _exact_delta(epsilon, mu) <= delta
    assert _exact_delta(epsilon * (1 - 1e-8), mu) > delta


def test_mixture_is_the_weighted_mean_and_its_epsilon_between_the_parts() -> None:
    shifts, weights = np.array([1.0, 3.0]), np.array([0.75, 0.25])
    expected = 0.75 * _exact_delta(2.0, 1.0) + 0.25 * _exact_delta(2.0, 3.0)
    assert mixed_hockey_stick(2.0, shifts, weights) == pytest.approx(expected, rel=1e-12)
    mixed = smallest_epsilon(1e-5, shifts, weights)
    assert smallest_epsilon(1e-5, shifts[:1], np.ones(1)) < mixed < smallest_epsilon(1e-5, shifts[1:], np.ones(1))
    assert mixed_hockey_stick(mixed, shifts, weights) <= 1e-5
