"""The tight accountant: against closed forms at 60 digits, quadrature, and its own trade-off curve."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from scipy import integrate, stats

from dpcore.errors import InvalidValue
from dpcore.privacy import (
    DpSgdMechanism,
    NonPrivate,
    get_approximate_epsilon_from_mechanisms,
    get_approximate_mu_from_mechanism,
    get_epsilon_from_mechanism,
    get_epsilon_from_mechanisms,
    get_trade_off_from_mechanism,
)
from dpcore.privacy.likelihood import StepLikelihood
from dpcore.privacy.tight import (
    SMALLEST_COMPOSED_NOISE,
    _composed_epsilon,
    get_revealed_epsilon_from_mechanisms,
    get_tight_epsilon_from_mechanisms,
)


def _mechanism(noise_multiplier: float, sample_rate: float, steps: int) -> DpSgdMechanism:
    return DpSgdMechanism(noise_multiplier=noise_multiplier, sample_rate=sample_rate, steps=steps)


def _tight(*mechanisms: DpSgdMechanism, delta: float) -> float:
    return get_epsilon_from_mechanisms(mechanisms, delta=delta, accountant="tight")


def _gaussian_delta(epsilon: float, mu: float) -> mpmath.mpf:
    with mpmath.workdps(60):
        e, m = mpmath.mpf(epsilon), mpmath.mpf(mu)
        return mpmath.ncdf(m / 2 - e / m) - mpmath.exp(e) * mpmath.ncdf(-m / 2 - e / m)


@pytest.mark.parametrize(("sigma", "steps"), [(50.0, 1), (3.0, 20), (0.2, 7), (1e-3, 300), (2e-8, 1), (1e-7, 50)])
@pytest.mark.parametrize("delta", [1e-3, 8e-7, 1e-12])
def test_full_batches_at_60_digits(sigma: float, steps: int, delta: float) -> None:
    epsilon = _tight(_mechanism(sigma, 1.0, steps), delta=delta)
    mu = math.sqrt(steps) / sigma
    if epsilon == 0.0:
        assert _gaussian_delta(0.0, mu) <= delta
    else:
        assert _gaussian_delta(epsilon, mu) <= delta
        assert _gaussian_delta(epsilon * (1 - 1e-8), mu) > delta


@pytest.mark.parametrize(("mu", "steps"), [(0.02, 400), (0.5, 9), (2.0, 3), (0.001, 50_000)])
@pytest.mark.parametrize("delta", [1e-2, 8e-7, 1e-10, 1e-30])
def test_composition_equals_the_closed_form_for_full_batches(mu: float, steps: int, delta: float) -> None:
    step = StepLikelihood(sample_rate=1.0, mu=mu, tier="worst_case")
    composed = _composed_epsilon(((step, steps),), delta)
    exact = _tight(_mechanism(1 / mu, 1.0, steps), delta=delta)
    assert exact * (1 - 1e-10) <= composed <= exact * (1 + 1e-6) + 1e-9


@pytest.mark.parametrize(("sigma", "q"), [(1.0, 0.1), (0.03, 0.02), (4.0, 0.9), (1e-6, 0.3)])
@pytest.mark.parametrize("delta", [1e-2, 1e-6])
def test_single_sampled_step_at_60_digits(sigma: float, q: float, delta: float) -> None:
    epsilon = _tight(_mechanism(sigma, q, 1), delta=delta)
    with mpmath.workdps(60):

        def exact_delta(e: mpmath.mpf) -> mpmath.mpf:
            inner = mpmath.log(1 + (mpmath.exp(e) - 1) / mpmath.mpf(q))
            return q * _gaussian_delta(inner, 1 / mpmath.mpf(sigma))

        if epsilon == 0.0:
            assert exact_delta(mpmath.mpf(0)) <= delta
        else:
            assert exact_delta(mpmath.mpf(epsilon)) <= delta * (1 + 1e-9)
            assert exact_delta(mpmath.mpf(epsilon) * (1 - 1e-8)) > delta


@pytest.mark.parametrize(("sigma", "q"), [(1.0, 0.1), (0.5, 0.02), (2.0, 0.6)])
def test_two_sampled_steps_equal_quadrature(sigma: float, q: float) -> None:
    step = StepLikelihood(sample_rate=q, mu=1 / sigma, tier="worst_case")
    epsilon = _tight(_mechanism(sigma, q, 2), delta=1e-5)

    def delta_of_rest(own: float) -> float:
        # The rest must exceed ε − own: a subsampled Gaussian release with its closed form, for either sign.
        slope = math.exp(epsilon - own)
        if slope <= 1 - q:
            return 1 - slope
        inner = math.log1p((slope - 1) / q)
        mu = 1 / sigma
        return q * (stats.norm.sf(inner / mu - mu / 2) - math.exp(inner) * stats.norm.sf(inner / mu + mu / 2))

    def integrand(x: float) -> float:
        own = float(step.log_ratio(np.array([x]))[0])
        return stats.norm.pdf(x) * math.exp(own) * delta_of_rest(own)

    delta, _ = integrate.quad(integrand, -12, 12 + 1 / sigma, limit=400, epsabs=1e-14)
    assert delta == pytest.approx(1e-5, rel=1e-5)


@pytest.mark.parametrize(("sigma", "q", "steps"), [(3.194, 0.2534, 300), (0.5, 0.01, 1000), (1.0, 0.1, 100)])
def test_delta_of_the_trade_off_curve_agrees(sigma: float, q: float, steps: int) -> None:
    mechanism = _mechanism(sigma, q, steps)
    for delta in (1e-2, 1e-4):
        epsilon = _tight(mechanism, delta=delta)
        assert get_trade_off_from_mechanism(mechanism).delta(epsilon) == pytest.approx(delta, rel=1e-4)


@pytest.mark.parametrize("delta", [1e-2, 1e-6])
@pytest.mark.parametrize(("sigma", "q", "steps"), [(0.9, 0.05, 200), (0.2, 0.3, 20), (0.05, 0.01, 40)])
def test_revealing_the_batches_only_raises_epsilon(sigma: float, q: float, steps: int, delta: float) -> None:
    mechanism = _mechanism(sigma, q, steps)
    revealed = get_revealed_epsilon_from_mechanisms((mechanism,), delta=delta)
    assert _tight(mechanism, delta=delta) <= revealed


def test_revealed_bound_by_hand() -> None:
    # T = 2: the record is in 0, 1 or 2 batches.
    sigma, q, delta = 0.01, 0.3, 1e-3
    epsilon = get_revealed_epsilon_from_mechanisms((_mechanism(sigma, q, 2),), delta=delta)

    def total(e: float) -> float:
        return float(2 * q * (1 - q) * _gaussian_delta(e, 1 / sigma) + q * q * _gaussian_delta(e, math.sqrt(2) / sigma))

    assert total(epsilon) <= delta
    assert total(epsilon * (1 - 1e-7)) > delta


def test_epsilon_rises_where_composition_hands_over_to_the_bound() -> None:
    above = _tight(_mechanism(SMALLEST_COMPOSED_NOISE * 1.0001, 0.2, 100), delta=8e-7)
    below = _tight(_mechanism(SMALLEST_COMPOSED_NOISE * 0.9999, 0.2, 100), delta=8e-7)
    assert above < below < 1.02 * above


def test_several_releases() -> None:
    one, other = _mechanism(2.0, 1.0, 3), _mechanism(5.0, 1.0, 10)
    together = _tight(one, other, delta=1e-6)
    mu = math.sqrt(3 / 4 + 10 / 25)
    assert together == pytest.approx(_tight(_mechanism(1 / mu, 1.0, 1), delta=1e-6), rel=1e-9)
    whole = _tight(_mechanism(1.3, 0.05, 60), delta=1e-6)
    assert _tight(_mechanism(1.3, 0.05, 25), _mechanism(1.3, 0.05, 35), delta=1e-6) == pytest.approx(whole, rel=1e-6)
    sampled, noisy = _mechanism(0.9, 0.05, 100), _mechanism(3.0, 0.3, 50)
    both = _tight(sampled, noisy, delta=1e-6)
    assert max(_tight(sampled, delta=1e-6), _tight(noisy, delta=1e-6)) < both
    assert both < _tight(sampled, delta=5e-7) + _tight(noisy, delta=5e-7)
    # With hardly any noise in one of them the revealed bound holds for all.
    loud = _mechanism(1e-3, 0.05, 100)
    assert _tight(loud, delta=1e-6) < _tight(loud, noisy, delta=1e-6) < math.inf


def test_no_privacy_and_perfect_privacy() -> None:
    for accountant in ("rdp", "tight"):
        assert get_epsilon_from_mechanism(NonPrivate(), delta=1e-6, accountant=accountant) == math.inf
    assert _tight(_mechanism(1e9, 1.0, 1), delta=1e-6) == 0.0
    assert _tight(_mechanism(1.0, 1e-9, 5), delta=1e-6) == 0.0


@pytest.mark.parametrize("delta", [0.0, 1.0, -1e-6, math.nan, math.inf, "x"])
def test_bad_delta_is_refused(delta: object) -> None:
    with pytest.raises(InvalidValue, match=r"^delta must be"):
        get_epsilon_from_mechanism(NonPrivate(), delta=delta, accountant="rdp")  # type: ignore[arg-type]


def test_unknown_accountant_and_no_mechanism_are_refused() -> None:
    with pytest.raises(InvalidValue, match=r"^accountant must be one of rdp, tight"):
        get_epsilon_from_mechanism(NonPrivate(), delta=1e-6, accountant="prv")  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match=r"^mechanisms must be"):
        get_epsilon_from_mechanisms((), delta=1e-6, accountant="rdp")


@pytest.mark.parametrize("delta", [1e-9, 1e-15, 1e-60])
def test_tiny_deltas_are_resolved(delta: float) -> None:
    mechanism = _mechanism(1.0, 0.1, 100)
    tight = get_tight_epsilon_from_mechanisms((mechanism,), delta=delta)
    rdp = get_epsilon_from_mechanism(mechanism, delta=delta, accountant="rdp")
    assert 0.8 * rdp < tight < rdp


def test_central_limit_is_exact_for_many_faint_full_batches_and_below_the_truth_otherwise() -> None:
    faint = _mechanism(1000.0, 1.0, 10_000)
    assert get_approximate_mu_from_mechanism(faint) == pytest.approx(0.1, rel=1e-6)
    approximate = get_approximate_epsilon_from_mechanisms((faint,), delta=1e-5)
    assert approximate == pytest.approx(_tight(faint, delta=1e-5), rel=1e-5)
    usual = _mechanism(1.0, 0.1, 100)
    assert get_approximate_epsilon_from_mechanisms((usual,), delta=8e-7) < 0.9 * _tight(usual, delta=8e-7)
    assert get_approximate_epsilon_from_mechanisms((_mechanism(0.01, 0.1, 1),), delta=1e-6) == math.inf
