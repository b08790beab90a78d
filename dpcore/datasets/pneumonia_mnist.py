"""PneumoniaMNIST: 5,856 chest X-rays of children, read from the user's own copy. Never part of the project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dpcore.datasets._archive import Expected, read_arrays, read_headers
from dpcore.datasets._copies import Wanted, find_copy
from dpcore.datasets._images import scale_images
from dpcore.datasets.spec import AttackRecords, Dataset, DatasetSpec, Split
from dpcore.errors import DataUnavailable

SPEC = DatasetSpec(
    name="pneumonia_mnist",
    title="PneumoniaMNIST chest X-rays (real patients)",
    kind="image",
    synthetic=False,
    record_shape=(1, 28, 28),
    task="Does this chest X-ray of a child show pneumonia?",
    positive_label="pneumonia",
    negative_label="normal",
    record_noun="image",
    group_noun="image",
    source="Kermany et al., Cell 172, 2018, children aged one to five in Guangzhou, as 28 × 28 pixels in MedMNIST "
    "(Yang et al., Scientific Data 10, 41, 2023); published split; no patient numbers are published with it, so images "
    "of one child may be on both sides",
    url="https://doi.org/10.1038/s41597-022-01721-8",
    licence="CC BY 4.0",
    images_may_ship=False,
)

FILE_NAMES = ("pneumoniamnist.npz", "pneumoniamnist_28_rebuilt.npz")
#: The parts as the file names them.
PARTS = ("train", "val", "test")

_IMAGES = Expected(shape=(None, 28, 28), kinds="u", itemsize=1)
_LABELS = Expected(shape=(None, 1), kinds="iu")
_ARRAYS = {f"{part}_{what}": rule for part in PARTS for what, rule in (("images", _IMAGES), ("labels", _LABELS))}
_WANTED = Wanted(title="PneumoniaMNIST", file_names=FILE_NAMES)
_NUM_ATTACK_RECORDS = 300


def load(data_path: Path | None) -> Dataset:
    """Returns the 28 × 28 grey images, split as published; every image is a group of its own.

    `data_path` is the npz file or a folder with it. Raises DataUnavailable, naming file, rule and value, when there is
    no usable copy.
    """
    images, labels, split = _read(find_copy(_WANTED, data_path))
    return Dataset(
        spec=SPEC,
        features=scale_images(images[..., None]),
        labels=labels,
        groups=np.arange(len(labels), dtype=np.int64),
        split=split,
    )


def load_attack_records(data_path: Path | None) -> AttackRecords:
    """Returns 300 training images, uint8 (300, 28, 28, 1); errors as `load`."""
    images, _, split = _read(find_copy(_WANTED, data_path))
    drawn = np.random.default_rng(0).permutation(split.train)[:_NUM_ATTACK_RECORDS]
    return AttackRecords(
        name=SPEC.name,
        records=images[np.sort(drawn)][..., None],
        may_show=False,
        source=f"{len(drawn)} training images. {SPEC.source}.",
    )


def describe_copy(data_path: Path | None) -> str:
    """Returns one sentence on the copy found, without reading an image; errors as for `load`."""
    path = find_copy(_WANTED, data_path)
    lengths = {key: header.shape[0] for key, header in read_headers(path, _ARRAYS).items()}
    _check_lengths(path.name, lengths)
    num_images = sum(lengths[f"{part}_images"] for part in PARTS)
    return f"Your copy of PneumoniaMNIST: found, {num_images:,} images in {path.name}."


def _read(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64], Split]:
    table = read_arrays(path, _ARRAYS)
    _check_lengths(path.name, {key: len(values) for key, values in table.items()})
    for part in PARTS:
        _check_labels(path.name, part, table[f"{part}_labels"])
    parts = [_sorted_by_pixels(table[f"{part}_images"], table[f"{part}_labels"]) for part in PARTS]
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    starts = np.cumsum([len(part_labels) for _, part_labels in parts])[:-1]
    train, validation, test = np.split(np.arange(len(labels), dtype=np.int64), starts)
    return images, labels.astype(np.int64), Split(train=train, validation=validation, test=test)


def _sorted_by_pixels(images: NDArray[Any], labels: NDArray[Any]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Orders by content: the official file and rebuilt ones differ in the order of their images only."""
    codes = labels.astype(np.uint8)
    rows = np.hstack([images.reshape(len(images), -1), codes])
    order = rows.view(f"V{rows.shape[1]}")[:, 0].argsort(kind="stable")
    return images[order], codes[order, 0]


def _check_lengths(name: str, lengths: dict[str, int]) -> None:
    for part in PARTS:
        num_images, num_labels = lengths[f"{part}_images"], lengths[f"{part}_labels"]
        if num_labels != num_images:
            raise DataUnavailable(
                f"Array '{part}_labels' in {name} must have one entry per image ({num_images:,}), "
                f"but has {num_labels:,}."
            )


def _check_labels(name: str, part: str, labels: NDArray[Any]) -> None:
    low, high = int(labels.min()), int(labels.max())
    if (low, high) != (0, 1):
        raise DataUnavailable(
            f"Array '{part}_labels' in {name} must hold 0 and 1 and nothing else, but lies between {low} and {high}."
        )
