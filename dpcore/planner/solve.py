"""Backwards: from limits to the noise and budgets that keep them all, or what stands in the way.

Every proven risk and the real attack's success fall as noise grows, and so does utility: each limit allows a range of
σ, and all together their intersection. Roots are found on the safe side: at the ends of a range the limits hold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import ndtri

from dpcore.errors import CalibrationError
from dpcore.planner.basis import NoBasis
from dpcore.planner.limits import Limit, check_limits, get_excess, get_risk
from dpcore.planner.realistic import get_noise_at_success, get_realistic_attack
from dpcore.planner.setting import Setting, setting_of
from dpcore.planner.utility import get_near_basis, get_noise_at_share, get_range, get_utility
from dpcore.privacy import PrivacyTarget, calibrate, get_epsilon_from_mechanism, get_group_delta
from dpcore.privacy.composed import TOLERANCE as CURVE_TOLERANCE
from dpcore.privacy.mechanism import NOISE_LIMITS
from dpcore.privacy.solver import smallest_safe
from dpcore.results.store import PrecomputedStore

#: How far above the least noise that keeps a limit the result may be, relatively.
TOLERANCE = 1e-5
_LOG_LIMITS = (math.log(NOISE_LIMITS[0]) + 1e-9, math.log(NOISE_LIMITS[1]) - 1e-9)
#: First step of the search in log σ.
_STEP = 0.03
#: The smallest δ of one record that is tried for a group.
_SMALLEST = 1e-298


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """What one limit allows, by itself: σ from noise_low to noise_high (∞ but of utility), and ε at those ends.

    Of utility, noise_low is the least noise that was measured.
    """

    limit: Limit
    noise_low: float
    noise_high: float
    #: By the setting's accountant, for one record; 0 at endless noise.
    epsilon_low: float
    epsilon_high: float


@dataclass(frozen=True, kw_only=True)
class Impossible:
    """A limit that no noise keeps here; `best` is the nearest value that can be had, NaN where nothing is known."""

    limit: Limit
    best: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class Feasible:
    """All limits hold for every σ from noise_low to noise_high, and only there (to a part in 1e5)."""

    setting: Setting
    limits: tuple[Limit, ...]
    noise_low: float
    noise_high: float
    #: The record's ε by the setting's accountant at noise_high and noise_low.
    epsilon_low: float
    epsilon_high: float
    #: The limit that sets the least noise, and so the largest ε; None if that is only the least measured noise.
    binding: Limit | None
    #: The limit that sets the most noise; None if none does.
    binding_above: Limit | None
    allowed: tuple[Allowed, ...]


@dataclass(frozen=True, kw_only=True)
class Compromise:
    """The nearest one can get: at this noise some limits are kept, and `missed` has `value` instead."""

    #: ∞ and 0 where even endless noise misses.
    noise_multiplier: float
    epsilon: float
    missed: Limit
    #: NaN where nothing is known.
    value: float


@dataclass(frozen=True, kw_only=True)
class Infeasible:
    """No σ keeps all limits. `remedies.get_remedies` says what would help."""

    setting: Setting
    limits: tuple[Limit, ...]
    #: One sentence.
    reason: str
    closest: tuple[Compromise, ...]
    allowed: tuple[Allowed, ...]


def solve(setting: Setting, limits: tuple[Limit, ...], store: PrecomputedStore) -> Feasible | Infeasible:
    """Returns the range of σ and ε that keeps all limits, or why there is none and the closest to it.

    A plan is a setting too; its own budget is ignored. Raises InvalidValue for no limits, too many, or one twice.
    """
    setting, limits = setting_of(setting), check_limits(tuple(limits))
    each = [allow(setting, limit, store) for limit in limits]
    allowed = tuple(a for a in each if isinstance(a, Allowed))
    for impossible in each:
        if isinstance(impossible, Impossible):
            return _with_impossible(setting, limits, impossible, allowed, store)
    tightest = max(allowed, key=lambda a: a.noise_low)
    loosest = min(allowed, key=lambda a: a.noise_high)
    if tightest.noise_low > loosest.noise_high:
        return _apart(setting, limits, tightest, loosest, allowed, store)
    return Feasible(
        setting=setting,
        limits=limits,
        noise_low=tightest.noise_low,
        noise_high=loosest.noise_high,
        epsilon_low=loosest.epsilon_low,
        epsilon_high=tightest.epsilon_high,
        binding=tightest.limit if tightest.limit.kind != "utility" else None,
        binding_above=loosest.limit if math.isfinite(loosest.noise_high) else None,
        allowed=allowed,
    )


def allow(setting: Setting, limit: Limit, store: PrecomputedStore) -> Allowed | Impossible:
    """Returns the range of σ in which one limit holds, or that there is none."""
    if limit.kind == "utility":
        return _allow_utility(setting, limit, store)
    if limit.kind == "realistic":
        noise = get_noise_at_success(setting, store, limit.value)
        if isinstance(noise, NoBasis):
            return Impossible(limit=limit, best=math.nan, reason=noise.reason)
        if noise is None:
            reason = f"At no measured noise does the real attack rebuild {limit.show(limit.value)} or less."
            return Impossible(limit=limit, best=math.nan, reason=reason)
        return _from(setting, limit, noise)
    chance = limit.by_chance(setting)
    if limit.value <= chance:
        return _by_chance(limit, chance)
    try:
        return _from(setting, limit, _least_noise(setting, limit))
    except CalibrationError:
        return _by_chance(limit, chance)


def epsilon_at(setting: Setting, noise_multiplier: float) -> float:
    """Returns the record's ε by the setting's accountant; ∞ without noise and 0 at endless noise."""
    if noise_multiplier == 0:
        return math.inf
    if math.isinf(noise_multiplier):
        return 0.0
    mechanism = setting.with_noise(noise_multiplier)
    return get_epsilon_from_mechanism(mechanism, delta=setting.delta, accountant=setting.accountant)


def value_at(
    setting: Setting,
    limit: Limit,
    noise_multiplier: float,
    store: PrecomputedStore,
    *,
    tolerance: float = CURVE_TOLERANCE,
) -> float:
    """Returns the quantity that a limit bounds, at that noise; NaN where nothing is known.

    `tolerance` is the relative error at which a curve is exact enough.
    """
    if limit.kind == "utility":
        utility = get_utility(setting, noise_multiplier, store)
        return math.nan if isinstance(utility, NoBasis) else utility.share
    if limit.kind == "realistic":
        attack = get_realistic_attack(setting, noise_multiplier, store)
        return math.nan if isinstance(attack, NoBasis) else attack.rebuilt.value
    return get_risk(limit, setting, setting.with_noise(noise_multiplier), tolerance=tolerance)


def keeps(limit: Limit, value: float) -> bool:
    """Returns whether a value keeps its limit; what is not known does not."""
    return value >= limit.value * (1 - 1e-9) if limit.kind == "utility" else value <= limit.value


def get_noise_guess(setting: Setting, limit: Limit) -> float:
    """Returns about the noise at which a curve's limit is met, by the central limit; proves nothing."""
    if limit.kind == "advantage":
        shift = 2 * float(ndtri((1 + limit.value) / 2))
    else:
        shift = float(ndtri(limit.value) - ndtri(limit.by_chance(setting)))
    shift = max(shift, 1e-9) / setting.records(limit.level)
    log_ratio = math.log1p((shift / setting.sample_rate) ** 2 / setting.num_steps)
    return min(max(1 / math.sqrt(log_ratio), NOISE_LIMITS[0] * 2), NOISE_LIMITS[1] / 2)


