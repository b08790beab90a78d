"""Rényi accounting of the Poisson-sampled Gaussian mechanism with Opacus' default orders.

Mironov, Talwar & Zhang (arXiv 1908.10530) for the divergence, Balle et al. (AISTATS 2020), Theorem 21 for ε.
The same numbers as opacus.accountants.analysis.rdp, without importing torch and without its cancellation at small
sample rates or its overflow at small noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp, xlog1py, xlogy

from dpcore.privacy.mechanism import DpSgdMechanism

FloatArray = NDArray[np.floating]

#: The orders of opacus.accountants.RDPAccountant: 1.1, 1.2, …, 10.9, 12, 13, …, 63.
OPACUS_ORDERS: FloatArray = np.array([1 + x / 10.0 for x in range(1, 100)] + list(range(12, 64)))
#: Orders for budgets so small that no order of Opacus' certifies them at any noise.
HIGHER_ORDERS: FloatArray = np.unique(np.round(64 * 1.08 ** np.arange(0, 80)))
#: From here on the two modes of the integrand are apart by more than double precision.
SEPARATED_MU = 16.0

_IS_WHOLE = np.round(OPACUS_ORDERS) == OPACUS_ORDERS
_FRACTIONAL = OPACUS_ORDERS[~_IS_WHOLE]
_WHOLE = OPACUS_ORDERS[_IS_WHOLE]


def get_rdp_from_mechanism(mechanism: DpSgdMechanism) -> FloatArray:
    """Returns the Rényi divergence of all steps at each of OPACUS_ORDERS, in nats, shape (151,)."""
    q, mu = mechanism.sample_rate, mechanism.mu
    if q == 1.0:
        return OPACUS_ORDERS * (mu * mu / 2 * mechanism.steps)
    return _rdp_of_step(q, mu) * mechanism.steps


@lru_cache(maxsize=1024)
def _rdp_of_step(sample_rate: float, mu: float) -> FloatArray:
    """Kept, since whoever looks for a δ or composes releases asks for the same step again and again."""
    log_moment = np.empty(len(OPACUS_ORDERS))
    log_moment[_IS_WHOLE] = _log_moment_whole(sample_rate, mu)
    log_moment[~_IS_WHOLE] = _log_moment_fractional(sample_rate, mu)
    rdp = log_moment / (OPACUS_ORDERS - 1)
    rdp.flags.writeable = False
    return rdp


def convert_rdp_to_epsilon(rdp: FloatArray, orders: FloatArray, delta: float) -> FloatArray:
    """Returns ε certified by each order at δ; may be below 0. Balle et al. (2020), Theorem 21."""
    return rdp + np.log1p(-1 / orders) - (math.log(delta) + np.log(orders)) / (orders - 1)


def get_rdp_epsilon_from_mechanisms(mechanisms: Sequence[DpSgdMechanism], *, delta: float) -> float:
    """Returns ε of all releases together as Opacus counts it, at least 0.

    At a given δ no order of Opacus' certifies an ε below a floor (0.144 at δ = 8e-7), however large the noise. Only
    where higher orders certify less than that floor are they used, so that small budgets can be met at all.
    """
    rdp = np.sum([get_rdp_from_mechanism(m) for m in mechanisms], axis=0)
    certified = convert_rdp_to_epsilon(rdp, OPACUS_ORDERS, delta)
    epsilon = float(certified.min())
    if certified.argmin() == len(OPACUS_ORDERS) - 1:
        beyond = _epsilon_of_higher_orders(mechanisms, delta=delta)
        if beyond <= get_opacus_floor(delta):
            epsilon = min(epsilon, beyond)
    return max(epsilon, 0.0)


def get_opacus_floor(delta: float) -> float:
    """Returns the ε that Opacus' orders certify at δ as the noise grows without limit."""
    return float(convert_rdp_to_epsilon(np.zeros(len(OPACUS_ORDERS)), OPACUS_ORDERS, delta).min())


def _epsilon_of_higher_orders(mechanisms: Sequence[DpSgdMechanism], *, delta: float) -> float:
    best = math.inf
    for order in HIGHER_ORDERS:
        rdp = sum(_rdp_at_whole_order(m, int(order)) for m in mechanisms)
        epsilon = float(convert_rdp_to_epsilon(np.array([rdp]), np.array([order]), delta)[0])
        if epsilon > best:
            break
        best = epsilon
    return best


