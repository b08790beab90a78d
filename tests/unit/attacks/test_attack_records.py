"""The whole attack on generated pictures and rows: exact without DP, deterministic, and strict about its input."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from dpcore.attacks.networks import PreparedAttack, attack_records
from dpcore.errors import InvalidValue


def smooth_pictures(n: int, seed: int = 0) -> np.ndarray:
    """uint8 (n, 128, 128, 3): blurred noise, stretched over the grey levels, with fine grain."""
    rng = np.random.default_rng(seed)
    blurred = gaussian_filter(rng.standard_normal((n, 128, 128, 3)), sigma=(0, 6, 6, 0))
    pictures = 130 + 40 * blurred / blurred.std() + rng.normal(0, 4, blurred.shape)
    return np.clip(pictures, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return smooth_pictures(8)


@pytest.fixture(scope="module")
def attack(pictures: np.ndarray) -> PreparedAttack:
    return PreparedAttack(pictures, 0)


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((60, 30)).astype(np.float32)


def test_without_dp_pictures_come_back(attack: PreparedAttack, pictures: np.ndarray) -> None:
    scores = attack.scores(noise_multiplier=0, looks=1)
    assert scores.error.max() < 0.01
    assert scores.correlation.min() > 0.999
    assert scores.psnr.min() > 50
    assert scores.matched.all()
    assert scores.matching_rate == 1
    assert scores.candidates == 8
    assert scores.clip_share > 0.95
    assert scores.left_out == 0
    rebuilt = attack.reconstruct(noise_multiplier=0, looks=1)
    assert rebuilt.dtype == np.uint8
    assert np.abs(rebuilt.astype(int) - pictures).max() <= 1


@pytest.mark.parametrize("model", ["resnet9", "resnet9_group_norm"])
def test_other_networks_behind_the_layers(pictures: np.ndarray, model: str) -> None:
    scores = PreparedAttack(pictures[:2], 1, model=model).scores(noise_multiplier=0, looks=1)
    assert scores.error.max() < 0.01
    assert scores.clip_share > 0.95


def test_without_dp_rows_come_back(rows: np.ndarray) -> None:
    scores = attack_records(rows, noise_multiplier=0, looks=1, seed=0)
    assert scores.error.max() < 1e-3
    assert np.isnan(scores.psnr).all()
    assert scores.correlation.min() > 0.999
    assert scores.matched.all()
    assert scores.clip_share > 0.95
    np.testing.assert_allclose(PreparedAttack(rows, 0).reconstruct(noise_multiplier=0, looks=1), rows, atol=1e-3)


def test_noise_hurts_and_looks_help(attack: PreparedAttack) -> None:
    medians = [
        float(np.median(attack.scores(noise_multiplier=s, looks=k).error))
        for s, k in [(1e-5, 1), (4e-4, 75), (4e-4, 1), (1e-2, 1)]
    ]
    assert medians == sorted(medians)
    assert medians[0] < 0.1 < 0.9 < medians[-1]


def test_rows_under_heavy_noise_are_finite(rows: np.ndarray) -> None:
    scores = attack_records(rows, noise_multiplier=20.0, looks=1, seed=0)
    assert np.isfinite(scores.error).all()
    assert np.median(scores.error) > 1


def test_clipping_norm_does_not_matter(pictures: np.ndarray, attack: PreparedAttack) -> None:
    other = PreparedAttack(pictures, 0, max_grad_norm=0.046)
    for noise_multiplier in (0.0004, 0.3):
        a, b = (x.scores(noise_multiplier=noise_multiplier, looks=3) for x in (attack, other))
        np.testing.assert_allclose(a.error, b.error, atol=1e-3)
        np.testing.assert_array_equal(a.matched, b.matched)


def test_pixel_offset_makes_the_attack_stronger(pictures: np.ndarray, attack: PreparedAttack) -> None:
    stronger = PreparedAttack(pictures, 0, pixel_offset=0.5)
    published = attack.scores(noise_multiplier=4e-4, looks=1)
    centred = stronger.scores(noise_multiplier=4e-4, looks=1)
    assert np.median(centred.error) < 0.7 * np.median(published.error)


def test_same_seed_same_scores_other_seed_others(pictures: np.ndarray) -> None:
    first, again, other = (
        attack_records(pictures[:3], noise_multiplier=1e-3, looks=2, seed=seed) for seed in (5, 5, 6)
    )
    for field in dataclasses.fields(first):
        np.testing.assert_array_equal(getattr(first, field.name), getattr(again, field.name))
    assert not np.array_equal(first.error, other.error)


def test_order_of_calls_and_choice_of_records_change_nothing(attack: PreparedAttack) -> None:
    every = attack.reconstruct(noise_multiplier=5e-4, looks=2)
    attack.scores(noise_multiplier=0.1, looks=7)
    np.testing.assert_array_equal(attack.reconstruct(noise_multiplier=5e-4, looks=2, index=[6, 2]), every[[6, 2]])
    assert not np.array_equal(every, attack.reconstruct(noise_multiplier=5e-4, looks=3))


def test_mostly_black_pictures_are_left_out_and_counted(pictures: np.ndarray) -> None:
    black, almost, enough = np.zeros_like(pictures[:1]), np.zeros_like(pictures[:1]), np.zeros_like(pictures[:1])
    almost[0, :12, :, 1] = 90  # 9.4 % of the pixels, one channel
    enough[0, :13, :, 1] = 90  # 10.2 %
    attack = PreparedAttack(np.concatenate([pictures[:2], black, almost, enough]), 0)
    scores = attack.scores(noise_multiplier=0, looks=1)
    assert scores.attacked.tolist() == [True, True, False, False, True]
    assert (scores.left_out, scores.candidates) == (2, 3)
    assert np.isnan(scores.error).tolist() == [False, False, True, True, False]
    assert np.isnan(scores.correlation[2:4]).all()
    assert not scores.matched[2:4].any()
    assert scores.matched[scores.attacked].all()
    assert scores.matching_rate == 1
    with pytest.raises(InvalidValue, match="index must name attacked records, but 3 is"):
        attack.reconstruct(noise_multiplier=0, looks=1, index=[0, 3])
    with pytest.raises(InvalidValue, match="index must name attacked records, but 5 is"):
        attack.reconstruct(noise_multiplier=0, looks=1, index=[5])
    with pytest.raises(InvalidValue, match="index must be a whole number of at least 0"):
        attack.reconstruct(noise_multiplier=0, looks=1, index=[-1])
    np.testing.assert_allclose(attack.reconstruct(noise_multiplier=0, looks=1, index=[4])[0], enough[0], atol=1)


def _with_nan(rows: np.ndarray) -> np.ndarray:
    broken = rows.copy()
    broken[3, 4] = np.nan
    return broken


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p, _: p[..., 0], "records must be uint8 of shape"),
        (lambda p, _: p[:, :64], "records must be uint8 of shape"),
        (lambda p, _: p[0], "records must be uint8 of shape"),
        (lambda p, _: p[:0], "records must be uint8 of shape"),
        (lambda p, _: p.astype(np.float32), "records must be uint8 of shape"),
        (lambda _, r: r.astype(np.float64), "records must be uint8 of shape"),
        (lambda _, r: r[:, :0], "records must be uint8 of shape"),
        (lambda _, r: r[0], "records must be uint8 of shape"),
        (lambda _, r: r.tolist(), "records must be a numpy array, but is list"),
        (lambda _, r: _with_nan(r), "records must hold finite numbers only, but 1 of 1800 values are not"),
        (lambda _, r: np.inf * r, "records must hold finite numbers only"),
        (lambda p, _: 0 * p, "records must hold a picture with at least 10 % non-zero pixels"),
    ],
)
def test_bad_records(pictures: np.ndarray, rows: np.ndarray, make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidValue, match=message) as caught:
        attack_records(make(pictures, rows), noise_multiplier=1.0, looks=1, seed=0)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"noise_multiplier": -0.1}, "noise_multiplier must be a finite number of at least 0, but is -0.1"),
        ({"noise_multiplier": np.nan}, "noise_multiplier must be a finite number of at least 0, but is nan"),
        ({"noise_multiplier": np.inf}, "noise_multiplier must be a finite number of at least 0, but is inf"),
        ({"noise_multiplier": "1"}, "noise_multiplier must be a finite number of at least 0, but is '1'"),
        ({"looks": 0}, "looks must be a whole number of at least 1, but is 0"),
        ({"looks": 1.5}, "looks must be a whole number of at least 1, but is 1.5"),
        ({"seed": -1}, "seed must be a whole number of at least 0, but is -1"),
    ],
)
def test_bad_settings(rows: np.ndarray, changed: dict[str, object], message: str) -> None:
    settings: dict[str, object] = {"noise_multiplier": 1.0, "looks": 1, "seed": 0}
    with pytest.raises(InvalidValue, match=message):
        attack_records(rows, **{**settings, **changed})  # type: ignore[arg-type]


def test_bad_options(rows: np.ndarray) -> None:
    with pytest.raises(InvalidValue, match="max_grad_norm"):
        PreparedAttack(rows, 0, max_grad_norm=0)
    with pytest.raises(InvalidValue, match="pixel_offset"):
        PreparedAttack(rows, 0, pixel_offset=-1)
    with pytest.raises(InvalidValue, match="model must be one of"):
        PreparedAttack(rows, 0, model="transformer")


def test_scores_of_many_pictures_are_fast(pictures: np.ndarray) -> None:
    """At most 8 s for 300 pictures on one core; measured 1.4 s."""
    attack = PreparedAttack(np.concatenate([pictures] * 5), 0)
    start = time.process_time()
    attack.scores(noise_multiplier=0.1, looks=1)
    assert time.process_time() - start < 8 * 40 / 300
