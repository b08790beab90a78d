"""What the real attack got at this noise or less: measured on the shipped results, no guarantee."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from dpcore.errors import ResultsUnavailable
from dpcore.planner.basis import NoBasis, stamp
from dpcore.planner.setting import Setting
from dpcore.results.exposure import Share, reconstruction_rows
from dpcore.results.store import PrecomputedStore

#: Rounding of a calibrated σ must not make a measured noise look larger than the plan's.
_SLACK = 1e-6


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One measurement of the imprint attack."""

    #: σ / √looks: the mean of k noisy gradients is one gradient with σ / √k.
    noise: float
    rebuilt: Share
    matched: Share
    candidates: int


@dataclass(frozen=True, kw_only=True)
class RealisticAttack:
    """The imprint attack after `looks` looks, on the shipped records, at no more noise than the plan's."""

    looks: int
    #: σ / √looks of the plan, and of the measurement that stands for it (0 = without DP).
    noise: float
    measured_noise: float
    rebuilt: Share
    #: Picked the right record among so many candidates.
    matched: Share
    candidates: int
    dataset: str


def get_realistic_attack(
    setting: Setting, noise_multiplier: float, store: PrecomputedStore
) -> RealisticAttack | NoBasis:
    """Returns the measured attack with the most noise that is not above the plan's, so that it is at least as strong.

    Shares never fall as noise falls: the largest of all measurements with at least that much noise counts.
    """
    measured = get_measured(setting, store)
    if isinstance(measured, NoBasis):
        return measured
    noise = noise_multiplier / math.sqrt(setting.num_looks)
    found = next(m for m in measured if m.noise <= noise * (1 + _SLACK))
    return RealisticAttack(
        looks=setting.num_looks,
        noise=noise,
        measured_noise=found.noise,
        rebuilt=found.rebuilt,
        matched=found.matched,
        candidates=found.candidates,
        dataset=str(setting.dataset),
    )


def get_measured(setting: Setting, store: PrecomputedStore) -> tuple[Measured, ...] | NoBasis:
    """Returns the measurements by falling noise and rising success; the last is without DP."""
    if setting.dataset is None:
        return NoBasis(reason="No dataset was named on which the real attack was measured.")
    try:
        return _cached_measured(store, stamp(store), setting.dataset, setting.model)
    except ResultsUnavailable as error:
        return NoBasis(reason=str(error))


def get_noise_at_success(setting: Setting, store: PrecomputedStore, success: float) -> float | NoBasis | None:
    """Returns the least measured noise multiplier at which the attack rebuilds at most that share; None if none."""
    measured = get_measured(setting, store)
    if isinstance(measured, NoBasis):
        return measured
    weak = [m.noise for m in measured if m.rebuilt.value <= success]
    return min(weak) * math.sqrt(setting.num_looks) if weak else None


@lru_cache(maxsize=64)
def _cached_measured(
    store: PrecomputedStore, _stamp: int, dataset: str, model: str | None
) -> tuple[Measured, ...] | NoBasis:
    if model is not None:
        store.table("attacks", dataset, model)  # The table has a dataset's main model only.
    rows = [
        Measured(
            noise=row["noise_multiplier"] / math.sqrt(row["looks"]),
            rebuilt=row["rebuilt"],
            matched=row["matched"],
            candidates=row["candidates"],
        )
        for row in reconstruction_rows(store, dataset)
    ]
    rows.sort(key=lambda m: m.noise, reverse=True)
    if rows[-1].noise > 0:
        return NoBasis(reason=f"The real attack was not measured on “{dataset}” without DP.")
    return tuple(
        Measured(
            noise=row.noise,
            rebuilt=max((r.rebuilt for r in rows[: i + 1]), key=lambda share: share.value),
            matched=max((r.matched for r in rows[: i + 1]), key=lambda share: share.value),
            candidates=row.candidates,
        )
        for i, row in enumerate(rows)
    )
