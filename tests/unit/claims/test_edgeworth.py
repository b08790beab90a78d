"""The paper's approximation, against the exact curve and the values it gave the paper."""

from __future__ import annotations

import pytest
from scipy.special import ndtr, ndtri

from dpcore import claims
from dpcore.claims import published
from dpcore.errors import InvalidValue
from dpcore.privacy import DpSgdMechanism, get_trade_off_from_mechanism


def test_full_batches_are_gaussian_so_the_expansion_is_exact() -> None:
    mechanism = DpSgdMechanism(noise_multiplier=3.0, sample_rate=1.0, steps=20)
    exact = ndtr(ndtri(1e-3) + 20**0.5 / 3)
    assert claims.get_edgeworth_gamma_from_mechanism(mechanism, 1e-3) == pytest.approx(exact, rel=1e-9)


def test_near_a_normal_law_it_agrees_with_the_exact_curve() -> None:
    mechanism = claims.mechanism_of(published.MSD_LIVER, 8.0)
    kappa = 1 / published.MSD_LIVER.num_train
    exact = get_trade_off_from_mechanism(mechanism).gamma(kappa)
    assert claims.get_edgeworth_gamma_from_mechanism(mechanism, kappa) == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize(("epsilon", "expected"), [(8.0, 0.0399), (32.0, 13.41)])
def test_radimagenet_is_what_five_cumulants_give(epsilon: float, expected: float) -> None:
    mechanism = claims.mechanism_of(published.RADIMAGENET, epsilon)
    kappa = 1 / published.RADIMAGENET.num_train
    approximate = 100 * claims.get_edgeworth_gamma_from_mechanism(mechanism, kappa)
    assert approximate == pytest.approx(expected, rel=2e-3)
    assert approximate > 120 * get_trade_off_from_mechanism(mechanism).gamma(kappa)


@pytest.mark.parametrize("kappa", [0.0, 1.0, float("nan")])
def test_a_bad_kappa_is_refused(kappa: float) -> None:
    with pytest.raises(InvalidValue, match="kappa must be"):
        claims.get_edgeworth_gamma_from_mechanism(
            DpSgdMechanism(noise_multiplier=1.0, sample_rate=0.1, steps=10), kappa
        )


def test_the_unresolved_bound_is_shown_under_every_reading() -> None:
    variants = claims.radimagenet_variants()
    assert len({(v.num_train, v.accountant, v.method) for v in variants}) == 12
    central = {(v.accountant, v.method): v for v in variants if v.num_train == published.RADIMAGENET.num_train}
    assert central["rdp", "exact"].value == pytest.approx(10.243, rel=1e-3)
    assert central["rdp", "Edgeworth"].difference == pytest.approx(-1.59, abs=0.01)
    assert central["tight", "exact"].agrees
    assert not central["rdp", "exact"].agrees
