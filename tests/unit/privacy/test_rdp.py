"""Our Rényi accountant against Opacus' and against quadrature at 40 digits."""

from __future__ import annotations

import math
import warnings

import mpmath
import numpy as np
import pytest

from dpcore.privacy import DpSgdMechanism, get_epsilon_from_mechanism, get_opacus_floor
from dpcore.privacy.rdp import OPACUS_ORDERS, get_rdp_epsilon_from_mechanisms, get_rdp_from_mechanism

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from opacus.accountants import RDPAccountant
    from opacus.accountants.analysis import rdp as opacus_rdp

SETTINGS = [
    (20.19, 0.2534, 300),
    (3.194, 0.2534, 300),
    (0.6564, 0.003274, 15250),
    (1.664, 0.009434, 53000),
    (0.3106, 0.009434, 53000),
    (0.089, 0.01, 100),
    (0.0654, 0.003274, 15250),
    (0.063, 0.5, 10),
    (0.0622, 0.5, 10),
    (1e-3, 0.2, 50),
    (4e-7, 0.2534, 300),
    (1.0, 1.0, 10),
    (2.0, 0.999, 10),
    (5.0, 1e-4, 1000),
]


def _mechanism(noise_multiplier: float, sample_rate: float, steps: int) -> DpSgdMechanism:
    return DpSgdMechanism(noise_multiplier=noise_multiplier, sample_rate=sample_rate, steps=steps)


def test_orders_are_opacus_default() -> None:
    assert OPACUS_ORDERS.tolist() == RDPAccountant.DEFAULT_ALPHAS


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_order_equals_opacus(setting: tuple[float, float, int]) -> None:
    sigma, q, steps = setting
    ours = get_rdp_from_mechanism(_mechanism(*setting))
    theirs = opacus_rdp.compute_rdp(q=q, noise_multiplier=sigma, steps=steps, orders=OPACUS_ORDERS.tolist())
    # Opacus adds up its series until e^−30: its own error in log A is about 1e-13.
    tolerance = 1e-11 + 1e-13 * steps / np.abs(theirs) / (OPACUS_ORDERS - 1)
    assert np.all(np.abs(ours / theirs - 1) < tolerance)


@pytest.mark.parametrize("setting", SETTINGS[:-1])
def test_epsilon_equals_opacus(setting: tuple[float, float, int]) -> None:
    sigma, q, steps = setting
    rdp = opacus_rdp.compute_rdp(q=q, noise_multiplier=sigma, steps=steps, orders=OPACUS_ORDERS.tolist())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, _ = opacus_rdp.get_privacy_spent(orders=OPACUS_ORDERS.tolist(), rdp=rdp, delta=8e-7)
    ours = get_epsilon_from_mechanism(_mechanism(*setting), delta=8e-7, accountant="rdp")
    assert ours == pytest.approx(theirs, rel=1e-10)


@pytest.mark.parametrize(
    ("sigma", "q", "order"), [(2.0, 1e-4, 1.1), (0.8, 0.02, 2.5), (0.25, 0.3, 1.7), (9.0, 0.5, 10.9)]
)
def test_fractional_order_equals_quadrature_at_40_digits(sigma: float, q: float, order: float) -> None:
    with mpmath.workdps(40):
        mu, rate, alpha = 1 / mpmath.mpf(sigma), mpmath.mpf(q), mpmath.mpf(order)

        def integrand(z: mpmath.mpf) -> mpmath.mpf:
            return mpmath.npdf(z) * (1 - rate + rate * mpmath.exp(mu * z - mu**2 / 2)) ** alpha

        ends = [-12 + k for k in range(25 + int(order / sigma) + 12)]
        expected = float(mpmath.log(mpmath.quad(integrand, ends)) / (alpha - 1))
    ours = get_rdp_from_mechanism(_mechanism(sigma, q, 1))[int(round(10 * (order - 1))) - 1]
    assert ours == pytest.approx(expected, rel=1e-9)


def test_below_the_floor_higher_orders_take_over_and_stay_valid() -> None:
    floor = get_opacus_floor(8e-7)
    assert floor == pytest.approx(0.1436, abs=1e-3)
    mechanism = _mechanism(300.0, 1.0, 100)
    epsilon = get_epsilon_from_mechanism(mechanism, delta=8e-7, accountant="rdp")
    assert get_epsilon_from_mechanism(mechanism, delta=8e-7, accountant="tight") < epsilon < floor
    # The best real order of the Gaussian mechanism bounds every set of orders from below.
    rho = 100 / 300**2 / 2
    alphas = 1 + np.geomspace(1e-2, 1e5, 20001)
    best = rho * alphas + np.log1p(-1 / alphas) - (math.log(8e-7) + np.log(alphas)) / (alphas - 1)
    assert best.min() <= epsilon < 1.01 * best.min()


def test_releases_add_at_each_order() -> None:
    one, other = _mechanism(1.0, 0.1, 30), _mechanism(2.0, 0.3, 5)
    accountant = RDPAccountant()
    accountant.history = [(1.0, 0.1, 30), (2.0, 0.3, 5)]
    expected = accountant.get_epsilon(delta=1e-6)
    assert get_rdp_epsilon_from_mechanisms((one, other), delta=1e-6) == pytest.approx(expected, rel=1e-10)
    halves = (_mechanism(1.0, 0.1, 12), _mechanism(1.0, 0.1, 18))
    assert get_rdp_epsilon_from_mechanisms(halves, delta=1e-6) == pytest.approx(
        get_rdp_epsilon_from_mechanisms((one,), delta=1e-6), rel=1e-12
    )
