"""The imprint attack on batches: against real gradients, and what batch size and bins do without and with noise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from dpcore.attacks import BatchAttack, ImprintAttack, get_brightness_from_pictures
from dpcore.attacks._records import to_model_input
from dpcore.attacks.batch import brightness_thresholds
from dpcore.attacks.networks import ImprintModel, clipped_imprint_gradient
from dpcore.errors import InvalidValue
from dpcore.models import build_model


def pictures(n: int, side: int = 28, seed: int = 0) -> np.ndarray:
    """uint8 (n, side, side, 1): blurred noise of varying brightness, about that which the attack assumes."""
    rng = np.random.default_rng(seed)
    blurred = gaussian_filter(rng.standard_normal((n, side, side, 1), dtype=np.float32), sigma=(0, 3, 3, 0))
    brightness = rng.normal(128, 38, (n, 1, 1, 1))
    return np.clip(brightness + 40 * blurred / blurred.std(), 1, 255).astype(np.uint8)


@pytest.mark.parametrize("offset", [0.0, 0.5])
def test_sum_of_clipped_gradients_is_that_of_the_real_network(offset: float) -> None:
    torch.set_num_threads(1)
    records, bins = pictures(12, 16), 6
    thresholds = brightness_thresholds(bins, mean=0.5, spread=0.15)
    shape = (1, 16, 16)
    model = ImprintModel(
        build_model("small_cnn", shape, seed=0), record_shape=shape, pixel_offset=offset, thresholds=thresholds.tolist()
    )
    real, signs = np.zeros((bins, 257)), []
    for record in torch.from_numpy(to_model_input(records)):
        gradient = clipped_imprint_gradient(model, record, 1, max_grad_norm=0.7)
        real += np.hstack([gradient.weights.numpy(), gradient.biases.numpy()[:, None]])
        signs.append(float(torch.sign(gradient.biases[0])))
        assert gradient.clip_share > 0.99
    attack = BatchAttack(records, 0, batch_size=12, num_bins=bins, max_grad_norm=0.7, pixel_offset=offset)
    assert len(set(attack.opened.tolist())) > 3
    attack._signs = np.array(signs)  # a network's signs cannot be known, so they are copied
    differences = attack._differences(0, np.arange(bins), attack._rebuilding, 0.0)
    closed = np.cumsum(differences[::-1], axis=0)[::-1]
    assert np.linalg.norm(closed - real) < 1e-3 * np.linalg.norm(real)


def test_a_batch_of_one_comes_back_without_dp() -> None:
    scores = BatchAttack(pictures(6), 0, batch_size=1, num_bins=10).scores(noise_multiplier=0, looks=1)
    assert scores.error.max() < 0.01
    assert scores.matched.all()
    assert scores.chance_rate == 1 / 6


def test_the_papers_batch_and_bins_give_nothing_back_even_without_dp() -> None:
    attack = BatchAttack(pictures(3328), 0, batch_size=3328, num_bins=10)
    rebuilt = attack.scores(noise_multiplier=0, looks=1).error < 0.1
    assert rebuilt.mean() < 0.01


def test_many_more_bins_than_records_give_most_back() -> None:
    shares = [
        float(
            (
                BatchAttack(pictures(64), 0, batch_size=64, num_bins=n).scores(noise_multiplier=0, looks=1).error < 0.1
            ).mean()
        )
        for n in (1, 10, 100, 1000)
    ]
    assert shares == sorted(shares)
    assert shares[0] < 0.05
    assert shares[1] < 0.3
    assert shares[-1] > 0.7


def test_noise_hurts_looks_help_and_huge_noise_leaves_a_guess() -> None:
    attack = BatchAttack(pictures(96), 0, batch_size=8, num_bins=64)
    errors = [
        float(np.median(attack.scores(noise_multiplier=s, looks=k).error))
        for s, k in [(1e-4, 1), (0.01, 75), (0.01, 1)]
    ]
    assert errors == sorted(errors)
    rates = [
        BatchAttack(pictures(96), seed, batch_size=24, num_bins=8).matched(noise_multiplier=1e6, looks=1).mean()
        for seed in range(20)
    ]
    # 80 batches of 24 of 96: standard error of the mean below 0.01.
    assert np.mean(rates) == pytest.approx(0.25, abs=0.04)


def test_noise_of_a_difference_is_root_two_and_shared_by_neighbours() -> None:
    attack = BatchAttack(pictures(4), 0, batch_size=2, num_bins=5)
    bins = np.arange(5)
    clean, noisy = (attack._differences(0, bins, attack._rebuilding, s).astype(float) for s in (0.0, 0.3))
    noise = noisy - clean
    np.testing.assert_allclose(noise.std(axis=1), 0.3 * np.array([2**0.5] * 4 + [1.0]), rtol=0.1)
    correlations = np.corrcoef(noise)
    np.testing.assert_allclose(np.diag(correlations, 1)[:3], -0.5, atol=0.12)
    np.testing.assert_array_equal(
        attack._differences(0, bins[[1, 3]], attack._rebuilding, 0.3), noisy[[1, 3]].astype(np.float32)
    )


def test_every_record_is_attacked_once_and_black_ones_are_left_out() -> None:
    records = pictures(11)
    records[4] = 0
    attack = BatchAttack(records, 0, batch_size=4, num_bins=400)
    scores = attack.scores(noise_multiplier=0, looks=1)
    assert (scores.candidates, scores.left_out, scores.batch_size) == (10, 1, 4)
    assert np.flatnonzero(np.isnan(scores.error)).tolist() == [4]
    chosen = attack.reconstruct(noise_multiplier=1e-3, looks=1, index=[10, 2])
    np.testing.assert_array_equal(chosen, attack.reconstruct(noise_multiplier=1e-3, looks=1)[[9, 2]])
    with pytest.raises(InvalidValue, match="index must name attacked records, but 4"):
        attack.reconstruct(noise_multiplier=0, looks=1, index=[4])


def test_rows_come_back_too() -> None:
    rows = np.random.default_rng(0).standard_normal((20, 30)).astype(np.float32)
    attack = BatchAttack(rows, 0, batch_size=4, num_bins=500)
    scores = attack.scores(noise_multiplier=0, looks=1)
    assert np.median(scores.error) < 1e-3
    with pytest.raises(InvalidValue, match="denoiser must be 'none' for rows"):
        attack.reconstruct(noise_multiplier=0, looks=1, denoiser="wavelet")


def test_one_bin_and_a_batch_of_one_is_the_plain_attack() -> None:
    records = pictures(5)
    batch = BatchAttack(records, 0, batch_size=1, num_bins=1).reconstruct(noise_multiplier=0, looks=1)
    np.testing.assert_array_equal(batch, ImprintAttack(records, 0).reconstruct(noise_multiplier=0, looks=1))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"batch_size": 7}, "batch_size must be at most 6, the attacked records, but is 7"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1"),
        ({"num_bins": 0}, "num_bins must be a whole number of at least 1"),
        ({"typical_brightness": (0.5, 0.0)}, "spread must be a finite number above 0"),
    ],
)
def test_bad_options(changed: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        BatchAttack(pictures(6), 0, **{"batch_size": 2, "num_bins": 10, **changed})  # type: ignore[arg-type]


def test_who_knows_how_bright_such_pictures_are_tells_dark_ones_apart() -> None:
    """All pictures lie below nearly every threshold of the usual prior, so that they share a few bins."""
    dark = np.random.default_rng(3).integers(0, 40, size=(40, 16, 16, 1)).astype(np.uint8)
    dark = (dark * np.linspace(0.6, 1.6, 40)[:, None, None, None]).astype(np.uint8)
    known = get_brightness_from_pictures(dark[1::2])
    assert known[0] == pytest.approx(np.mean(dark[1::2]) / 255)
    shares = [
        (
            BatchAttack(dark[::2], 0, batch_size=10, num_bins=256, typical_brightness=brightness)
            .scores(noise_multiplier=0.0, looks=1)
            .error
            < 0.1
        ).mean()
        for brightness in (None, known)
    ]
    assert shares[0] < 0.3 < 0.7 < shares[1]
