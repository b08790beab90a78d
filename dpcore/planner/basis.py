"""What the shipped sweep measured on one dataset and model, as far as a plan can lean on it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression
from scipy.special import stdtrit

from dpcore.errors import NotMeasured, ResultsUnavailable
from dpcore.planner.setting import Setting
from dpcore.privacy import DpSgdMechanism, PrivacyTarget, calibrate
from dpcore.results.store import PrecomputedStore

#: Coverage of the interval for one new training.
_COVERAGE = 0.95
#: The budget at which the sweep tuned its clipping norm and epochs.
_TUNING_EPSILON = 8.0


@dataclass(frozen=True, kw_only=True)
class NoBasis:
    """Nothing was measured that could answer; `reason` is one sentence. Never read it as 0."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Basis:
    """A dataset's points by rising total noise to signal, σ / (B·√T), see `utility`. Arrays are tuples, (points,)."""

    dataset: str
    model: str
    metric: str
    num_train: int
    expected_batch_size: int
    epochs: float
    #: Of the sweep, also that of its tuning.
    delta: float
    #: log of σ / (B·√T), rising.
    log_noise: tuple[float, ...]
    #: Share of the utility without DP, made falling by isotonic regression.
    share: tuple[float, ...]
    #: Half the 95 % interval of that share for one new training, from the spread over seeds (Student's t).
    spread: tuple[float, ...]
    #: Utility without DP, mean over seeds.
    utility_without_dp: float
    #: Seconds of DP-SGD a record and pass on one core, median over the budgets, and watts assumed for it; NaN if a GPU
    #: trained.
    seconds_per_view: float
    watts: float


def get_basis(store: PrecomputedStore, setting: Setting) -> Basis | NoBasis:
    """Returns what was measured on the setting's dataset and model; NoBasis if it names none or nothing was."""
    if setting.dataset is None:
        return NoBasis(reason="No dataset was named whose measured results could stand for this plan.")
    return _basis(store, stamp(store), setting.dataset, setting.model)


def _basis(store: PrecomputedStore, made: int, dataset: str, model: str | None) -> Basis | NoBasis:
    try:
        return _cached_basis(store, made, dataset, model)
    except NotMeasured as error:
        return NoBasis(reason=str(error))


def stamp(store: PrecomputedStore) -> int:
    """Returns a number that changes when the results are made anew; raises ResultsUnavailable if there are none."""
    try:
        return (store.folder / "manifest.json").stat().st_mtime_ns
    except OSError:
        raise ResultsUnavailable("There are no precomputed results to plan with.") from None


@lru_cache(maxsize=64)
def _cached_basis(store: PrecomputedStore, _stamp: int, dataset: str, model: str | None) -> Basis | NoBasis:
    points = store.table("points", dataset, model)
    points = points[points["model"] == points["model"].iloc[0]]
    bare = points[points["target_epsilon"].isna()]
    private = points[points["target_epsilon"].notna() & np.isfinite(points["share_of_no_dp"])]
    if bare.empty or len(private) < 2 or not (bare["utility_mean"].iloc[0] > 0):
        return NoBasis(reason=f"Too little was measured on “{dataset}” to compare a training with one without DP.")
    batch = (private["sample_rate"] * private["num_train"]).to_numpy()
    noise = private["noise_multiplier"].to_numpy() / (batch * np.sqrt(private["steps"].to_numpy()))
    order = np.argsort(noise)
    private, noise = private.iloc[order], noise[order]
    seconds = private["seconds_mean"].where(private["device"] == "cpu")
    first = private.iloc[0]
    return Basis(
        dataset=dataset,
        model=str(first["model"]),
        metric=str(first["metric"]),
        num_train=int(first["num_train"]),
        expected_batch_size=round(float(first["sample_rate"] * first["num_train"])),
        epochs=float(first["epochs"]),
        delta=float(first["delta"]),
        log_noise=tuple(map(float, np.log(noise))),
        share=tuple(map(float, isotonic_regression(private["share_of_no_dp"], increasing=False).x)),
        spread=tuple(map(float, _half_widths(private, bare.iloc[0]))),
        utility_without_dp=float(bare["utility_mean"].iloc[0]),
        seconds_per_view=float((seconds / (private["epochs"] * private["num_train"])).median()),
        watts=float((private["watt_hours_mean"] * 3600 / seconds).median()),
    )


def _half_widths(private: pd.DataFrame, bare: pd.Series) -> np.ndarray:
    """Half the prediction interval of one more training's share: t·√(s²·(1 + 1/n) + share²·s₀²/n₀) / mean₀."""
    n, n_bare = private["seeds"].to_numpy(), int(bare["seeds"])
    own = private["utility_sd"].to_numpy() ** 2 * (1 + 1 / n)
    baseline = (private["share_of_no_dp"].to_numpy() * bare["utility_sd"]) ** 2 / n_bare
    quantile = stdtrit(np.maximum(np.minimum(n, n_bare) - 1, 1), (1 + _COVERAGE) / 2)
    return quantile * np.sqrt(own + baseline) / bare["utility_mean"]


def get_change_per_doubling(store: PrecomputedStore) -> float:
    """Returns the largest change of the share of utility that twice the epochs made beyond the model's own.

    From the sweep's tuning, which trained at ε = 8 with different epochs: over all datasets and neighbouring numbers of
    epochs, the difference between the measured ratio of utilities and the one that total noise to signal predicts, a
    doubling. Raises ResultsUnavailable.
    """
    return _cached_change(store, stamp(store))


@lru_cache(maxsize=8)
def _cached_change(store: PrecomputedStore, made: int) -> float:
    table = store.table("tuning")
    table = table[table["target_epsilon"] == _TUNING_EPSILON]
    changes = [0.0]
    for (dataset, model), tried in table.groupby(["dataset", "model"], sort=False):
        basis = _basis(store, made, str(dataset), str(model))
        if isinstance(basis, Basis):
            changes += _changes(basis, tried.groupby("epochs")["utility_mean"].max())
    return float(max(changes))


def _changes(basis: Basis, best: pd.Series) -> list[float]:
    """`best` is the utility with the best clipping norm, by rising epochs."""
    predicted = [_tuned_share(basis, int(epochs)) for epochs in best.index]
    utility, epochs = best.to_numpy(), best.index.to_numpy(dtype=float)
    return [
        abs(utility[i] / utility[i + 1] - predicted[i] / predicted[i + 1]) / math.log2(epochs[i + 1] / epochs[i])
        for i in range(len(best) - 1)
    ]


def _tuned_share(basis: Basis, epochs: int) -> float:
    rate = basis.expected_batch_size / basis.num_train
    target = PrivacyTarget(epsilon=_TUNING_EPSILON, delta=basis.delta)
    return share_at(basis, log_noise_of(calibrate(target, sample_rate=rate, steps=round(epochs / rate)), basis))


def log_noise_of(mechanism: DpSgdMechanism, basis: Basis) -> float:
    """Returns log of σ / (B·√T) for a mechanism on the basis' own records."""
    batch = mechanism.sample_rate * basis.num_train
    return math.log(mechanism.noise_multiplier / (batch * math.sqrt(mechanism.steps)))


def share_at(basis: Basis, log_noise: float) -> float:
    """Returns the share of utility at a measured log noise, by straight lines between the points."""
    return float(np.interp(log_noise, basis.log_noise, basis.share))
