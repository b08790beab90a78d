"""From a mechanism to the trade-off curve of a threat model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from scipy.special import ndtr

from dpcore.errors import InvalidValue
from dpcore.privacy.closed_forms import (
    CERTAIN,
    BlindTradeOff,
    FoldedTradeOff,
    GaussianTradeOff,
    LeakyTradeOff,
    SampledTradeOff,
)
from dpcore.privacy.composed import TOLERANCE, compose_trade_off
from dpcore.privacy.likelihood import StepLikelihood, Tier, check_tier
from dpcore.privacy.mechanism import DpSgdMechanism, NonPrivate
from dpcore.privacy.trade_off import RESOLUTION, TradeOff

#: Chance of mistaking a sampled step for another, below which its noise counts as 0.
_SEPARATED = 1e-15


def get_trade_off_from_mechanism(
    mechanism: DpSgdMechanism | NonPrivate, tier: Tier = "worst_case", *, tolerance: float = TOLERANCE
) -> TradeOff:
    """Returns the trade-off curve of the worst-case or the relaxed attacker (Ziller et al. 2024).

    Closed forms for full batches, single steps and σ → 0; otherwise the composed likelihood ratios, exact but for the
    estimated `error`, for κ ≥ 1e-8. They are refined until that relative error is at most `tolerance`, or no longer
    falls. The relaxed attacker meets a fresh unknown sign in each step. Without noise γ = 1.
    Raises InvalidValue for an unknown tier.
    """
    return get_trade_off_from_mechanisms((mechanism,), tier, tolerance=tolerance)


def get_trade_off_from_mechanisms(
    mechanisms: Sequence[DpSgdMechanism | NonPrivate], tier: Tier = "worst_case", *, tolerance: float = TOLERANCE
) -> TradeOff:
    """Returns the trade-off curve of all releases together, about the same record; as for a single mechanism."""
    return _cached_trade_off(tuple(mechanisms), check_tier(tier), tolerance)


@lru_cache(maxsize=256)
def _cached_trade_off(mechanisms: tuple[DpSgdMechanism | NonPrivate, ...], tier: Tier, tolerance: float) -> TradeOff:
    if not mechanisms:
        raise InvalidValue("mechanisms must be at least one mechanism, but are none.")
    noisy = [m for m in mechanisms if isinstance(m, DpSgdMechanism)]
    if len(noisy) < len(mechanisms):
        return CERTAIN
    if tier == "worst_case" and all(m.sample_rate == 1 for m in noisy):
        return GaussianTradeOff(mu=math.sqrt(sum(m.steps * m.mu**2 for m in noisy)))
    if len(noisy) == 1 and noisy[0].steps == 1:
        return _single_step(noisy[0], tier)
    separated = [m for m in noisy if _chance_of_mistake(m) < _SEPARATED]
    hidden = [m for m in noisy if m not in separated]
    base: TradeOff = BlindTradeOff()
    if hidden:
        base = compose_trade_off(tuple((StepLikelihood.of(m, tier), m.steps) for m in hidden), tolerance=tolerance)
    if not separated:
        return base
    missed = sum(m.steps * (math.log1p(-m.sample_rate) if m.sample_rate < 1 else -math.inf) for m in separated)
    mistake = sum(_chance_of_mistake(m) for m in separated)
    return LeakyTradeOff(base=base, rate=-math.expm1(missed), error=base.error + mistake / RESOLUTION)


def get_persistent_trade_off_from_mechanism(mechanism: DpSgdMechanism) -> TradeOff:
    """Returns the curve of a relaxed attacker whose unknown direction is the same in all steps; full batches only.

    γ = 1 − F_ncχ²(1, Tμ²)(F⁻¹_χ²₁(1 − κ)), between the relaxed and the worst case. Raises InvalidValue for
    sample_rate < 1, where no such formula is known.
    """
    if mechanism.sample_rate != 1:
        raise InvalidValue(f"sample_rate must be 1 for a persistent direction, but is {mechanism.sample_rate!r}.")
    return FoldedTradeOff(mu=mechanism.mu * math.sqrt(mechanism.steps))


def _single_step(mechanism: DpSgdMechanism, tier: Tier) -> TradeOff:
    base: TradeOff = GaussianTradeOff(mu=mechanism.mu) if tier == "worst_case" else FoldedTradeOff(mu=mechanism.mu)
    return base if mechanism.sample_rate == 1 else SampledTradeOff(base=base, rate=mechanism.sample_rate)


def _chance_of_mistake(mechanism: DpSgdMechanism) -> float:
    """A bound on the chance that a threshold at μ/2 misjudges any of the steps, in either direction."""
    return float(mechanism.steps * (2 + mechanism.sample_rate) * ndtr(-mechanism.mu / 2))
