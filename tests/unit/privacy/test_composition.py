"""The composed curves against closed forms, quadrature over two steps, and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from dpcore.privacy import DpSgdMechanism, get_trade_off_from_mechanism, get_trade_off_from_mechanisms
from dpcore.privacy.closed_forms import GaussianTradeOff
from dpcore.privacy.composed import compose_trade_off
from dpcore.privacy.composition import compose, tilt
from dpcore.privacy.likelihood import StepLikelihood

KAPPA = np.array([1e-8, 1e-6, 1e-4, 1e-2, 0.1, 0.5, 0.9, 0.999])


def _mechanism(noise_multiplier: float, sample_rate: float, steps: int) -> DpSgdMechanism:
    return DpSgdMechanism(noise_multiplier=noise_multiplier, sample_rate=sample_rate, steps=steps)


@pytest.mark.parametrize(("mu", "steps"), [(0.01, 100), (0.3, 7), (0.05, 5000), (1.0, 2), (2.0, 9), (0.002, 10**6)])
def test_full_batches_equal_the_closed_form(mu: float, steps: int) -> None:
    composed = compose_trade_off(((StepLikelihood(sample_rate=1.0, mu=mu, tier="worst_case"), steps),))
    exact = GaussianTradeOff(mu=mu * math.sqrt(steps))
    np.testing.assert_allclose(composed.gamma(KAPPA), exact.gamma(KAPPA), rtol=3e-7)
    np.testing.assert_allclose(composed.gamma(KAPPA), exact.gamma(KAPPA), rtol=10 * composed.error + 1e-9)
    assert composed.advantage == pytest.approx(exact.advantage, rel=1e-7)
    assert composed.auc == pytest.approx(exact.auc, rel=1e-7)
    for epsilon in (-0.7, 0.3, 1.1):
        assert composed.delta(epsilon) == pytest.approx(exact.delta(epsilon), rel=1e-6, abs=1e-12)


def _two_steps(step: StepLikelihood, threshold: float) -> tuple[float, float]:
    """FPR and TPR of "L₁ + L₂ > threshold", by quadrature over the first step; the second in closed form."""
    folded = step.tier == "relaxed"
    grid = np.linspace(0 if folded else -14, 14 + step.mu, 400_001)
    ratio = step.log_ratio(grid)

    def beyond(least: float) -> tuple[float, float]:
        if least <= ratio[0]:
            return 1.0, 1.0
        x = float(np.interp(least, ratio, grid))
        if folded:
            shifted = stats.norm.sf(x - step.mu) + stats.norm.cdf(-x - step.mu)
            return 2 * stats.norm.sf(x), (1 - step.sample_rate) * 2 * stats.norm.sf(x) + step.sample_rate * shifted
        absent = stats.norm.sf(x)
        return absent, (1 - step.sample_rate) * absent + step.sample_rate * stats.norm.sf(x - step.mu)

    def integrand(x: float, which: int) -> float:
        own = float(step.log_ratio(np.array([x]))[0])
        return stats.norm.pdf(x) * math.exp(own * which) * beyond(threshold - own)[which] * (2 if folded else 1)

    lower = 0.0 if folded else -12.0
    breaks = [float(np.interp(threshold - ratio[0], ratio, grid))]
    return tuple(  # type: ignore[return-value]
        integrate.quad(integrand, lower, 12 + step.mu, args=(k,), points=breaks, limit=400, epsabs=1e-13)[0]
        for k in (0, 1)
    )


@pytest.mark.parametrize("tier", ["worst_case", "relaxed"])
@pytest.mark.parametrize(("sigma", "q"), [(2.0, 0.3), (0.7, 0.05), (1.5, 1.0), (0.4, 0.01)])
def test_two_steps_equal_quadrature(tier: str, sigma: float, q: float) -> None:
    step = StepLikelihood(sample_rate=q, mu=1 / sigma, tier=tier)
    curve = compose_trade_off(((step, 2),))
    top = float(step.log_ratio(np.array([4.0]))[0])
    for threshold in (0.0, 0.2 * top, 0.9 * top):
        false_positive, true_positive = _two_steps(step, threshold)
        if false_positive > 1e-8:
            tolerance = 1e-6 + 3 * curve.error
            assert curve.gamma(false_positive) == pytest.approx(true_positive, rel=tolerance)


@pytest.mark.parametrize("tier", ["worst_case", "relaxed"])
def test_simulated_attack_reaches_the_curve_and_not_more(tier: str) -> None:
    mechanism = _mechanism(1.0, 0.1, 20)
    step = StepLikelihood.of(mechanism, tier)
    generator = np.random.default_rng(7)
    trials = 200_000
    noise = generator.normal(size=(trials, 20))
    absent = step.log_ratio(noise).sum(axis=1)
    sampled = generator.random(size=noise.shape) < 0.1
    sign = generator.choice([-1.0, 1.0], size=noise.shape) if tier == "relaxed" else 1.0
    present = step.log_ratio(generator.normal(size=noise.shape) + sampled * sign * step.mu).sum(axis=1)
    curve = get_trade_off_from_mechanism(mechanism, tier)
    for fpr in (0.01, 0.1, 0.5):
        tpr = float((present > np.quantile(absent, 1 - fpr)).mean())
        bound = curve.tpr_at_fpr(fpr)
        # Five standard errors of both the rate and the threshold.
        slack = 5 * math.sqrt(bound * (1 - bound) / trials + (bound / fpr) ** 2 * fpr / trials)
        assert abs(tpr - bound) < slack
        assert abs(1.05 * tpr - bound) > slack or fpr == 0.01


def test_simulation_is_sharp_enough_to_reject_other_noise() -> None:
    right = get_trade_off_from_mechanism(_mechanism(1.0, 0.1, 20)).tpr_at_fpr(0.1)
    for factor in (2 / 3, 3 / 2):
        wrong = get_trade_off_from_mechanism(_mechanism(factor, 0.1, 20)).tpr_at_fpr(0.1)
        assert abs(wrong - right) > 0.03


def test_steps_compose_however_they_are_grouped() -> None:
    whole = get_trade_off_from_mechanism(_mechanism(1.3, 0.05, 60))
    parts = get_trade_off_from_mechanisms((_mechanism(1.3, 0.05, 25), _mechanism(1.3, 0.05, 35)))
    np.testing.assert_allclose(parts.gamma(KAPPA), whole.gamma(KAPPA), rtol=1e-6)


def test_different_releases_equal_the_closed_form_and_exceed_each() -> None:
    full = get_trade_off_from_mechanisms((_mechanism(2.0, 1.0, 3), _mechanism(5.0, 1.0, 10)))
    exact = GaussianTradeOff(mu=math.sqrt(3 / 4 + 10 / 25))
    np.testing.assert_allclose(full.gamma(KAPPA), exact.gamma(KAPPA), rtol=1e-12)
    one, other = _mechanism(2.0, 0.2, 30), _mechanism(0.8, 0.02, 50)
    for tier in ("worst_case", "relaxed"):
        both = get_trade_off_from_mechanisms((one, other), tier).gamma(KAPPA)
        for alone in (one, other):
            assert np.all(both > get_trade_off_from_mechanism(alone, tier).gamma(KAPPA))


def test_a_release_with_hardly_any_noise_leaks_what_it_samples() -> None:
    clear, noisy = _mechanism(1e-3, 0.02, 10), _mechanism(1.3, 0.05, 60)
    both = get_trade_off_from_mechanisms((clear, noisy))
    alone = get_trade_off_from_mechanism(noisy)
    seen = 1 - 0.98**10
    np.testing.assert_allclose(both.gamma(KAPPA), seen + (1 - seen) * np.asarray(alone.gamma(KAPPA)), rtol=1e-9)


@pytest.mark.parametrize("tier", ["worst_case", "relaxed"])
@pytest.mark.parametrize("steps", [3, 300])
def test_small_noise_approaches_its_limit_from_below(tier: str, steps: int) -> None:
    q = 0.5 / steps
    limit = 1 - (1 - KAPPA) * (1 - q) ** steps
    before = np.zeros_like(KAPPA)
    for sigma in (0.3, 0.15, 0.08, 0.06):
        curve = get_trade_off_from_mechanism(_mechanism(sigma, q, steps), tier)
        gamma = np.asarray(curve.gamma(KAPPA))
        assert np.all(gamma <= limit * (1 + curve.error + 1e-9))
        assert np.all(gamma >= before * (1 - 2 * curve.error - 1e-9))
        before = gamma
    np.testing.assert_allclose(before, limit, rtol=1e-3)


@pytest.mark.parametrize("order", [-3.0, 0.0, 1.0, 6.5])
@pytest.mark.parametrize(("sigma", "q", "steps"), [(1.0, 0.1, 200), (0.5, 0.01, 3)])
def test_masses_sum_to_one_and_keep_mean_and_variance(order: float, sigma: float, q: float, steps: int) -> None:
    step = StepLikelihood(sample_rate=q, mu=1 / sigma, tier="worst_case")
    ratio, log_weight = step.nodes(1e-3, order)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    mean = float(weight @ ratio)
    variance = float(weight @ (ratio - mean) ** 2)
    for loss in compose(tilt(((step, steps),), order), 4096):
        assert loss.masses.sum() == pytest.approx(1.0, abs=1e-9)
        found = float(loss.masses @ loss.points)
        spread = float(loss.masses @ (loss.points - found) ** 2)
        assert found == pytest.approx(steps * mean, abs=1e-6 * math.sqrt(steps * variance))
        # Positive weights add at most h²/4 a step; weights of either sign add nothing.
        extra = 0.0 if loss.smooth else steps * loss.spacing**2 / 4
        assert -1e-8 < spread / (steps * variance) - 1 < 1e-8 + extra / (steps * variance)


def test_less_accuracy_on_demand_keeps_to_its_error() -> None:
    mechanism = DpSgdMechanism(noise_multiplier=0.15, sample_rate=0.064, steps=59)
    exact, rough = (get_trade_off_from_mechanism(mechanism, tolerance=tolerance) for tolerance in (3e-7, 1e-4))
    assert exact.error < rough.error <= 1e-4
    for kappa in (1e-3, 0.01, 0.1):
        assert abs(rough.tpr_at_fpr(kappa) / exact.tpr_at_fpr(kappa) - 1) <= rough.error
