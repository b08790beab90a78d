"""How useful the trained model will be: an estimate, by total noise to signal, from the nearest shipped sweep.

The model. A step adds noise of standard deviation σ·C/B to each parameter's mean gradient, whose signal is at most C
for a record's whole gradient; over T steps that pull the same way the signal grows with T and the noise with √T. So
plans of one dataset and model are compared by σ / (B·√T), which is `settings.get_noise_to_signal` over √T but for the
number of parameters, a constant. The share of the utility without DP that the sweep reached at each such noise, made
falling by isotonic regression, is joined by straight lines over the logarithm. In the limit of much noise that number
is 1 / (N·μ) with μ of Gaussian DP: at the same privacy only more records help.

What it does not know. Where N, batch or epochs differ from the sweep's, only a different number of epochs was ever
measured (in the tuning at ε = 8); the largest change beyond the model's own, a doubling, is added for every doubling or
halving of N, batch and epochs. Further than a factor of `FURTHEST`, or beyond the measured noise, there is no basis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dpcore.planner.basis import Basis, NoBasis, get_basis, get_change_per_doubling, share_at
from dpcore.planner.setting import Setting
from dpcore.results.store import PrecomputedStore

#: N, batch or epochs may differ from the sweep's by at most this factor.
FURTHEST = 8.0
#: Rounding of a calibrated σ must not push a measured point out of the measured range.
_SLACK = 1e-6


@dataclass(frozen=True, kw_only=True)
class UtilityEstimate:
    """An estimate, not a measurement of this plan. Shares are of the utility without DP."""

    share: float
    #: For one new training: the spread over seeds (95 %), and `transfer` on either side; not below 0.
    low: float
    high: float
    #: Half the interval from seeds alone, and what is added for a different N, batch or epochs.
    spread: float
    transfer: float
    #: share × the utility without DP, in units of the metric.
    utility: float
    metric: str
    dataset: str
    model: str


@dataclass(frozen=True, kw_only=True)
class UtilityRange:
    """The noise multipliers for which the utility is estimated, and the share at both ends."""

    noise_low: float
    noise_high: float
    share_at_low: float
    share_at_high: float


def get_utility(setting: Setting, noise_multiplier: float, store: PrecomputedStore) -> UtilityEstimate | NoBasis:
    """Returns the expected utility of a training at that noise; NoBasis outside what was measured."""
    basis = get_near_basis(setting, store)
    if isinstance(basis, NoBasis):
        return basis
    log_noise = math.log(noise_multiplier) - _log_signal(setting)
    first, last = basis.log_noise[0], basis.log_noise[-1]
    if not first - _SLACK <= log_noise <= last + _SLACK:
        known = get_range(setting, basis)
        return NoBasis(
            reason=f"On “{basis.dataset}” nothing was measured that corresponds to σ = {noise_multiplier:.3g} here, "
            f"only to σ from {known.noise_low:.3g} to {known.noise_high:.3g}."
        )
    share = share_at(basis, log_noise)
    spread = float(np.interp(log_noise, basis.log_noise, basis.spread))
    transfer = float(get_doublings(setting, basis) * get_change_per_doubling(store))
    return UtilityEstimate(
        share=share,
        low=max(share - spread - transfer, 0.0),
        high=share + spread + transfer,
        spread=spread,
        transfer=transfer,
        utility=share * basis.utility_without_dp,
        metric=basis.metric,
        dataset=basis.dataset,
        model=basis.model,
    )


def get_near_basis(setting: Setting, store: PrecomputedStore) -> Basis | NoBasis:
    """Returns the basis of a setting, or NoBasis if N, batch or epochs are too far from its sweep's."""
    basis = get_basis(store, setting)
    if isinstance(basis, NoBasis):
        return basis
    for name, (ours, theirs) in _sizes(setting, basis).items():
        if not 1 / FURTHEST <= ours / theirs <= FURTHEST:
            return NoBasis(
                reason=f"{name} must be within a factor of {FURTHEST:g} of the {theirs:,.6g} of the sweep on "
                f"“{basis.dataset}” for an estimate of utility, but is {ours:,.6g}."
            )
    return basis


def get_doublings(setting: Setting, basis: Basis) -> float:
    """Returns by how many doublings or halvings N, batch and epochs differ from the sweep's, added up."""
    return sum(abs(math.log2(ours / theirs)) for ours, theirs in _sizes(setting, basis).values())


def get_range(setting: Setting, basis: Basis) -> UtilityRange:
    """Returns the noise multipliers at which this setting has the smallest and largest measured noise to signal."""
    signal = _log_signal(setting)
    return UtilityRange(
        noise_low=math.exp(basis.log_noise[0] + signal),
        noise_high=math.exp(basis.log_noise[-1] + signal),
        share_at_low=basis.share[0],
        share_at_high=basis.share[-1],
    )


def get_noise_at_share(setting: Setting, basis: Basis, share: float) -> float | None:
    """Returns the largest noise multiplier at which the estimated share is at least `share`; None if there is none.

    Never beyond the measured range: if all of it suffices, its noisy end.
    """
    x, y = basis.log_noise, basis.share
    enough = [i for i, value in enumerate(y) if value >= share]
    if not enough:
        return None
    last = enough[-1]
    log_noise = x[last]
    if last + 1 < len(x):
        # A hair less, so that rounding cannot fall short of the limit.
        log_noise += (x[last + 1] - x[last]) * (y[last] - share) / (y[last] - y[last + 1]) * (1 - 1e-9)
    return math.exp(log_noise + _log_signal(setting) - 1e-12)


def _log_signal(setting: Setting) -> float:
    return math.log(setting.expected_batch_size * math.sqrt(setting.num_steps))


def _sizes(setting: Setting, basis: Basis) -> dict[str, tuple[float, float]]:
    return {
        "num_train": (setting.num_train, basis.num_train),
        "expected_batch_size": (setting.expected_batch_size, basis.expected_batch_size),
        "the number of epochs": (setting.passes, basis.epochs),
    }
