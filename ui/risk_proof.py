"""What is proven of one mechanism, and over all budgets. No Streamlit here."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dpcore import privacy
from dpcore.errors import DpcoreError
from dpcore.privacy import DpSgdMechanism, NonPrivate, TradeOff
from ui.epsilon import LARGEST, SMALLEST
from ui.evidence import Counted

FloatArray = NDArray[np.float64]

#: Points of a curve: where bounds may move, and beyond.
_POINTS, _BEYOND = 20, 6
#: From this nominal budget on the bounds have usually reached certainty.
_SETTLED = 1e3
#: A bound this close to 1 needs no further computing: bounds only rise with ε.
_CERTAIN = 1 - 1e-9
#: Nominal budgets of the table of accountants.
NOMINAL = (1.0, 8.0, 32.0, 1e3, 1e6, 1e9, 1e12, 1e15)


@dataclass(frozen=True, kw_only=True, eq=False)
class RiskProof:
    """The proven curves at one budget; where they could not be computed `problem` says why."""

    #: 0 without DP, NaN where there is none.
    noise_multiplier: float
    epsilon_rdp: float
    epsilon_tight: float
    worst_case: TradeOff | None
    relaxed: TradeOff | None
    #: A relaxed attacker whose unknown direction stays; known for full batches only.
    persistent: TradeOff | None = None
    problem: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class RiskCurve:
    """Bounds over falling noise, each (n,)."""

    noise_multiplier: FloatArray
    #: As one accountant counts it.
    epsilon: FloatArray
    worst_case: FloatArray
    relaxed: FloatArray
    persistent: FloatArray | None


@dataclass(frozen=True, kw_only=True)
class Recounted:
    """One nominal (RDP) budget, its noise and the tight count of the same noise."""

    nominal: float
    noise_multiplier: float
    tight: float


#: sample_rate, steps, delta.
Scheme = tuple[float, int, float]


def prove(scheme: Scheme, epsilon: float, counted: Counted, noise_multiplier: float | None) -> RiskProof:
    """Returns what is proven at a budget; the noise is calibrated unless it is given. Never raises on purpose."""
    sample_rate, steps, delta = scheme
    try:
        if math.isinf(epsilon):
            return _proof_of(NonPrivate(), delta)
        if noise_multiplier is None:
            target = privacy.PrivacyTarget(epsilon=epsilon, delta=delta, accountant=counted)
            return _proof_of(privacy.calibrate(target, sample_rate=sample_rate, steps=steps), delta)
        given = DpSgdMechanism(noise_multiplier=noise_multiplier, sample_rate=sample_rate, steps=steps)
        return _proof_of(given, delta)
    except DpcoreError as error:
        nan = math.nan
        return RiskProof(
            noise_multiplier=nan,
            epsilon_rdp=nan,
            epsilon_tight=nan,
            worst_case=None,
            relaxed=None,
            problem=str(error),
        )


def _proof_of(mechanism: DpSgdMechanism | NonPrivate, delta: float) -> RiskProof:
    noisy = isinstance(mechanism, DpSgdMechanism)
    full = isinstance(mechanism, DpSgdMechanism) and mechanism.sample_rate == 1
    return RiskProof(
        noise_multiplier=mechanism.noise_multiplier if isinstance(mechanism, DpSgdMechanism) else 0.0,
        epsilon_rdp=privacy.get_epsilon_from_mechanism(mechanism, delta=delta, accountant="rdp") if noisy else math.inf,
        epsilon_tight=(
            privacy.get_epsilon_from_mechanism(mechanism, delta=delta, accountant="tight") if noisy else math.inf
        ),
        worst_case=privacy.get_trade_off_from_mechanism(mechanism, "worst_case"),
        relaxed=privacy.get_trade_off_from_mechanism(mechanism, "relaxed"),
        persistent=privacy.get_persistent_trade_off_from_mechanism(mechanism)
        if full and isinstance(mechanism, DpSgdMechanism)
        else None,
    )


def trace_curve(scheme: Scheme, kappa: float, counted: Counted) -> RiskCurve:
    """Returns the bounds over all budgets; raises DpcoreError if the ends of the axis cannot be calibrated."""
    sample_rate, steps, delta = scheme
    ends = [
        privacy.calibrate(
            privacy.PrivacyTarget(epsilon=epsilon, delta=delta), sample_rate=sample_rate, steps=steps
        ).noise_multiplier
        for epsilon in (SMALLEST, _SETTLED, LARGEST)
    ]
    noise = np.concatenate([np.geomspace(ends[0], ends[1], _POINTS), np.geomspace(ends[1], ends[2], _BEYOND + 1)[1:]])
    rows = []
    settled: dict[str, bool] = {"worst_case": False, "relaxed": False}
    for sigma in noise:
        mechanism = DpSgdMechanism(noise_multiplier=float(sigma), sample_rate=sample_rate, steps=steps)
        row = [privacy.get_epsilon_from_mechanism(mechanism, delta=delta, accountant=counted)]
        for tier in privacy.TIERS:
            bound = 1.0
            if not settled[tier]:
                bound = float(privacy.get_trade_off_from_mechanism(mechanism, tier).gamma(kappa))
                settled[tier] = bound > _CERTAIN
            row.append(bound)
        if sample_rate == 1:
            row.append(float(privacy.get_persistent_trade_off_from_mechanism(mechanism).gamma(kappa)))
        rows.append(row)
    columns = np.array(rows).T
    return RiskCurve(
        noise_multiplier=noise,
        epsilon=columns[0],
        worst_case=columns[1],
        relaxed=columns[2],
        persistent=columns[3] if sample_rate == 1 else None,
    )


def recount(scheme: Scheme) -> tuple[Recounted, ...]:
    """Returns the nominal budgets, their noise, and the tight count of that noise; raises DpcoreError."""
    sample_rate, steps, delta = scheme
    made = []
    for nominal in NOMINAL:
        target = privacy.PrivacyTarget(epsilon=nominal, delta=delta)
        mechanism = privacy.calibrate(target, sample_rate=sample_rate, steps=steps)
        tight = privacy.get_epsilon_from_mechanism(mechanism, delta=delta, accountant="tight")
        made.append(Recounted(nominal=nominal, noise_multiplier=mechanism.noise_multiplier, tight=tight))
    return tuple(made)
