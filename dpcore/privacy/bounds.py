"""From a mechanism to the trade-off curve of a threat model."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from dpcore.errors import InvalidValue
from dpcore.privacy.composition import LatticeLoss, Steps, compose_adaptively, tilt
from dpcore.privacy.likelihood import StepLikelihood, Tier, check_tier
from dpcore.privacy.mechanism import DpSgdMechanism, NonPrivate
from dpcore.privacy.tails import lower_tail, upper_tail
from dpcore.privacy.trade_off import (
    RESOLUTION,
    CertainTradeOff,
    ComposedTradeOff,
    FoldedTradeOff,
    GaussianTradeOff,
    SampledTradeOff,
    TradeOff,
)

FloatArray = NDArray[np.float64]

#: Chance of confusing a sampled with an unsampled step below which σ counts as 0.
_SEPARATED = 1e-14
_START_SIZE = 2**13
_MAX_SPACING = 0.1
#: Masses below this are numerical noise.
_NOISE = 1e-13
#: Stands for ±∞ at the curve's ends.
_THRESHOLD_END = 40.0


def get_trade_off_from_mechanism(mechanism: DpSgdMechanism | NonPrivate, tier: Tier = "worst_case") -> TradeOff:
    """Returns the trade-off curve of the worst-case or the relaxed attacker (Ziller et al. 2024).

    Closed forms for full batches, single steps and σ → 0; otherwise the likelihood ratios are composed by FFT, and
    `error` is the estimated largest relative error of γ for κ ≥ 1e-8. Raises InvalidValue for an unknown tier.
    """
    return get_trade_off_from_mechanisms((mechanism,), tier)


def get_trade_off_from_mechanisms(
    mechanisms: tuple[DpSgdMechanism | NonPrivate, ...], tier: Tier = "worst_case"
) -> TradeOff:
    """Returns the trade-off curve of all releases together, about the same record."""
    tier = check_tier(tier)
    noisy = [m for m in mechanisms if isinstance(m, DpSgdMechanism)]
    if len(noisy) < len(mechanisms):
        return CertainTradeOff()
    if not noisy:
        raise InvalidValue(f"mechanisms must be at least one mechanism, but is {mechanisms!r}.")
    if tier == "worst_case" and all(m.sample_rate == 1 for m in noisy):
        return GaussianTradeOff(mu=math.sqrt(sum(m.steps * m.mu**2 for m in noisy)))
    if len(noisy) == 1 and noisy[0].steps == 1:
        only = noisy[0]
        base = GaussianTradeOff(mu=only.mu) if tier == "worst_case" else FoldedTradeOff(mu=only.mu)
        return base if only.sample_rate == 1 else SampledTradeOff(base=base, rate=only.sample_rate)
    confusion = sum(_chance_of_confusion(m) for m in noisy)
    if confusion < _SEPARATED:
        missed = sum(m.steps * math.log1p(-m.sample_rate) if m.sample_rate < 1 else -math.inf for m in noisy)
        return SampledTradeOff(base=CertainTradeOff(), rate=-math.expm1(missed), error=confusion / RESOLUTION)
    return _compose_trade_off(tuple((StepLikelihood.of(m, tier), m.steps) for m in noisy))


def get_persistent_trade_off_from_mechanism(mechanism: DpSgdMechanism) -> TradeOff:
    """Returns the curve of a relaxed attacker whose unknown direction is the same in all steps; full batches only.

    γ = 1 − F_ncχ²(1, Tμ²)(F⁻¹_χ²₁(1 − κ)). Raises InvalidValue for sample_rate < 1.
    """
    if mechanism.sample_rate != 1:
        raise InvalidValue(f"sample_rate must be 1 for a persistent direction, but is {mechanism.sample_rate!r}.")
    return FoldedTradeOff(mu=mechanism.mu * math.sqrt(mechanism.steps))


def _chance_of_confusion(mechanism: DpSgdMechanism) -> float:
    """A bound on the chance that a threshold between both modes misjudges any step, either way and either sign."""
    q, mu, steps = mechanism.sample_rate, mechanism.mu, mechanism.steps
    return float(steps * (2 + q) * ndtr(-mu / 2))


def _compose_trade_off(steps: Steps) -> ComposedTradeOff:
    absent = compose_adaptively(tilt(steps, 0.0), start_size=_START_SIZE, fine_enough=_fine_enough)
    present = compose_adaptively(tilt(steps, 1.0), start_size=_START_SIZE, fine_enough=_fine_enough)
    fine, coarse = (_curve_of(a, p) for a, p in zip(absent, present, strict=True))
    return replace(fine, error=_largest_difference(fine, coarse))


def _fine_enough(loss: LatticeLoss) -> bool:
    return loss.smooth and loss.spacing <= _MAX_SPACING


def _curve_of(absent: LatticeLoss, present: LatticeLoss) -> ComposedTradeOff:
    """The part above t = 0 from Q, the part below from P: each where its own chance is not small."""
    upper, lower = upper_tail(present), lower_tail(absent)
    high, low = upper.threshold > 0, lower.threshold >= 0
    threshold = np.concatenate([upper.threshold[high][::-1], -lower.threshold[low]])
    kappa = np.concatenate([upper.other_chance[high][::-1], 1 - lower.chance[low]])
    gamma = np.concatenate([upper.chance[high][::-1], 1 - lower.other_chance[low]])
    kappa, gamma = (np.maximum.accumulate(np.clip(v, 0.0, 1.0)) for v in (kappa, gamma))
    keep = np.flatnonzero((kappa > _NOISE) & (kappa < 1 - _NOISE))
    keep = keep[np.diff(kappa[keep], prepend=0.0) > 0]
    return ComposedTradeOff(
        threshold=np.concatenate([[_THRESHOLD_END], threshold[keep], [-_THRESHOLD_END]]),
        kappa=np.concatenate([[0.0], kappa[keep], [1.0]]),
        gamma_at_kappa=np.concatenate([[0.0], gamma[keep], [1.0]]),
        smooth=all(loss.smooth and loss.spacing <= 3 * _MAX_SPACING for loss in (absent, present)),
    )


def _largest_difference(fine: ComposedTradeOff, coarse: ComposedTradeOff) -> float:
    kappa = np.concatenate([np.geomspace(RESOLUTION, 0.5, 60), 1 - np.geomspace(RESOLUTION, 0.5, 20)])
    return float(np.max(np.abs(fine._gamma(kappa) / coarse._gamma(kappa) - 1)))
