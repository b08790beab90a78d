"""Grey pictures of any size, as X-rays and CT slices are: attacked, scored and shown like colour pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from dpcore import datasets
from dpcore.attacks import best_gallery, encode_strip, stand_in_pictures
from dpcore.attacks._records import from_flat, kind_of, to_model_input
from dpcore.attacks.networks import PreparedAttack, attack_records
from dpcore.errors import InvalidValue
from dpcore.sweep.pictures import attacked_pictures


def grey_pictures(n: int, side: int) -> np.ndarray:
    """uint8 (n, side, side, 1): blurred noise."""
    blurred = gaussian_filter(np.random.default_rng(0).standard_normal((n, side, side, 1)), sigma=(0, 4, 4, 0))
    return np.clip(130 + 40 * blurred / blurred.std(), 1, 255).astype(np.uint8)


@pytest.mark.parametrize("side", [16, 28, 64, 128, 256])
def test_without_dp_grey_pictures_come_back(side: int) -> None:
    pictures = grey_pictures(3, side)
    attack = PreparedAttack(pictures, 0)
    scores = attack.scores(noise_multiplier=0, looks=1)
    assert scores.error.max() < 0.01
    assert scores.matched.all()
    assert scores.clip_share > 0.95
    rebuilt = attack.reconstruct(noise_multiplier=0, looks=1)
    assert (rebuilt.dtype, rebuilt.shape) == (np.uint8, pictures.shape)
    assert np.abs(rebuilt.astype(int) - pictures).max() <= 1


def test_noise_hurts_and_looks_help() -> None:
    attack = PreparedAttack(grey_pictures(8, 28), 0)
    errors = [
        np.median(attack.scores(noise_multiplier=s, looks=k).error) for s, k in [(1e-4, 1), (0.01, 75), (0.01, 1)]
    ]
    assert errors == sorted(errors)
    assert errors[0] < 0.1 < errors[-1]


@pytest.mark.parametrize(("side", "channels"), [(28, 1), (128, 1), (128, 3)])
def test_model_inputs_and_records_are_each_others_inverse(side: int, channels: int) -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (2, side, side, channels), dtype=np.uint8)
    kind = kind_of(pictures)
    assert (kind.model, kind.record_shape) == ("small_cnn", (channels, side, side))
    inputs = to_model_input(pictures)
    assert inputs.shape == (2, channels, side, side)
    np.testing.assert_array_equal(from_flat(inputs.reshape(2, -1), kind), pictures)


@pytest.mark.parametrize("shape", [(2, 15, 15, 1), (2, 257, 257, 1), (2, 28, 32, 1), (2, 28, 28, 2), (2, 28, 28)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidValue, match=r"side of 16 to 256, or float32 .* but is uint8 of shape") as caught:
        attack_records(np.ones(shape, dtype=np.uint8), noise_multiplier=1.0, looks=1, seed=0)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("side", [28, 128])
def test_a_strip_of_grey_pictures_is_grey(side: int) -> None:
    pictures = grey_pictures(5, side)
    decoded = Image.open(io.BytesIO(encode_strip(pictures)))
    assert (decoded.format, decoded.size) == ("WEBP", (5 * side, side))
    colours = np.asarray(decoded.convert("RGB")).astype(int)
    assert np.abs(colours - np.hstack(list(pictures))).mean() < 5
    assert np.ptp(colours, axis=-1).max() <= 4


def test_a_gallery_of_grey_pictures() -> None:
    gallery = best_gallery(PreparedAttack(grey_pictures(6, 28), 0), noise_multiplier=1e-3, looks=10)
    assert gallery.originals.shape == gallery.one_look.shape == gallery.all_looks.shape == (5, 28, 28, 1)
    assert (gallery.errors_all_looks < gallery.errors_one_look).all()


def test_the_liver_phantom_stands_in_for_real_livers_and_says_so() -> None:
    attack, source, stands_in = attacked_pictures("msd_liver")
    own, own_source, own_stands_in = attacked_pictures("liver_phantom")
    np.testing.assert_array_equal(attack.records, datasets.load_attack_records("liver_phantom").records)
    np.testing.assert_array_equal(attack.records, own.records)
    assert (stands_in, own_stands_in) == (True, False)
    assert source.startswith("standing in for scans of patients")
    assert source.endswith(own_source)
    assert "Synthetic" in source


def test_pictures_of_scikit_image_stand_in_for_x_rays() -> None:
    attack, source, stands_in = attacked_pictures("pneumonia_mnist")
    np.testing.assert_array_equal(attack.records, stand_in_pictures().records)
    assert stands_in
    assert source == stand_in_pictures().source
    assert "come with scikit-image" in source


@pytest.mark.parametrize("denoiser", ["non-local means", "wavelet"])
def test_grey_pictures_can_be_denoised(denoiser: str) -> None:
    pictures = grey_pictures(4, 32)
    attack = PreparedAttack(pictures, 0)
    rebuilt = attack.reconstruct(noise_multiplier=1e-3, looks=1, denoiser=denoiser)
    assert rebuilt.shape == pictures.shape
    assert np.isfinite(attack.scores(noise_multiplier=1e-3, looks=1, denoiser=denoiser).error).all()