def _rdp_at_whole_order(mechanism: DpSgdMechanism, order: int) -> float:
    q, mu = mechanism.sample_rate, mechanism.mu
    if q == 1.0:
        return order * mu * mu / 2 * mechanism.steps
    k = np.arange(2.0, order + 1)
    log_excess = logsumexp(_log_binomial(k, float(order), q) + _log_expm1(k * (k - 1) / 2 * mu * mu))
    return float(np.logaddexp(0.0, log_excess)) / (order - 1) * mechanism.steps


def _log_binomial(k: FloatArray, n: FloatArray | float, q: float) -> FloatArray:
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + xlogy(k, q) + xlog1py(n - k, -q)


def _log_expm1(x: FloatArray) -> FloatArray:
    return np.where(x > 30, x, np.log(np.expm1(np.minimum(x, 30.0))))


@lru_cache(maxsize=8)
def _whole_terms(q: float) -> tuple[FloatArray, FloatArray]:
    k, order = np.meshgrid(np.arange(2.0, _WHOLE.max() + 1), _WHOLE)  # (orders, k)
    with np.errstate(invalid="ignore"):
        log_weight = np.where(k <= order, _log_binomial(np.minimum(k, order), order, q), -np.inf)
    return log_weight, k[0] * (k[0] - 1) / 2


def _log_moment_whole(q: float, mu: float) -> FloatArray:
    """log A_α = log(1 + Σ_{k ≥ 2} Bin(k; α, q)·(exp(k(k−1)μ²/2) − 1)): only positive terms."""
    log_weight, exponent = _whole_terms(q)
    return np.logaddexp(0.0, logsumexp(log_weight + _log_expm1(exponent * mu * mu), axis=1))


def _log_moment_fractional(q: float, mu: float) -> FloatArray:
    """log E_{z ~ N(0, 1)}[f^α], f = 1 − q + q·exp(μz − μ²/2): the trapezoidal rule on f^α − 1 − α(f − 1)."""
    alpha = _FRACTIONAL[:, None]
    if mu > SEPARATED_MU:
        hit = alpha * math.log(q) + alpha * (alpha - 1) * (mu * mu / 2)
        return np.logaddexp(alpha * math.log1p(-q), hit)[:, 0]
    # Exact to double precision: the integrand is analytic within π/μ of the real line.
    spacing = min(0.55, 2 * math.pi**2 / (mu * max(34 - mu * mu / 8, 2.0)))
    z = np.arange(-9.0, _FRACTIONAL.max() * mu + 9.0 + spacing, spacing)
    excess, log_ratio = _likelihood_ratio(z, q=q, mu=mu)
    log_terms = _log_bregman(excess, log_ratio, alpha) - z * z / 2
    log_excess = logsumexp(log_terms, axis=1) + math.log(spacing / math.sqrt(2 * math.pi))
    return np.logaddexp(0.0, log_excess)


def _likelihood_ratio(z: FloatArray, *, q: float, mu: float) -> tuple[FloatArray, FloatArray]:
    """Returns f − 1 and log f; the former is infinite where it would overflow."""
    exponent = mu * z - mu * mu / 2
    excess = q * np.expm1(np.minimum(exponent, 700.0))
    log_ratio = np.where(exponent < 30, np.log1p(excess), exponent + math.log(q))
    return excess, np.where(exponent < 30, log_ratio, np.logaddexp(math.log1p(-q), math.log(q) + exponent))


def _log_bregman(excess: FloatArray, log_ratio: FloatArray, alpha: FloatArray) -> FloatArray:
    """log(f^α − 1 − α(f − 1)), which is never negative inside; by its series where f is near 1."""
    small = np.abs(excess) < 1e-3
    g = np.where(small, excess, 0.0)
    fourth = 1 + (alpha - 3) / 4 * g * (1 + (alpha - 4) / 5 * g)
    series = alpha * (alpha - 1) / 2 * g * g * (1 + (alpha - 2) / 3 * g * fourth)
    power = alpha * log_ratio
    direct = np.expm1(np.minimum(power, 600.0)) - alpha * np.minimum(excess, 1e250)
    tiny = np.finfo(float).tiny
    value = np.log(np.maximum(np.where(small, series, direct), tiny))
    return np.where(power > 600.0, power, value)
