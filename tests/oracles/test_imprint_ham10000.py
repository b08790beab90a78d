"""The attack on 300 real HAM10000 images at 128 px, against values measured independently of this code.

σ is that of Ziller et al.: sample rate 2048/8082, 300 steps, δ = 8e-7, RDP with Opacus' orders. 75 looks are all looks
of such a training. The independent matching rates rest on 100 tries each.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from dpcore.attacks import BatchAttack
from dpcore.attacks.networks import PreparedAttack

pytestmark = pytest.mark.realdata

#: ε → σ.
SIGMA = {
    1: 20.1922319,
    8: 3.19439330,
    32: 1.18536724,
    100: 0.64019550,
    1e3: 0.23374365,
    1e4: 0.10737678,
    1e5: 0.03975631,
    1e6: 0.01281711,
    1e9: 4.0620103e-4,
}
LOOKS = 75


@pytest.fixture(scope="module")
def pictures(real_data: Path) -> np.ndarray:
    with np.load(real_data / "ham10000_sample_128.npz", allow_pickle=False) as file:
        return file["images"]


@pytest.fixture(scope="module")
def attack(pictures: np.ndarray) -> PreparedAttack:
    return PreparedAttack(pictures, 0)


@pytest.fixture(scope="module")
def scores_at(attack: PreparedAttack) -> Callable[[float, int], Any]:
    """The attack at an ε and a number of looks, each computed once."""
    return cache(lambda epsilon, looks: attack.scores(noise_multiplier=SIGMA[epsilon], looks=looks))


@pytest.mark.parametrize(
    ("epsilon", "looks", "expected", "tolerance"),
    [(1e9, 1, 0.62, 0.03), (1e9, LOOKS, 0.02, 0.006), (1e6, 1, 0.99, 0.006), (1e6, LOOKS, 0.94, 0.01)],
)
def test_median_error_of_40_pictures(
    scores_at: Callable[[float, int], Any], epsilon: float, looks: int, expected: float, tolerance: float
) -> None:
    assert np.median(scores_at(epsilon, looks).error[:40]) == pytest.approx(expected, abs=tolerance)


def test_paper_zero_at_1e9_holds_for_one_look_only(scores_at: Callable[[float, int], Any]) -> None:
    assert (scores_at(1e9, 1).error < 0.1).sum() == 0
    assert (scores_at(1e9, LOOKS).error < 0.1).all()


def test_pixels_scaled_around_zero_leak_at_1e9(pictures: np.ndarray) -> None:
    scores = PreparedAttack(pictures[:60], 0, pixel_offset=0.5).scores(noise_multiplier=SIGMA[1e9], looks=1)
    assert 0.05 < (scores.error < 0.1).mean() < 0.4
    assert np.median(scores.error) == pytest.approx(0.18, abs=0.04)


@pytest.mark.parametrize(
    ("epsilon", "looks", "independent"),
    [
        (1, 1, 0), (1, LOOKS, 0), (8, 1, 0), (8, LOOKS, 4), (32, 1, 0), (32, LOOKS, 12), (100, 1, 0),
        (100, LOOKS, 30), (1e3, 1, 6), (1e3, LOOKS, 96), (1e4, 1, 15), (1e4, LOOKS, 100), (1e5, 1, 78),
        (1e5, LOOKS, 100), (1e6, 1, 100), (1e6, LOOKS, 100), (1e9, 1, 100), (1e9, LOOKS, 100),
    ],
)  # fmt: skip
def test_matching_is_at_least_as_good(attack: PreparedAttack, epsilon: float, looks: int, independent: int) -> None:
    """Not below the independent rate; the matching attacker's own layer makes it higher wherever there is room."""
    matched = attack.matched(noise_multiplier=SIGMA[epsilon], looks=looks)
    assert 100 * matched.mean() >= independent
    if 4 <= independent <= 90:
        assert 100 * matched.mean() >= 1.2 * independent


def test_matching_is_a_guess_at_epsilon_1(attack: PreparedAttack) -> None:
    matched = attack.matched(noise_multiplier=SIGMA[1], looks=1)
    assert stats.binomtest(int(matched.sum()), matched.size, 1 / 300).pvalue > 1e-3


def test_without_dp_everything_comes_back(attack: PreparedAttack) -> None:
    scores = attack.scores(noise_multiplier=0, looks=1)
    assert scores.error.max() < 0.01
    assert scores.matched.all()
    assert scores.left_out == 0
    assert scores.clip_share > 0.95


@pytest.mark.parametrize(("batch_size", "num_bins", "low", "high"), [(256, 10, 0.0, 0.01), (16, 1024, 0.9, 1.0)])
def test_without_dp_bins_and_batch_decide(
    pictures: np.ndarray, batch_size: int, num_bins: int, low: float, high: float
) -> None:
    """Not the absence of noise: ten bins hide a batch, a thousand find nearly every picture of a small one."""
    batches = BatchAttack(pictures[:256], 0, batch_size=batch_size, num_bins=num_bins)
    assert low <= (batches.scores(noise_multiplier=0, looks=1).error < 0.1).mean() <= high
