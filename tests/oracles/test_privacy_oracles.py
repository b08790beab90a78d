"""Our numbers against references computed elsewhere, the published ones, and dp-accounting's distributions."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dpcore.privacy import (
    DpSgdMechanism,
    PrivacyTarget,
    calibrate,
    get_epsilon_from_mechanism,
    get_risks_from_mechanism,
    get_trade_off_from_mechanism,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from dp_accounting.pld import privacy_loss_distribution as pld

HERE = Path(__file__).parent
BOUNDS: list[dict[str, Any]] = json.loads((HERE / "privacy_bounds.json").read_text(encoding="utf-8"))
CALIBRATION: list[dict[str, Any]] = json.loads((HERE / "privacy_calibration.json").read_text(encoding="utf-8"))


def _name(row: dict[str, Any]) -> str:
    return f"{row.get('dataset', row.get('noise_multiplier'))}-{row.get('epsilon', row['steps'])}"


@pytest.mark.parametrize("row", BOUNDS, ids=_name)
def test_reference_bounds(row: dict[str, Any]) -> None:
    mechanism = DpSgdMechanism(
        noise_multiplier=row["noise_multiplier"], sample_rate=row["sample_rate"], steps=row["steps"]
    )
    risks = get_risks_from_mechanism(mechanism, kappa=row["kappa"])
    for key in ("worst_case", "relaxed", "advantage", "auc", "tpr_at_fpr_0_01"):
        assert getattr(risks, key) == pytest.approx(row[key], rel=1e-5), key
    assert max(risks.error, risks.relaxed_error) < 1e-6


@pytest.mark.parametrize("accountant", ["rdp", "tight"])
@pytest.mark.parametrize("row", CALIBRATION, ids=_name)
def test_reference_calibration(row: dict[str, Any], accountant: str) -> None:
    reference = row.get(f"noise_multiplier_{accountant}")
    if reference is None:
        assert row["dataset"] == "one full-batch Gaussian release"
        return
    target = PrivacyTarget(epsilon=row["epsilon"], delta=row["delta"], accountant=accountant)
    mechanism = calibrate(target, sample_rate=row["sample_rate"], steps=row["steps"])
    assert mechanism.noise_multiplier == pytest.approx(reference, rel=1e-8 if accountant == "rdp" else 5e-6)
    spent = get_epsilon_from_mechanism(mechanism, delta=row["delta"], accountant=accountant)
    assert row["epsilon"] * (1 - 1e-7) < spent <= row["epsilon"]


#: Ziller et al. (2024): dataset, (N, batch, T), ε, worst case and relaxed in per cent as printed, or a test of them.
PUBLISHED = [
    ("HAM10000", (8082, 2048, 300), 1, 0.03, None),
    ("HAM10000", (8082, 2048, 300), 8, 1.22, None),
    ("MSD Liver", (106, 1, 53000), 1, 1.66, None),
    ("MSD Liver", (106, 1, 53000), 8, 17.96, 4),
    ("MSD Liver", (106, 1, 53000), 20, 74.24, None),
]


@pytest.mark.parametrize(("dataset", "training", "epsilon", "worst_case", "relaxed"), PUBLISHED)
def test_published_bounds_to_their_printed_digits(
    dataset: str, training: tuple[int, int, int], epsilon: float, worst_case: float, relaxed: float | None
) -> None:
    num_train, batch, steps = training
    target = PrivacyTarget(epsilon=epsilon, delta=8e-7, accountant="rdp")
    mechanism = calibrate(target, sample_rate=batch / num_train, steps=steps)
    risks = get_risks_from_mechanism(mechanism, kappa=1 / num_train)
    assert round(100 * risks.worst_case, 2) == worst_case, dataset
    if relaxed is not None:
        assert round(100 * risks.relaxed) == relaxed, dataset


def test_published_inequalities() -> None:
    ham = calibrate(PrivacyTarget(epsilon=20, delta=8e-7), sample_rate=2048 / 8082, steps=300)
    risks = get_risks_from_mechanism(ham, kappa=1 / 8082)
    assert risks.worst_case > 0.20
    assert risks.relaxed < 0.01


@pytest.mark.parametrize(
    ("sample_rate", "steps", "nominal", "real"),
    [(2048 / 8082, 300, 1e9, 3.45e8), (1 / 106, 53000, 1e9, 1.05e7), (0.0032742563561698286, 15250, 1e12, 5.19e9)],
)
def test_what_the_nominal_budgets_really_were(sample_rate: float, steps: int, nominal: float, real: float) -> None:
    mechanism = calibrate(PrivacyTarget(epsilon=nominal, delta=8e-7), sample_rate=sample_rate, steps=steps)
    tight = get_epsilon_from_mechanism(mechanism, delta=8e-7, accountant="tight")
    assert tight == pytest.approx(real, rel=2e-2)


PLD_SETTINGS = [(1.0, 0.1, 100), (3.1943933, 0.2534, 300), (0.7, 0.005, 2000), (2.0, 0.02, 1000), (0.45, 0.01, 30)]


def _pld(setting: tuple[float, float, int], *, pessimistic: bool) -> pld.PrivacyLossDistribution:
    sigma, q, steps = setting
    step = pld.from_gaussian_mechanism(
        standard_deviation=sigma,
        sampling_prob=q,
        value_discretization_interval=1e-4,
        pessimistic_estimate=pessimistic,
        use_connect_dots=pessimistic,
    )
    return step.self_compose(steps)


@pytest.mark.parametrize("setting", PLD_SETTINGS)
def test_tight_epsilon_lies_within_the_bounds_of_dp_accounting(setting: tuple[float, float, int]) -> None:
    sigma, q, steps = setting
    mechanism = DpSgdMechanism(noise_multiplier=sigma, sample_rate=q, steps=steps)
    upper, lower = _pld(setting, pessimistic=True), _pld(setting, pessimistic=False)
    for delta in (1e-3, 8e-7):
        epsilon = get_epsilon_from_mechanism(mechanism, delta=delta, accountant="tight")
        assert lower.get_epsilon_for_delta(delta) <= epsilon <= upper.get_epsilon_for_delta(delta) * (1 + 1e-6)
        assert epsilon == pytest.approx(upper.get_epsilon_for_delta(delta), rel=1e-3)


@pytest.mark.parametrize("setting", PLD_SETTINGS)
def test_gamma_is_the_lower_envelope_of_dp_accountings_profile(setting: tuple[float, float, int]) -> None:
    """γ(κ) = min over ε of δ_remove(ε) + e^ε·κ."""
    sigma, q, steps = setting
    curve = get_trade_off_from_mechanism(DpSgdMechanism(noise_multiplier=sigma, sample_rate=q, steps=steps))
    remove = _pld(setting, pessimistic=True)._pmf_remove
    epsilons = np.linspace(-3.0, 18.0, 4201)
    deltas = np.array(remove.get_delta_for_epsilon(epsilons))
    for kappa in (1e-6, 1e-3, 0.05, 0.5):
        envelope = float((deltas + np.exp(epsilons) * kappa).min())
        assert curve.gamma(kappa) == pytest.approx(envelope, rel=2e-4)
        assert curve.gamma(kappa) <= envelope * (1 + 1e-6)


def test_calibration_works_where_others_stop() -> None:
    # Opacus' PRV accountant fails from 1e3, dp-accounting's PLD overflows from 1e9.
    for epsilon in (1e3, 1e9, 1e15):
        for accountant in ("rdp", "tight"):
            target = PrivacyTarget(epsilon=epsilon, delta=8e-7, accountant=accountant)
            mechanism = calibrate(target, sample_rate=0.2534, steps=300)
            spent = get_epsilon_from_mechanism(mechanism, delta=8e-7, accountant=accountant)
            assert math.isclose(spent, epsilon, rel_tol=1e-7)
