from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dpcore import datasets
from dpcore.datasets.ham10000 import name_age_bands


def test_the_npz_becomes_the_papers_task(write_npz, ham_table) -> None:
    dataset = datasets.load("ham10000", data_path=write_npz())
    order = np.argsort(ham_table["image_id"])
    needs_treatment = {"akiec", "bcc", "mel"}
    expected = [int(ham_table["classes"][label] in needs_treatment) for label in ham_table["labels"][order]]
    assert dataset.labels.tolist() == expected
    assert dataset.groups.tolist() == ham_table["lesion_id"][order].tolist()
    assert dataset.features.dtype == np.float32
    assert dataset.features.shape == (60, 3, 28, 28)
    restored = np.round((dataset.features + 1) * 127.5).astype(np.uint8)
    np.testing.assert_array_equal(restored, ham_table["images"][order].transpose(0, 3, 1, 2))
    assert dataset.subgroups["sex"].tolist() == ham_table["sex"][order].tolist()


def test_classes_are_known_by_name_not_by_place(write_npz, ham_table) -> None:
    turned = datasets.load("ham10000", data_path=write_npz(classes=ham_table["classes"][::-1]))
    assert turned.labels.mean() == pytest.approx(np.isin(ham_table["labels"], (6 - 0, 6 - 1, 6 - 4)).mean())


def test_no_lesion_is_in_two_parts(write_npz) -> None:
    dataset = datasets.load("ham10000", data_path=write_npz())
    split = dataset.split
    owners = [set(dataset.groups[part].tolist()) for part in (split.train, split.validation, split.test)]
    assert sum(map(len, owners)) == len(set.union(*owners)) == 30


def test_age_bands() -> None:
    ages = np.array([-1, np.nan, 0, 39.9, 40, 59, 60, 85], dtype=np.float32)
    assert name_age_bands(ages).tolist() == ["unknown"] * 2 + ["under 40"] * 2 + ["40 to 59"] * 2 + ["60 and over"] * 2


def test_status_counts_the_images(write_npz) -> None:
    status = datasets.status("ham10000", data_path=write_npz().parent)
    assert status == datasets.DataStatus(
        available=True, message="Your copy of HAM10000: found, 60 images in ham10000_28.npz."
    )


@pytest.mark.parametrize(
    ("metadata", "parts", "suffix"),
    [
        ("HAM10000_metadata.csv", ("HAM10000_images_part_1", "HAM10000_images_part_2"), ".jpg"),
        ("HAM10000_metadata.tab", ("",), ".JPG"),
        ("HAM10000_metadata", ("HAM10000_images",), ".jpeg"),
        ("HAM10000_metadata.csv", ("",), ".png"),
    ],
)
def test_the_published_layout_gives_the_same_records_as_the_npz(
    write_npz, write_folder, metadata, parts, suffix
) -> None:
    from_npz = datasets.load("ham10000", data_path=write_npz())
    folder: Path = write_folder(metadata=metadata, parts=parts, suffix=suffix)
    assert datasets.status("ham10000", data_path=folder).message == (
        f"Your copy of HAM10000: found, 60 images in {metadata}."
    )
    from_folder = datasets.load("ham10000", data_path=folder)
    np.testing.assert_array_equal(from_folder.labels, from_npz.labels)
    for part in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(from_folder.split, part), getattr(from_npz.split, part))
    for name, values in from_npz.subgroups.items():
        np.testing.assert_array_equal(from_folder.subgroups[name], values)
    np.testing.assert_allclose(from_folder.features, from_npz.features, atol=3 / 127.5)  # JPEG rounds colours


def test_images_are_squashed_for_training_and_cropped_for_the_attack(tmp_path: Path) -> None:
    """A picture twice as wide as high: left and right quarters black, the central square white."""
    from PIL import Image

    from dpcore.datasets._images import read_image

    picture = np.zeros((560, 1120, 3), dtype=np.uint8)
    picture[:, 280:840] = 255
    Image.fromarray(picture).save(tmp_path / "wide.png")
    squashed = read_image(tmp_path / "wide.png", size=28, crop=False)
    assert squashed[:, :7].max() == squashed[:, 21:].max() == 0
    assert squashed[:, 7:21].min() == 255
    assert read_image(tmp_path / "wide.png", size=128, crop=True).min() == 255


def test_attack_records_come_from_the_folder(write_folder) -> None:
    attack = datasets.load_attack_records("ham10000", data_path=write_folder())
    assert attack.records.shape == (60, 128, 128, 3)
    assert attack.records.dtype == np.uint8
    assert not attack.may_show


def test_attack_records_come_from_the_sample_beside_the_npz(write_npz) -> None:
    path = write_npz()
    images = np.random.default_rng(0).integers(0, 256, (5, 128, 128, 3), dtype=np.uint8)
    np.savez(path.parent / "ham10000_sample_128.npz", images=images)
    for data_path in (path, path.parent):
        np.testing.assert_array_equal(datasets.load_attack_records("ham10000", data_path=data_path).records, images)


@pytest.mark.realdata
def test_the_real_data(real_data: Path) -> None:
    dataset = datasets.load("ham10000", data_path=real_data)
    assert len(dataset.labels) == 10_015
    assert dataset.labels.sum() == 1_954  # Ziller et al. 2024: akiec, bcc and mel
    assert len(np.unique(dataset.groups)) == 7_470
    split = dataset.split
    assert len(split.train) == 7_511
    owners = [set(dataset.groups[part].tolist()) for part in (split.train, split.validation, split.test)]
    assert sum(map(len, owners)) == 7_470
    for part in (split.train, split.validation, split.test):
        assert dataset.labels[part].mean() == pytest.approx(0.195, abs=0.002)
    assert {name: len(set(values.tolist())) for name, values in dataset.subgroups.items()} == {
        "sex": 3,
        "age": 4,
        "body site": 15,
    }


@pytest.mark.realdata
def test_the_real_sample(real_data: Path) -> None:
    attack = datasets.load_attack_records("ham10000", data_path=real_data)
    assert attack.records.shape == (300, 128, 128, 3)
    assert not attack.may_show
