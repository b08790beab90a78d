"""What a page uses: denoisers, the signal-to-noise estimate, the middle gallery and the attack on resized pictures."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from dpcore.attacks import (
    DENOISERS,
    ImprintAttack,
    attack_pictures,
    denoise,
    get_epsilon_at_snr,
    get_noise_multiplier_from_snr,
    get_pixel_snr,
    middle_gallery,
    stand_in_pictures,
)
from dpcore.attacks.live import resize
from dpcore.attacks.similarity import ssim_error
from dpcore.errors import InvalidValue
from dpcore.privacy import DpSgdMechanism, get_epsilon_from_mechanism


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return stand_in_pictures().records


@pytest.mark.parametrize("method", DENOISERS[1:])
@pytest.mark.parametrize("known", [True, False])
def test_denoisers_take_noise_away(pictures: np.ndarray, method: str, known: bool) -> None:
    rng = np.random.default_rng(0)
    noisy = np.clip(pictures[:2] + rng.normal(0, 25, pictures[:2].shape), 0, 255).astype(np.uint8)
    clean = denoise(noisy, method, 25 if known else None)
    assert (clean.dtype, clean.shape) == (np.uint8, noisy.shape)
    for original, before, after in zip(pictures, noisy, clean, strict=False):
        assert ssim_error(original, after) < ssim_error(original, before) - 0.05


def test_denoisers_leave_alone_what_has_no_noise_and_refuse_the_unknown(pictures: np.ndarray) -> None:
    np.testing.assert_array_equal(denoise(pictures, "wavelet", 0), pictures)
    np.testing.assert_array_equal(denoise(pictures, "none", 50), pictures)
    with pytest.raises(InvalidValue, match="denoiser must be one of none, non-local means, wavelet, but is 'blur'"):
        denoise(pictures, "blur", 1)
    with pytest.raises(InvalidValue, match="noise_std must be at least 0"):
        denoise(pictures, "wavelet", -1)
    with pytest.raises(InvalidValue, match="pictures must be uint8"):
        denoise(pictures.astype(float), "wavelet", 1)


@pytest.mark.parametrize("method", DENOISERS[1:])
def test_denoised_reconstructions_are_closer(pictures: np.ndarray, method: str) -> None:
    attack = ImprintAttack(pictures, 0)
    plain, clean = (attack.scores(noise_multiplier=4e-4, looks=1, denoiser=d) for d in ("none", method))
    assert np.median(clean.error) < np.median(plain.error)
    np.testing.assert_array_equal(clean.matched, plain.matched)


def test_pixel_snr_is_what_a_gradient_shows() -> None:
    """Against the ratio measured on noisy gradients of rows whose values are all ± 1."""
    rows = np.random.default_rng(0).choice([-1.0, 1.0], (20, 400)).astype(np.float32)
    attack = ImprintAttack(rows, 0)
    clean = attack.noisy_gradients(noise_multiplier=0, looks=1)
    noise = attack.noisy_gradients(noise_multiplier=0.2, looks=9) - clean
    assert get_pixel_snr(noise_multiplier=0.2, pixels=400, looks=9) == pytest.approx(
        clean.std() / noise.std(), rel=0.03
    )


def test_snr_and_noise_are_each_others_inverse_and_give_the_epsilon() -> None:
    snr = get_pixel_snr(noise_multiplier=0.8, pixels=784, looks=75)
    assert get_noise_multiplier_from_snr(snr, pixels=784, looks=75) == pytest.approx(0.8)
    mechanism = DpSgdMechanism(noise_multiplier=0.8, sample_rate=0.1, steps=50)
    epsilon = get_epsilon_at_snr(snr, pixels=784, looks=75, sample_rate=0.1, steps=50, delta=1e-5, accountant="rdp")
    assert epsilon == pytest.approx(get_epsilon_from_mechanism(mechanism, delta=1e-5, accountant="rdp"))
    assert math.isinf(get_pixel_snr(noise_multiplier=0, pixels=784, looks=1))
    with pytest.raises(InvalidValue, match="snr must be a finite number above 0"):
        get_noise_multiplier_from_snr(0, pixels=784, looks=1)


def test_the_middle_gallery_is_around_the_median(pictures: np.ndarray) -> None:
    attack = ImprintAttack(np.concatenate([np.zeros_like(pictures[:1]), pictures, pictures[:, ::-1]]), 0)
    gallery = middle_gallery(attack, noise_multiplier=4e-4, looks=9)
    error = attack.scores(noise_multiplier=4e-4, looks=1).error
    order = np.argsort(error)
    assert gallery.index.tolist() == order[5:10].tolist()
    assert gallery.errors_one_look[0] <= np.nanmedian(error) <= gallery.errors_one_look[-1]


@pytest.mark.parametrize(("side", "batch_size"), [(28, 1), (200, 1), (64, 4)])
def test_live_pictures_come_back_without_dp(pictures: np.ndarray, side: int, batch_size: int) -> None:
    given = np.concatenate([np.zeros_like(pictures[:1]), pictures])
    live = attack_pictures(given, noise_multiplier=0, looks=1, side=side, batch_size=batch_size, num_bins=2000)
    assert live.index.tolist() == list(range(1, 9))
    assert live.originals.shape == live.rebuilt.shape == (8, side, side, 3)
    measured = [ssim_error(a, b) for a, b in zip(live.originals, live.rebuilt, strict=True)]
    np.testing.assert_allclose(measured, live.scores.error[1:])
    assert np.median(measured) < 0.01


def test_smaller_pictures_are_area_averages() -> None:
    checks = np.kron(np.array([[0, 200], [100, 40]], dtype=np.uint8), np.ones((32, 32), dtype=np.uint8))
    small = resize(np.tile(checks, (1, 1))[None, :, :, None], 16)
    np.testing.assert_array_equal(small[0, ::8, ::8, 0], [[0, 200], [100, 40]])
    stripes = np.tile(np.array([0, 200], dtype=np.uint8), (32, 16))[None, :, :, None]
    assert (resize(stripes, 16) == 100).all()


def test_live_attack_refuses(pictures: np.ndarray) -> None:
    with pytest.raises(InvalidValue, match="side must be 16 to 256, but is 300"):
        attack_pictures(pictures, noise_multiplier=1, looks=1, side=300)
    with pytest.raises(InvalidValue, match="pictures must be at most 24"):
        attack_pictures(np.tile(pictures, (4, 1, 1, 1)), noise_multiplier=1, looks=1, side=28)


def test_live_attack_is_quick_enough_for_a_page(pictures: np.ndarray) -> None:
    """At most 2 s on one core for 16 pictures of 224 pixels; measured 0.9 s."""
    start = time.process_time()
    attack_pictures(
        np.tile(pictures, (2, 1, 1, 1)), noise_multiplier=1e-3, looks=1, side=224, batch_size=8, denoiser=DENOISERS[1]
    )
    assert time.process_time() - start < 2
