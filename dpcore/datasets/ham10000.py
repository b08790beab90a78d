"""HAM10000: 10,015 dermatoscopic images, read from the user's own copy. The images never become part of the project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dpcore.datasets import ham10000_folder
from dpcore.datasets._archive import Expected, read_arrays, read_headers
from dpcore.datasets._copies import Wanted, find_copy
from dpcore.datasets._images import read_image, scale_images
from dpcore.datasets.spec import AttackRecords, Dataset, DatasetSpec, Split
from dpcore.datasets.splits import split_by_group
from dpcore.errors import DataUnavailable, InvalidValue

SPEC = DatasetSpec(
    name="ham10000",
    title="HAM10000 skin lesions (real patients)",
    kind="image",
    synthetic=False,
    record_shape=(3, 28, 28),
    task="Does this skin lesion need immediate treatment?",
    positive_label="needs treatment: melanoma, basal cell carcinoma, actinic keratosis or Bowen's disease",
    negative_label="can wait: mole, benign keratosis, dermatofibroma or vascular lesion",
    record_noun="image",
    group_noun="lesion",
    source="Tschandl, Rosendahl and Kittler: The HAM10000 dataset, Scientific Data 5, 180161, 2018; "
    "10,015 images from Vienna and Queensland",
    url="https://doi.org/10.7910/DVN/DBW86T",
    licence="CC BY-NC 4.0",
    images_may_ship=False,
)

POSITIVE_CLASSES = ("akiec", "bcc", "mel")
CLASSES = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")
FILE_NAME = "ham10000_28.npz"
SAMPLE_FILE_NAME = "ham10000_sample_128.npz"

_NUMBERS = Expected(shape=(None,), kinds="iu")
_TEXTS = Expected(shape=(None,), kinds="U")
_ARRAYS = {
    "images": Expected(shape=(None, 28, 28, 3), kinds="u", itemsize=1),
    "labels": _NUMBERS,
    "classes": _TEXTS,
    "lesion_id": _NUMBERS,
    "image_id": _NUMBERS,
    "age": Expected(shape=(None,), kinds="f"),
    "sex": _TEXTS,
    "localization": _TEXTS,
}
_SAMPLE_ARRAYS = {"images": Expected(shape=(None, 128, 128, 3), kinds="u", itemsize=1)}
_PER_RECORD = ("labels", "lesion_id", "image_id", "age", "sex", "localization")
_WANTED = Wanted(
    title="HAM10000",
    file_names=(FILE_NAME,),
    find_layout=ham10000_folder.find_metadata,
    layout=f"{ham10000_folder.METADATA_NAMES[0]} with its images",
)
_NUM_ATTACK_RECORDS = 300


def load(data_path: Path | None) -> Dataset:
    """Returns the paper's binary task at 28 × 28 pixels, split by lesion; subgroups sex, age and body site.

    `data_path` is the npz file, a folder with it, or the published folder of images (about a minute to read).
    Raises DataUnavailable, naming file, rule and value, when there is no usable copy.
    """
    path = find_copy(_WANTED, data_path)
    table = _read_table(path)
    _check_codes(path.name, table)
    table = _sorted_by_image(table)
    labels = _binary_labels(path.name, table)
    groups = table["lesion_id"].astype(np.int64)
    return Dataset(
        spec=SPEC,
        features=scale_images(table["images"]),
        labels=labels,
        groups=groups,
        split=_split(path.name, groups, labels),
        subgroups={
            "sex": table["sex"],
            "age": name_age_bands(table["age"]),
            "body site": table["localization"],
        },
    )


def name_age_bands(age: NDArray[Any]) -> NDArray[np.str_]:
    """Returns the age band of each record (n,); negative or NaN ages are unknown."""
    known = np.nan_to_num(age.astype(np.float64), nan=-1.0)
    bands = np.array(["unknown", "under 40", "40 to 59", "60 and over"])
    return bands[np.digitize(known, [0, 40, 60])]


def _is_metadata(path: Path) -> bool:
    return path.name in ham10000_folder.METADATA_NAMES


def _read_table(path: Path) -> dict[str, NDArray[Any]]:
    if _is_metadata(path):
        return ham10000_folder.read_table(ham10000_folder.open_folder(path), CLASSES)
    table = read_arrays(path, _ARRAYS)
    _check_lengths(path.name, {key: len(values) for key, values in table.items()})
    return table


def _binary_labels(name: str, table: dict[str, NDArray[Any]]) -> NDArray[np.int64]:
    positive = np.isin(table["classes"], POSITIVE_CLASSES)
    labels = positive[table["labels"]].astype(np.int64)
    if labels.min() == labels.max():
        raise DataUnavailable(f"{name} must hold lesions that need treatment and others, but holds only one kind.")
    return labels


def _split(name: str, groups: NDArray[np.int64], labels: NDArray[np.int64]) -> Split:
    try:
        return split_by_group(groups, labels)
    except InvalidValue as error:
        raise DataUnavailable(f"{name} must hold enough lesions to split: {error}") from error


def _check_lengths(name: str, lengths: dict[str, int]) -> None:
    num_images = lengths["images"]
    for key in _PER_RECORD:
        if lengths[key] != num_images:
            raise DataUnavailable(
                f"Array {key!r} in {name} must have one entry per image ({num_images:,}), but has {lengths[key]:,}."
            )


def _check_codes(name: str, table: dict[str, NDArray[Any]]) -> None:
    unknown = sorted(set(table["classes"].tolist()) - set(CLASSES))
    if unknown:
        raise DataUnavailable(f"Classes in {name} must be among {', '.join(CLASSES)}, but one is {unknown[0]!r}.")
    low, high = int(table["labels"].min()), int(table["labels"].max())
    if low < 0 or high >= len(table["classes"]):
        raise DataUnavailable(
            f"Labels in {name} must lie between 0 and {len(table['classes']) - 1}, but lie between {low} and {high}."
        )


def _sorted_by_image(table: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Orders by image number, so that every layout of the data gives the same records in the same places."""
    order = np.argsort(table["image_id"], kind="stable")
    return {key: values if key == "classes" else values[order] for key, values in table.items()}


