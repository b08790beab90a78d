"""dp-accounting's numbers for the same training, by another path than ours."""

from __future__ import annotations

import warnings

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import dp_accounting
    from dp_accounting.pld import privacy_loss_distribution as pld

from dpcore.privacy import DpSgdMechanism
from dpcore.privacy.rdp import OPACUS_ORDERS


def rdp_epsilon(mechanisms: list[DpSgdMechanism], *, delta: float, laplace: tuple[float, ...] = ()) -> float:
    """ε of all releases by dp-accounting's RDP accountant with Opacus' orders."""
    accountant = dp_accounting.rdp.RdpAccountant(list(OPACUS_ORDERS))
    for m in mechanisms:
        gaussian = dp_accounting.GaussianDpEvent(m.noise_multiplier)
        event = dp_accounting.PoissonSampledDpEvent(m.sample_rate, gaussian) if m.sample_rate < 1 else gaussian
        accountant.compose(event, m.steps)
    for epsilon in laplace:
        accountant.compose(dp_accounting.LaplaceDpEvent(1 / epsilon))
    return float(accountant.get_epsilon(delta))


def distribution(mechanisms: list[DpSgdMechanism], laplace: tuple[float, ...] = ()) -> pld.PrivacyLossDistribution:
    """A pessimistic privacy loss distribution of all releases."""
    parts = [
        pld.from_gaussian_mechanism(
            standard_deviation=m.noise_multiplier, sampling_prob=m.sample_rate, value_discretization_interval=1e-3
        ).self_compose(m.steps)
        for m in mechanisms
    ]
    parts += [pld.from_laplace_mechanism(1 / epsilon, value_discretization_interval=1e-3) for epsilon in laplace]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.compose(part)
    return whole


def gamma(mechanism: DpSgdMechanism, kappa: float) -> float:
    """γ(κ) = min over ε of δ_remove(ε) + e^ε·κ."""
    epsilons = np.linspace(-3.0, 18.0, 4201)
    deltas = np.array(distribution([mechanism])._pmf_remove.get_delta_for_epsilon(epsilons))
    return float((deltas + np.exp(epsilons) * kappa).min())
