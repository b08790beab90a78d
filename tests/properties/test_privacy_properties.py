"""What must hold for every mechanism, target and false-positive rate."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dpcore.privacy import (
    ACCOUNTANTS,
    TIERS,
    DpSgdMechanism,
    PrivacyTarget,
    calibrate,
    get_epsilon_from_mechanism,
    get_largest_posterior,
    get_patient_trade_off_from_mechanism,
    get_trade_off_from_mechanism,
)

KAPPA = np.concatenate([np.geomspace(1e-8, 0.5, 30), [0.9, 0.99, 1.0]])


def _log_uniform(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(np.log10(low), np.log10(high)).map(lambda x: float(10**x))


sample_rates = st.one_of(_log_uniform(1e-5, 1.0), st.just(1.0))
steps = _log_uniform(1, 1e5).map(lambda x: max(int(x), 1))
noise = _log_uniform(1e-3, 1e3)
deltas = _log_uniform(1e-12, 0.1)
epsilons = _log_uniform(0.01, 1e15)
accountants = st.sampled_from(ACCOUNTANTS)
tiers = st.sampled_from(TIERS)
mechanisms = st.builds(DpSgdMechanism, noise_multiplier=noise, sample_rate=sample_rates, steps=steps)


def _with_noise(mechanism: DpSgdMechanism, factor: float) -> DpSgdMechanism:
    return DpSgdMechanism(
        noise_multiplier=mechanism.noise_multiplier * factor,
        sample_rate=mechanism.sample_rate,
        steps=mechanism.steps,
    )


@settings(max_examples=60)
@given(mechanism=mechanisms, delta=deltas, accountant=accountants, factor=st.floats(1.001, 3.0))
def test_epsilon_falls_with_noise(mechanism: DpSgdMechanism, delta: float, accountant: str, factor: float) -> None:
    more = get_epsilon_from_mechanism(_with_noise(mechanism, factor), delta=delta, accountant=accountant)
    less = get_epsilon_from_mechanism(mechanism, delta=delta, accountant=accountant)
    assert more <= less * (1 + 1e-6)
    assert more < less or less == 0


@settings(max_examples=50)
@given(epsilon=epsilons, delta=deltas, accountant=accountants, sample_rate=sample_rates, count=steps)
def test_calibrated_epsilon_is_never_above_the_target(
    epsilon: float, delta: float, accountant: str, sample_rate: float, count: int
) -> None:
    target = PrivacyTarget(epsilon=epsilon, delta=delta, accountant=accountant)
    mechanism = calibrate(target, sample_rate=sample_rate, steps=count)
    assert get_epsilon_from_mechanism(mechanism, delta=delta, accountant=accountant) <= epsilon


@settings(max_examples=60)
@given(mechanism=mechanisms, delta=deltas)
def test_tight_never_exceeds_rdp(mechanism: DpSgdMechanism, delta: float) -> None:
    tight = get_epsilon_from_mechanism(mechanism, delta=delta, accountant="tight")
    rdp = get_epsilon_from_mechanism(mechanism, delta=delta, accountant="rdp")
    assert 0 <= tight <= rdp * (1 + 1e-9)


@settings(max_examples=60)
@given(mechanism=mechanisms, tier=tiers)
def test_gamma_is_a_concave_rise_from_at_least_kappa_to_one(mechanism: DpSgdMechanism, tier: str) -> None:
    curve = get_trade_off_from_mechanism(mechanism, tier)
    gamma = np.asarray(curve.gamma(KAPPA))
    assert np.all(gamma >= KAPPA * (1 - 1e-12))
    assert np.all(np.diff(gamma) >= -1e-12)
    assert gamma[-1] == 1.0
    slope = np.diff(gamma) / np.diff(KAPPA)
    slack = (2 * curve.error + 1e-9) * gamma[1:] / np.diff(KAPPA)
    assert np.all(np.diff(slope) <= slack[1:] + slack[:-1])
    assert curve.error < 0.01


@settings(max_examples=60)
@given(mechanism=mechanisms)
def test_who_holds_the_record_does_at_least_as_well(mechanism: DpSgdMechanism) -> None:
    worst_case, relaxed = (get_trade_off_from_mechanism(mechanism, tier) for tier in TIERS)
    slack = 1 + worst_case.error + relaxed.error + 1e-9
    assert np.all(np.asarray(relaxed.gamma(KAPPA)) <= np.asarray(worst_case.gamma(KAPPA)) * slack)
    assert relaxed.advantage <= worst_case.advantage * slack + 1e-12
    assert relaxed.auc <= worst_case.auc * slack


@settings(max_examples=40)
@given(mechanism=mechanisms, tier=tiers, factor=st.floats(1.01, 3.0))
def test_every_risk_falls_with_noise(mechanism: DpSgdMechanism, tier: str, factor: float) -> None:
    less = get_trade_off_from_mechanism(mechanism, tier)
    more = get_trade_off_from_mechanism(_with_noise(mechanism, factor), tier)
    slack = 1 + less.error + more.error + 1e-9
    assert np.all(np.asarray(more.gamma(KAPPA)) <= np.asarray(less.gamma(KAPPA)) * slack)
    assert more.advantage <= less.advantage * slack + 1e-12
    assert more.auc <= less.auc * slack


@settings(max_examples=25)
@given(
    target=st.builds(PrivacyTarget, epsilon=epsilons, delta=st.just(8e-7), accountant=accountants),
    factor=st.floats(1.05, 10.0),
    sample_rate=sample_rates,
    count=steps,
    tier=tiers,
)
def test_gamma_rises_with_the_budget(
    target: PrivacyTarget, factor: float, sample_rate: float, count: int, tier: str
) -> None:
    larger = PrivacyTarget(epsilon=target.epsilon * factor, delta=target.delta, accountant=target.accountant)
    small, large = (
        get_trade_off_from_mechanism(calibrate(t, sample_rate=sample_rate, steps=count), tier) for t in (target, larger)
    )
    slack = 1 + small.error + large.error + 1e-9
    assert np.all(np.asarray(small.gamma(KAPPA)) <= np.asarray(large.gamma(KAPPA)) * slack)


@settings(max_examples=40)
@given(mechanism=mechanisms, delta=deltas)
def test_dp_bounds_every_attack(mechanism: DpSgdMechanism, delta: float) -> None:
    """γ ≤ e^ε·κ + δ, and belief after an alarm rises by at most the odds e^ε but for δ."""
    epsilon = get_epsilon_from_mechanism(mechanism, delta=delta, accountant="tight")
    assume(epsilon < 600)
    curve = get_trade_off_from_mechanism(mechanism)
    bound = np.minimum(np.exp(epsilon) * KAPPA + delta, 1.0)
    assert np.all(np.asarray(curve.gamma(KAPPA)) <= bound * (1 + curve.error + 1e-6))
    assert curve.delta(epsilon) <= delta + 3e-9 + curve.error
    for prior in (0.01, 0.5):
        allowed = get_largest_posterior(prior, epsilon)
        assert curve.posterior(prior, 0.5) <= allowed + delta / 0.5


@settings(max_examples=25)
@given(mechanism=mechanisms, records=st.integers(1, 6))
def test_more_records_never_help_a_patient(mechanism: DpSgdMechanism, records: int) -> None:
    fewer = get_patient_trade_off_from_mechanism(mechanism, records_per_patient=records)
    more = get_patient_trade_off_from_mechanism(mechanism, records_per_patient=records + 1)
    assert np.all(np.asarray(more.gamma(KAPPA)) >= np.asarray(fewer.gamma(KAPPA)) * (1 - more.error - 1e-9))
