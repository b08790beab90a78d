"""Both bounds over a whole range of budgets."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dpcore._validate import unit_interval
from dpcore.privacy.bounds import get_trade_off_from_mechanism
from dpcore.privacy.calibration import calibrate
from dpcore.privacy.mechanism import Accountant, PrivacyTarget

FloatArray = NDArray[np.floating]

#: numpy computes outside Python's lock, so that two threads keep two cores busy.
_THREADS = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class BoundCurve:
    """At each budget: the calibrated noise and γ of both tiers; each array (budgets,)."""

    epsilon: FloatArray
    noise_multiplier: FloatArray
    worst_case: FloatArray
    relaxed: FloatArray


def get_bound_curve(
    epsilons: Sequence[float], *, delta: float, sample_rate: float, steps: int, kappa: float, accountant: Accountant
) -> BoundCurve:
    """Returns both bounds at κ for budgets of the accountant; the second time from memory.

    Raises InvalidValue for parameters out of range, CalibrationError for a budget that cannot be met.
    """
    targets = tuple(PrivacyTarget(epsilon=float(e), delta=delta, accountant=accountant) for e in epsilons)
    return _cached_curve(targets, sample_rate, steps, unit_interval(kappa=kappa))


@lru_cache(maxsize=256)
def _cached_curve(targets: tuple[PrivacyTarget, ...], sample_rate: float, steps: int, kappa: float) -> BoundCurve:
    def point(target: PrivacyTarget) -> tuple[float, float, float]:
        mechanism = calibrate(target, sample_rate=sample_rate, steps=steps)
        worst_case = get_trade_off_from_mechanism(mechanism, "worst_case").tpr_at_fpr(kappa)
        return (
            mechanism.noise_multiplier,
            worst_case,
            get_trade_off_from_mechanism(mechanism, "relaxed").tpr_at_fpr(kappa),
        )

    with ThreadPoolExecutor(_THREADS) as pool:
        points = np.array(list(pool.map(point, targets))).reshape(-1, 3)
    points.setflags(write=False)
    return BoundCurve(
        epsilon=np.array([t.epsilon for t in targets]),
        noise_multiplier=points[:, 0],
        worst_case=points[:, 1],
        relaxed=points[:, 2],
    )
