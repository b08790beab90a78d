"""The epoch from which on a training hardly learns: curves whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dpcore.errors import InvalidValue
from dpcore.training.saturation import get_saturation_epoch


def _steps(epoch_losses: np.ndarray, steps_per_epoch: int) -> list[float]:
    """Steps whose mean is the epoch's loss, falling within the epoch."""
    within = np.linspace(1.1, 0.9, steps_per_epoch) if steps_per_epoch > 1 else np.ones(1)
    return list(np.outer(epoch_losses, within).ravel())


@pytest.mark.parametrize(("rate", "saturated"), [(0.0101, None), (0.0099, 1), (0.3, None), (0.0, 1), (-0.1, 1)])
@pytest.mark.parametrize("steps_per_epoch", [1, 7])
def test_a_steady_rate_is_above_or_below_one_per_cent(rate: float, saturated: int | None, steps_per_epoch: int) -> None:
    losses = _steps(2.0 * (1 - rate) ** np.arange(20), steps_per_epoch)
    assert get_saturation_epoch(losses, steps_per_epoch=steps_per_epoch) == saturated


@pytest.mark.parametrize("bend", [5, 12, 20])
def test_a_curve_that_bends_saturates_at_the_bend(bend: int) -> None:
    """Falls by 20 % an epoch up to the bend and is flat from there on."""
    losses = 0.8 ** np.minimum(np.arange(1, 41), bend)
    assert get_saturation_epoch(list(losses), steps_per_epoch=1, window=1) == bend
    # A longer line still sees the last fall: starting one epoch before the bend, its slope is 2/10 of it.
    assert get_saturation_epoch(list(losses), steps_per_epoch=1, window=4) == bend


def test_an_exponential_approach_has_the_analytic_answer() -> None:
    """1 + e^(−t/5): the epoch at which the relative change over one epoch falls below 1 %."""
    t = np.arange(1, 61)
    losses = 1 + np.exp(-t / 5)
    expected = next(e for e in t if (1 + math.exp(-(e + 1) / 5)) / (1 + math.exp(-e / 5)) > 0.99)
    assert get_saturation_epoch(list(losses), steps_per_epoch=1, window=1) == expected
    assert abs(get_saturation_epoch(list(losses), steps_per_epoch=1) - expected) <= 2


@pytest.mark.parametrize("seed", range(5))
def test_noise_of_the_steps_is_smoothed_away(seed: int) -> None:
    rng = np.random.default_rng(seed)
    clean = 0.5 + np.exp(-np.arange(1, 41) / 4)
    noisy = np.repeat(clean, 30) * rng.normal(1.0, 0.05, 40 * 30)
    expected = get_saturation_epoch(list(clean), steps_per_epoch=1)
    assert abs(get_saturation_epoch(list(noisy), steps_per_epoch=30, window=6) - expected) <= 3


def test_a_pause_is_not_the_end() -> None:
    falls = np.array([0.2] * 5 + [0.0] * 10 + [0.2] * 5 + [0.0] * 10)
    assert get_saturation_epoch(list(np.cumprod(1 - falls)), steps_per_epoch=1, window=1) == 20


def test_empty_batches_and_a_cut_epoch_are_ordinary() -> None:
    losses = [4.0, float("nan"), 2.0, 2.0, float("nan"), float("nan"), 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    assert get_saturation_epoch(losses, steps_per_epoch=2, window=1) == 4


def test_an_epoch_need_not_be_whole_steps() -> None:
    """40 epochs of 3.325 steps: falling by 3 % an epoch up to the 30th, and flat from there on."""
    epoch = np.arange(133) / 3.325
    losses = 0.97 ** np.minimum(epoch, 30.0)
    assert get_saturation_epoch(list(losses), steps_per_epoch=3.325, window=1) in (30, 31)


@pytest.mark.parametrize(
    ("losses", "changes", "field"),
    [
        ([], {}, "losses"),
        ([1.0] * 4, {}, "losses"),
        ([math.nan] * 9, {}, "losses"),
        ([1.0, math.inf] * 5, {}, "losses"),
        ([1.0, 0.0] * 5, {}, "losses"),
        ([1.0] * 9, {"steps_per_epoch": 0}, "steps_per_epoch"),
        ([1.0] * 9, {"window": 0}, "window"),
        ([1.0] * 9, {"slow": 0.0}, "slow"),
        ([1.0] * 9, {"slow": 1.0}, "slow"),
    ],
)
def test_bad_input_is_named(losses: list[float], changes: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidValue, match=f"^{field} must "):
        get_saturation_epoch(losses, **{"steps_per_epoch": 1, **changes})