def load_attack_records(data_path: Path | None) -> AttackRecords:
    """Returns 300 images, uint8 (n, 128, 128, 3), from the sample file or the published folder; errors as `load`."""
    path = find_copy(_WANTED, data_path)
    sample = path.parent / SAMPLE_FILE_NAME
    if sample.is_file():
        images = read_arrays(sample, _SAMPLE_ARRAYS)["images"]
    elif _is_metadata(path):
        images = _crop_from_folder(path)
    else:
        raise DataUnavailable(f"The attack needs {SAMPLE_FILE_NAME} beside {path.name}, but it is not there.")
    return AttackRecords(name=SPEC.name, records=images, may_show=False, source=f"{len(images)} images. {SPEC.source}.")


def _crop_from_folder(metadata: Path) -> NDArray[np.uint8]:
    files = ham10000_folder.open_folder(metadata).files
    chosen = np.random.default_rng(0).permutation(len(files))[:_NUM_ATTACK_RECORDS]
    return np.stack([read_image(files[index], size=128, crop=True) for index in np.sort(chosen)])


def describe_copy(data_path: Path | None) -> str:
    """Returns one sentence on the copy found, without reading an image; errors as for `load`."""
    path = find_copy(_WANTED, data_path)
    if _is_metadata(path):
        num_images = len(ham10000_folder.open_folder(path).rows)
    else:
        lengths = {key: header.shape[0] for key, header in read_headers(path, _ARRAYS).items()}
        _check_lengths(path.name, lengths)
        num_images = lengths["images"]
    return f"Your copy of HAM10000: found, {num_images:,} images in {path.name}."
