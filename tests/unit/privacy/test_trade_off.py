"""Closed-form trade-off curves and the risks read off them, against independent formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from dpcore.errors import InvalidValue
from dpcore.privacy import (
    RESOLUTION,
    DpSgdMechanism,
    NonPrivate,
    TradeOff,
    describe_probability,
    get_persistent_trade_off_from_mechanism,
    get_risks_from_mechanism,
    get_trade_off_from_mechanism,
    get_trade_off_from_mechanisms,
)
from dpcore.privacy.closed_forms import (
    CERTAIN,
    BlindTradeOff,
    FoldedTradeOff,
    GaussianTradeOff,
    LeakyTradeOff,
    SampledTradeOff,
)

CURVES = [
    BlindTradeOff(),
    CERTAIN,
    GaussianTradeOff(mu=0.7),
    GaussianTradeOff(mu=4.0),
    FoldedTradeOff(mu=0.4),
    FoldedTradeOff(mu=3.0),
    SampledTradeOff(base=GaussianTradeOff(mu=2.0), rate=0.2),
    SampledTradeOff(base=FoldedTradeOff(mu=2.0), rate=0.6),
    LeakyTradeOff(base=BlindTradeOff(), rate=0.3),
    LeakyTradeOff(base=GaussianTradeOff(mu=1.0), rate=0.1),
]


def _name(curve: TradeOff) -> str:
    return repr(curve)


@pytest.mark.parametrize("curve", CURVES, ids=_name)
@pytest.mark.parametrize("epsilon", [-3.0, -0.4, 0.0, 0.2, 1.5, 6.0])
def test_delta_is_the_largest_gain(curve: TradeOff, epsilon: float) -> None:
    kappa = np.concatenate([[1e-15], stats.norm.cdf(np.linspace(-8, 8, 200_001)), [1.0]])
    gain = float((curve.roc(kappa) - math.exp(epsilon) * kappa).max())
    assert curve.delta(epsilon) == pytest.approx(gain, abs=1e-8)


@pytest.mark.parametrize("curve", CURVES, ids=_name)
def test_auc_is_the_area(curve: TradeOff) -> None:
    area, _ = integrate.quad(lambda k: float(curve.roc(k)), 0, 1, points=[1e-6, 1e-3, 0.5], limit=500, epsabs=1e-10)
    assert curve.auc == pytest.approx(area, abs=1e-8)


@pytest.mark.parametrize("mu", [0.3, 1.0, 3.5])
def test_folded_curve_is_the_noncentral_chi_square(mu: float) -> None:
    kappa = np.array([1e-8, 1e-4, 0.01, 0.3, 0.99])
    expected = stats.ncx2.sf(stats.chi2.isf(kappa, 1), 1, mu * mu)
    np.testing.assert_allclose(FoldedTradeOff(mu=mu).gamma(kappa), expected, rtol=1e-7)


def test_full_batch_worst_case_risks() -> None:
    curve = get_trade_off_from_mechanism(DpSgdMechanism(noise_multiplier=3.0, sample_rate=1.0, steps=20))
    mu = math.sqrt(20) / 3
    assert curve.gamma(1e-3) == pytest.approx(stats.norm.cdf(stats.norm.ppf(1e-3) + mu), rel=1e-12)
    assert curve.advantage == pytest.approx(2 * stats.norm.cdf(mu / 2) - 1, rel=1e-12)
    assert curve.auc == pytest.approx(stats.norm.cdf(mu / math.sqrt(2)), rel=1e-12)
    assert curve.error == 0.0


def test_published_example_of_the_three_relaxed_curves() -> None:
    # q = 1, T = 20, σ = 3, κ = 1e-3: 0.38 % with fresh signs, 3.59 % with a persistent one, 5.49 % worst case.
    mechanism = DpSgdMechanism(noise_multiplier=3.0, sample_rate=1.0, steps=20)
    risks = get_risks_from_mechanism(mechanism, kappa=1e-3)
    assert round(100 * risks.relaxed, 2) == 0.38
    assert risks.relaxed_persistent is not None
    assert round(100 * risks.relaxed_persistent, 2) == 3.59
    assert round(100 * risks.worst_case, 2) == 5.49


def test_persistent_curve_needs_full_batches() -> None:
    with pytest.raises(InvalidValue, match="sample_rate must be 1"):
        get_persistent_trade_off_from_mechanism(DpSgdMechanism(noise_multiplier=1.0, sample_rate=0.5, steps=2))


@pytest.mark.parametrize("tier", ["worst_case", "relaxed"])
def test_without_noise_or_almost(tier: str) -> None:
    kappa = np.array([1e-8, 1e-3, 0.5, 1.0])
    almost = get_trade_off_from_mechanism(DpSgdMechanism(noise_multiplier=1e-6, sample_rate=0.01, steps=80), tier)
    np.testing.assert_allclose(almost.gamma(kappa), 1 - (1 - kappa) * 0.99**80, rtol=1e-12)
    assert almost.advantage == pytest.approx(1 - 0.99**80, rel=1e-12)
    assert np.all(get_trade_off_from_mechanism(NonPrivate(), tier).gamma(kappa) == 1.0)
    assert get_trade_off_from_mechanism(NonPrivate(), tier).auc == 1.0
    with_clear_release = get_trade_off_from_mechanisms(
        (DpSgdMechanism(noise_multiplier=9.0, sample_rate=0.1, steps=5), NonPrivate()), tier
    )
    assert with_clear_release.advantage == 1.0


def test_posterior_and_best_guess() -> None:
    curve = GaussianTradeOff(mu=1.0)
    tpr = stats.norm.cdf(stats.norm.ppf(0.01) + 1)
    assert curve.posterior(0.1, 0.01) == pytest.approx(0.1 * tpr / (0.1 * tpr + 0.9 * 0.01), rel=1e-12)
    assert curve.best_guess_accuracy(0.5) == pytest.approx(0.5 + curve.advantage / 2, rel=1e-12)
    # Bayes' rule by hand: alarm where the likelihood ratio exceeds the odds against.
    bound = math.log(0.9 / 0.1) + 0.5
    by_hand = 0.9 * stats.norm.cdf(bound) + 0.1 * stats.norm.sf(bound - 1)
    assert curve.best_guess_accuracy(0.1) == pytest.approx(by_hand, rel=1e-12)
    assert BlindTradeOff().best_guess_accuracy(0.2) == pytest.approx(0.8, rel=1e-12)
    assert CERTAIN.best_guess_accuracy(0.2) == 1.0


def test_gamma_keeps_the_shape() -> None:
    curve = get_trade_off_from_mechanism(DpSgdMechanism(noise_multiplier=1.0, sample_rate=0.2, steps=5))
    assert isinstance(curve.gamma(0.1), float)
    kappa = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 1.0]])
    gamma = curve.gamma(kappa)
    assert isinstance(gamma, np.ndarray)
    assert gamma.shape == kappa.shape
    assert gamma[0, 0] == curve.gamma(0.1)
    assert gamma[1, 2] == 1.0
    assert curve.gamma([0.1, 0.2]).shape == (2,)  # type: ignore[union-attr]


@pytest.mark.parametrize("kappa", [0.0, -0.1, 1.1, math.nan, math.inf, [0.1, 0.0], "abc", None])
def test_bad_kappa_is_refused(kappa: object) -> None:
    for curve in (GaussianTradeOff(mu=1.0), CERTAIN):
        with pytest.raises(InvalidValue, match=r"^kappa must be"):
            curve.gamma(kappa)  # type: ignore[arg-type]
    if not isinstance(kappa, list):
        with pytest.raises(InvalidValue, match=r"^kappa must be"):
            get_risks_from_mechanism(NonPrivate(), kappa=kappa)  # type: ignore[arg-type]


def test_what_is_not_resolved_is_said_not_zero() -> None:
    composed = get_trade_off_from_mechanism(DpSgdMechanism(noise_multiplier=1.0, sample_rate=0.2, steps=5))
    assert composed.resolution == RESOLUTION == 1e-8
    with pytest.raises(InvalidValue, match="at least 1e-08"):
        composed.gamma(9e-9)
    with pytest.raises(InvalidValue, match="at least 1e-08"):
        composed.roc([0.0, 1e-9])
    assert composed.roc([0.0, 1.0]).tolist() == [pytest.approx(0.0, abs=1e-9), 1.0]
    assert describe_probability(9.9e-9) == describe_probability(0.0) == "below 1e-8"
    assert describe_probability(0.0122) == "1.22 %"
    assert describe_probability(1.0) == "100 %"
    with pytest.raises(InvalidValue):
        describe_probability(math.nan)


@pytest.mark.parametrize("alphas", [[-0.1], [1.01], [math.nan], "x"])
def test_bad_false_positive_rates_are_refused(alphas: object) -> None:
    with pytest.raises(InvalidValue, match=r"^alphas must be"):
        GaussianTradeOff(mu=1.0).roc(alphas)  # type: ignore[arg-type]


@pytest.mark.parametrize("prior", [0.0, 1.0, math.nan, -1.0])
def test_bad_priors_are_refused(prior: float) -> None:
    for call in (CERTAIN.best_guess_accuracy, lambda p: CERTAIN.posterior(p, 0.1)):
        with pytest.raises(InvalidValue, match=r"^prior must be"):
            call(prior)


def test_unknown_tier_and_no_mechanism_are_refused() -> None:
    with pytest.raises(InvalidValue, match=r"^tier must be one of worst_case, relaxed"):
        get_trade_off_from_mechanism(NonPrivate(), "realistic")  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match=r"^mechanisms must be"):
        get_trade_off_from_mechanisms(())