def _from(setting: Setting, limit: Limit, noise: float) -> Allowed:
    return Allowed(
        limit=limit,
        noise_low=noise,
        noise_high=math.inf,
        epsilon_low=0.0,
        epsilon_high=epsilon_at(setting, noise),
    )


def _allow_utility(setting: Setting, limit: Limit, store: PrecomputedStore) -> Allowed | Impossible:
    basis = get_near_basis(setting, store)
    if isinstance(basis, NoBasis):
        return Impossible(limit=limit, best=math.nan, reason=basis.reason)
    noise = get_noise_at_share(setting, basis, limit.value)
    known = get_range(setting, basis)
    if noise is None:
        best = known.share_at_low
        reason = f"Even at the least measured noise the expected share is {limit.show(best)} on “{basis.dataset}”."
        return Impossible(limit=limit, best=best, reason=reason)
    return Allowed(
        limit=limit,
        noise_low=known.noise_low,
        noise_high=max(noise, known.noise_low),
        epsilon_low=epsilon_at(setting, noise),
        epsilon_high=epsilon_at(setting, known.noise_low),
    )


def _by_chance(limit: Limit, chance: float) -> Impossible:
    why = f"by chance alone it is {limit.show(chance)}" if chance > 0 else f"even σ = {NOISE_LIMITS[1]:g} is too little"
    reason = f"No noise can keep {limit.text}: {why}."
    return Impossible(limit=limit, best=chance, reason=reason)


