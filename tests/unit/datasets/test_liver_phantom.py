"""The liver phantom: always the same, labelled invented, and of the anatomy it claims."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from scipy import ndimage

from dpcore import datasets
from dpcore.datasets.liver_anatomy import MAX_TUMOURS_IN_SLICE, NUM_PATIENTS, Scans, draw_scans
from dpcore.datasets.liver_phantom import label_pixels
from dpcore.datasets.liver_render import render
from dpcore.datasets.spec import Dataset


@pytest.fixture(scope="module")
def livers() -> Dataset:
    return datasets.load("liver_phantom")


@pytest.fixture(scope="module")
def scans() -> Scans:
    return draw_scans(seed=3)


def test_shapes_and_texts(livers: Dataset) -> None:
    n = len(livers.labels)
    assert 550 <= n <= 650
    assert livers.features.shape == (n, 1, 64, 64)
    assert livers.labels.shape == (n, 64, 64)
    assert np.unique(livers.labels).tolist() == [0, 1, 2]
    assert livers.spec.structures == ("liver", "tumour")
    assert livers.spec.metrics == ("dice_liver", "dice_tumour")
    assert "invented" in livers.spec.task
    assert "invented" in livers.spec.source
    attack = datasets.load_attack_records("liver_phantom")
    assert "Synthetic" in attack.source
    assert "synthetic" in datasets.status("liver_phantom").message


def test_patients_have_one_to_six_slices_on_one_side_of_the_split(livers: Dataset) -> None:
    _, counts = np.unique(livers.groups, return_counts=True)
    assert len(counts) == NUM_PATIENTS
    assert (counts.min(), counts.max()) == (1, 6)
    split = livers.split
    parts = (split.train, split.validation, split.test)
    owners = [set(livers.groups[part].tolist()) for part in parts]
    assert sum(map(len, owners)) == NUM_PATIENTS
    assert sorted(np.concatenate(parts)) == list(range(len(livers.labels)))
    has_tumour = (livers.labels == 2).any(axis=(1, 2))
    for part in parts:
        assert has_tumour[part].mean() == pytest.approx(has_tumour.mean(), abs=0.06)


def test_the_same_seed_paints_the_same_pictures(scans: Scans) -> None:
    again = draw_scans(seed=3)
    for field in fields(scans):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(scans, field.name))
    chosen = np.arange(5)
    for first, second in zip(render(scans.take(chosen)), render(again.take(chosen)), strict=True):
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(draw_scans(seed=4).liver_hu[:5], scans.liver_hu[:5])


def test_a_slice_does_not_depend_on_its_neighbours(scans: Scans) -> None:
    together, _ = render(scans.take(np.arange(20)))
    alone, _ = render(scans.take(np.array([17])))
    np.testing.assert_array_equal(alone[0], together[17])


def test_livers_look_like_livers(livers: Dataset) -> None:
    liver = livers.labels > 0
    shares = liver.mean(axis=(1, 2))
    assert liver.any(axis=(1, 2)).mean() > 0.99
    assert 0.05 < shares.mean() < 0.15
    assert shares.max() < 0.30
    # The patient's right is on the left of the picture.
    columns = np.broadcast_to(np.arange(64), liver.shape)
    assert columns[liver].mean() < 28
    pieces = np.array([_share_of_largest_piece(one) for one in liver if one.any()])
    assert np.median(pieces) > 0.97


def _share_of_largest_piece(mask: np.ndarray) -> float:
    labelled, count = ndimage.label(mask)
    return max(np.bincount(labelled.ravel())[1:]) / mask.sum() if count else 0.0


def test_tumours_lie_in_livers_and_are_few(livers: Dataset, scans: Scans) -> None:
    tumour = livers.labels == 2
    with_tumour = tumour.any(axis=(1, 2))
    assert 0.3 < with_tumour.mean() < 0.6
    assert 0.03 < tumour.sum() / (livers.labels > 0).sum() < 0.10
    assert (scans.tumour_radius > 0).sum(axis=1).max() == MAX_TUMOURS_IN_SLICE
    around = ndimage.binary_dilation(tumour, np.ones((1, 3, 3))) & ~tumour
    assert (livers.labels[around] == 1).mean() > 0.6


def test_grey_levels_overlap_so_that_no_threshold_finds_the_liver(livers: Dataset) -> None:
    grey = livers.features[:, 0]
    best = 0.0
    for low in np.linspace(-0.6, 0.4, 11):
        for width in (0.2, 0.4, 0.6, 0.9):
            found = (grey > low) & (grey < low + width)
            liver = livers.labels > 0
            best = max(best, 2 * (found & liver).sum() / (found.sum() + liver.sum()))
    assert 0.3 < best < 0.75


def test_most_tumours_are_darker_than_their_liver(livers: Dataset) -> None:
    differences = [
        image[0][labels == 2].mean() - image[0][labels == 1].mean()
        for image, labels in zip(livers.features, livers.labels, strict=True)
        if (labels == 2).sum() >= 8 and (labels == 1).any()
    ]
    assert 0.7 < np.mean(np.array(differences) < 0) < 0.99
    assert -0.6 < np.median(differences) < -0.1


def test_contrast_medium_brightens_the_liver(livers: Dataset) -> None:
    grey = np.array(
        [image[0][labels == 1].mean() for image, labels in zip(livers.features, livers.labels, strict=True)]
    )
    phase = livers.subgroups["scan (phantom)"]
    assert set(phase) == {"with contrast medium", "without contrast medium"}
    assert np.mean(grey[phase == "with contrast medium"]) > np.mean(grey[phase != "with contrast medium"]) + 0.15
    assert 0.6 < (phase == "with contrast medium").mean() < 0.9


def test_label_pixels() -> None:
    liver = np.array([[1, 1, 0.5, 0], [1, 1, 0.5, 0.9]])
    tumour = np.array([[1, 1, 0, 0], [0, 0.1, 0, 0]])
    shares = np.stack([liver, tumour], axis=-1)[None].astype(np.float32)
    assert label_pixels(shares, factor=2).tolist() == [[[2, 0]]]
    assert label_pixels(shares, factor=1).tolist() == [[[2, 2, 1, 0], [1, 1, 1, 1]]]


def test_attack_records_are_training_slices_at_twice_the_size(livers: Dataset) -> None:
    attack = datasets.load_attack_records("liver_phantom")
    assert attack.records.shape == (300, 128, 128, 1)
    assert attack.records.dtype == np.uint8
    assert attack.may_show
    halves = attack.records[:3, ..., 0].reshape(3, 64, 2, 64, 2).mean(axis=(2, 4))
    train = livers.features[livers.split.train, 0]
    for half in halves:
        assert np.abs(train - (half / 127.5 - 1)).max(axis=(1, 2)).min() < 0.01
    # Enough light in every picture for the published attack to take it.
    assert (attack.records != 0).mean(axis=(1, 2, 3)).min() > 0.1
