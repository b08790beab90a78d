from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dpcore import datasets


def test_the_published_split_is_kept(write_copy) -> None:
    dataset = datasets.load("pneumonia_mnist", data_path=write_copy("pneumonia_mnist"))
    assert dataset.features.shape == (62, 1, 28, 28)
    split = dataset.split
    assert [len(part) for part in (split.train, split.validation, split.test)] == [40, 10, 12]
    assert sorted(np.concatenate([split.train, split.validation, split.test])) == list(range(62))
    assert len(np.unique(dataset.groups)) == 62
    assert [int(dataset.labels[part].sum()) for part in (split.train, split.validation, split.test)] == [26, 6, 8]


def test_images_keep_their_labels(write_copy) -> None:
    path = write_copy("pneumonia_mnist")
    dataset = datasets.load("pneumonia_mnist", data_path=path)
    pixels = np.round((dataset.features[:, 0] + 1) * 127.5).astype(np.uint8)
    loaded = {image.tobytes(): int(label) for image, label in zip(pixels, dataset.labels, strict=True)}
    with np.load(path) as table:
        for part in ("train", "val", "test"):
            for image, label in zip(table[f"{part}_images"], table[f"{part}_labels"], strict=True):
                assert loaded[image.tobytes()] == label[0]


def test_the_order_in_the_file_does_not_matter(write_copy) -> None:
    path = write_copy("pneumonia_mnist")
    straight = datasets.load("pneumonia_mnist", data_path=path)
    attacked = datasets.load_attack_records("pneumonia_mnist", data_path=path)
    with np.load(path) as table:
        turned = {key: values[::-1] for key, values in table.items()}
    rebuilt = datasets.load("pneumonia_mnist", data_path=write_copy("pneumonia_mnist", **turned))
    np.testing.assert_array_equal(rebuilt.features, straight.features)
    np.testing.assert_array_equal(rebuilt.labels, straight.labels)
    again = datasets.load_attack_records("pneumonia_mnist", data_path=path)
    np.testing.assert_array_equal(again.records, attacked.records)


def test_the_official_file_goes_before_a_rebuilt_one(write_copy) -> None:
    path: Path = write_copy("pneumonia_mnist")
    rebuilt = path.with_name("pneumoniamnist_28_rebuilt.npz")
    path.rename(rebuilt)
    assert "in pneumoniamnist_28_rebuilt.npz." in datasets.status("pneumonia_mnist", data_path=path.parent).message
    write_copy("pneumonia_mnist")
    status = datasets.status("pneumonia_mnist", data_path=path.parent)
    assert (status.available, status.message) == (
        True,
        "Your copy of PneumoniaMNIST: found, 62 images in pneumoniamnist.npz.",
    )


def test_attack_records_are_grey_training_images(write_copy) -> None:
    path = write_copy("pneumonia_mnist")
    attack = datasets.load_attack_records("pneumonia_mnist", data_path=path)
    assert attack.records.shape == (40, 28, 28, 1)
    assert attack.records.dtype == np.uint8
    assert not attack.may_show
    with np.load(path) as table:
        assert {image.tobytes() for image in attack.records} == {image.tobytes() for image in table["train_images"]}


@pytest.mark.realdata
def test_the_real_data(real_data: Path) -> None:
    dataset = datasets.load("pneumonia_mnist", data_path=real_data)
    split = dataset.split
    assert [len(part) for part in (split.train, split.validation, split.test)] == [4708, 524, 624]
    assert [int(dataset.labels[part].sum()) for part in (split.train, split.validation, split.test)] == [3494, 389, 390]
    attack = datasets.load_attack_records("pneumonia_mnist", data_path=real_data)
    assert attack.records.shape == (300, 28, 28, 1)
    assert not attack.may_show