def _least_noise(setting: Setting, limit: Limit) -> float:
    if limit.kind == "epsilon":
        return _noise_at_epsilon(setting, limit.value, setting.records(limit.level))

    def excess(log_noise: float) -> float:
        return get_excess(limit, get_risk(limit, setting, setting.with_noise(math.exp(log_noise))))

    start = math.log(get_noise_guess(setting, limit))
    return math.exp(smallest_safe(excess, start=start, step=_STEP, tolerance=TOLERANCE, limits=_LOG_LIMITS))


def _noise_at_epsilon(setting: Setting, epsilon: float, records: int) -> float:
    """The least σ at which k records together have (ε, δ): one has (ε/k, δ₁), with δ₁ such that k have δ."""
    if records == 1 or setting.sample_rate == 1:
        # Full batches: k records shift k times as far. A hair more, for rounding.
        return records * _calibrated(setting, epsilon, setting.delta) * (1 + 1e-12)
    # δ₁ must not be smaller than is tried; then ε₁ is what keeps δ, as δ grows at most k·e^{(k − 1)ε₁}-fold.
    most = (math.log(setting.delta / records) - math.log(_SMALLEST)) / (records - 1)
    own = min(epsilon / records, most)
    growth = get_group_delta(own, _SMALLEST, records=records) / _SMALLEST
    return _calibrated(setting, own, setting.delta / growth * (1 - 1e-6))


def _calibrated(setting: Setting, epsilon: float, delta: float) -> float:
    target = PrivacyTarget(epsilon=epsilon, delta=delta, accountant=setting.accountant)
    return calibrate(target, sample_rate=setting.sample_rate, steps=setting.num_steps).noise_multiplier


def _with_impossible(
    setting: Setting,
    limits: tuple[Limit, ...],
    impossible: Impossible,
    allowed: tuple[Allowed, ...],
    store: PrecomputedStore,
) -> Infeasible:
    """The closest to a limit that nothing keeps: endless noise, or for utility the least that the others allow."""
    noise, value = math.inf, impossible.best
    if impossible.limit.kind in ("utility", "realistic"):
        noise = max((a.noise_low for a in allowed), default=0.0)
        value = value_at(setting, impossible.limit, noise, store) if noise > 0 else impossible.best
    if noise == 0 and math.isnan(value):
        return Infeasible(setting=setting, limits=limits, reason=impossible.reason, closest=(), allowed=allowed)
    missed = Compromise(
        noise_multiplier=noise, epsilon=epsilon_at(setting, noise), missed=impossible.limit, value=value
    )
    return Infeasible(setting=setting, limits=limits, reason=impossible.reason, closest=(missed,), allowed=allowed)


def _apart(
    setting: Setting,
    limits: tuple[Limit, ...],
    tightest: Allowed,
    loosest: Allowed,
    allowed: tuple[Allowed, ...],
    store: PrecomputedStore,
) -> Infeasible:
    """Utility needs less noise than a risk allows: what is missed at either end."""
    ends = [(tightest.noise_low, loosest.limit)]
    ends += [(loosest.noise_high, a.limit) for a in allowed if a.noise_low > loosest.noise_high]
    closest = tuple(
        Compromise(
            noise_multiplier=noise,
            epsilon=epsilon_at(setting, noise),
            missed=missed,
            value=value_at(setting, missed, noise, store),
        )
        for noise, missed in ends
    )
    reason = (
        f"{tightest.limit.text} needs σ of at least {tightest.noise_low:.4g}, "
        f"but {loosest.limit.text} needs σ of at most {loosest.noise_high:.4g}."
    )
    return Infeasible(setting=setting, limits=limits, reason=reason, closest=closest, allowed=allowed)
