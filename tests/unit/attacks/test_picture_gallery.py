"""The gallery: which pictures, how large their files, and where stand-ins come from."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from dpcore.attacks import StandIns, best_gallery, encode_strip, middle_gallery, stand_in_pictures
from dpcore.attacks.networks import PreparedAttack
from dpcore.attacks.similarity import ssim_error
from dpcore.errors import InvalidValue


@pytest.fixture(scope="module")
def stand_ins() -> StandIns:
    return stand_in_pictures()


@pytest.fixture(scope="module")
def attack(stand_ins: StandIns) -> PreparedAttack:
    black = np.zeros((1, 128, 128, 3), dtype=np.uint8)
    return PreparedAttack(np.concatenate([black, stand_ins.records]), 0)


def test_stand_ins_are_distinct_captioned_pictures(stand_ins: StandIns) -> None:
    n = len(stand_ins.records)
    assert n == 8
    assert stand_ins.records.shape == (n, 128, 128, 3)
    assert stand_ins.records.dtype == np.uint8
    assert len({picture.tobytes() for picture in stand_ins.records}) == n
    assert len(stand_ins.captions) == n
    assert all("scikit-image" in caption for caption in stand_ins.captions)
    assert len(set(stand_ins.captions)) == 4


def test_stand_ins_need_no_download(stand_ins: StandIns, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise AssertionError("network used")

    monkeypatch.setattr("socket.socket.connect", refuse)
    np.testing.assert_array_equal(stand_in_pictures().records, stand_ins.records)


def test_stand_ins_are_bright_enough_to_attack(stand_ins: StandIns) -> None:
    assert (stand_ins.records != 0).any(axis=-1).mean(axis=(1, 2)).min() > 0.1


def test_best_five_by_one_look_shown_for_all_looks(attack: PreparedAttack) -> None:
    gallery = best_gallery(attack, noise_multiplier=4e-4, looks=75)
    one = attack.scores(noise_multiplier=4e-4, looks=1).error
    assert gallery.index.tolist() == np.argsort(one)[:5].tolist()
    assert 0 not in gallery.index  # the black one
    np.testing.assert_array_equal(gallery.errors_one_look, np.sort(one)[:5])
    np.testing.assert_array_equal(gallery.originals, attack.records[gallery.index])
    for pictures, errors in (
        (gallery.one_look, gallery.errors_one_look),
        (gallery.all_looks, gallery.errors_all_looks),
    ):
        assert pictures.shape == (5, 128, 128, 3)
        measured = [ssim_error(a, b) for a, b in zip(gallery.originals, pictures, strict=True)]
        np.testing.assert_allclose(measured, errors)
    assert (gallery.errors_all_looks < gallery.errors_one_look).all()


def test_middle_five_lie_around_the_median(attack: PreparedAttack) -> None:
    gallery = middle_gallery(attack, noise_multiplier=4e-4, looks=75)
    errors = np.sort(attack.scores(noise_multiplier=4e-4, looks=1).error[1:])  # without the black one
    np.testing.assert_array_equal(gallery.errors_one_look, errors[1:6])
    assert gallery.errors_one_look[0] < np.median(errors) < gallery.errors_one_look[-1]


def test_gallery_needs_five_pictures(stand_ins: StandIns) -> None:
    few = PreparedAttack(stand_ins.records[:4], 0)
    with pytest.raises(InvalidValue, match="attack must hold at least 5 pictures, but holds 4"):
        best_gallery(few, noise_multiplier=1.0, looks=2)
    rows = PreparedAttack(np.random.default_rng(0).standard_normal((9, 30)).astype(np.float32), 0)
    with pytest.raises(InvalidValue, match="attack must hold at least 5 pictures"):
        best_gallery(rows, noise_multiplier=1.0, looks=2)


def test_strip_is_five_pictures_side_by_side(stand_ins: StandIns) -> None:
    pictures = stand_ins.records[:5]
    decoded = Image.open(io.BytesIO(encode_strip(pictures)))
    assert (decoded.format, decoded.size) == ("WEBP", (640, 128))
    difference = np.abs(np.asarray(decoded.convert("RGB")).astype(int) - np.hstack(list(pictures)))
    assert difference.mean() < 5


@pytest.mark.parametrize("kind", ["uniform", "black and white"])
def test_strip_of_noise_stays_small(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (5, 128, 128, 3), dtype=np.uint8)
    pictures = noise if kind == "uniform" else np.where(noise > 127, 255, 0).astype(np.uint8)
    assert len(encode_strip(pictures)) < 48_000


def test_strip_of_something_else() -> None:
    with pytest.raises(InvalidValue, match="pictures must be uint8 of shape"):
        encode_strip(np.zeros((5, 8, 8, 3), dtype=np.uint8))
    with pytest.raises(InvalidValue, match="pictures must be uint8 of shape"):
        encode_strip(np.zeros((0, 128, 128, 3), dtype=np.uint8))
    with pytest.raises(InvalidValue, match="pictures must be uint8 of shape"):
        encode_strip(np.zeros((5, 128, 128, 3)))
