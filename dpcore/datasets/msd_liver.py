"""MSD Liver: CT slices with outlined livers, read from the user's own copy. Never part of the project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dpcore.datasets import msd_liver_folder
from dpcore.datasets._archive import Expected, read_arrays, read_headers
from dpcore.datasets._copies import Wanted, find_copy
from dpcore.datasets._images import scale_images, shrink_images, shrink_masks
from dpcore.datasets.msd_liver_folder import SLICE_SIZE
from dpcore.datasets.spec import AttackRecords, Dataset, DatasetSpec, Split
from dpcore.datasets.splits import split_by_group
from dpcore.errors import DataUnavailable, InvalidValue

IMAGE_SIZE = 64
SPEC = DatasetSpec(
    name="msd_liver",
    title="Liver CT scans (real patients)",
    kind="image",
    synthetic=False,
    record_shape=(1, IMAGE_SIZE, IMAGE_SIZE),
    task="Which pixels of this CT slice belong to the liver?",
    structures=("liver",),
    record_noun="image",
    group_noun="volume",
    source="Antonelli et al.: The Medical Segmentation Decathlon, Nature Communications 13, 4128, 2022, Task03 Liver; "
    "slices of CT volumes, one volume a patient, from seven hospitals; tumours count as liver",
    url="https://doi.org/10.1038/s41467-022-30695-9",
    licence="CC BY-SA 4.0",
    images_may_ship=False,
)
FILE_NAME = "msd_liver_slices_128.npz"

_NUMBERS = Expected(shape=(None,), kinds="iu")
_SLICES = (None, SLICE_SIZE, SLICE_SIZE)
_ARRAYS = {
    "images": Expected(shape=_SLICES, kinds="u", itemsize=1),
    "masks": Expected(shape=_SLICES, kinds="b"),
    "volume": _NUMBERS,
    "slice": _NUMBERS,
}
_WANTED = Wanted(
    title="MSD Liver",
    file_names=(FILE_NAME,),
    find_layout=msd_liver_folder.find_folder,
    layout=f"the folder {msd_liver_folder.FOLDER_NAME}",
)
_NUM_ATTACK_RECORDS = 300


def load(data_path: Path | None) -> Dataset:
    """Returns the slices at 64 × 64 pixels with the liver as class 1, split by volume.

    `data_path` is the npz file, a folder with it or the published folder Task03_Liver (minutes: all volumes are
    unpacked). Raises DataUnavailable, naming file, rule and value, when there is no usable copy.
    """
    path = find_copy(_WANTED, data_path)
    table = _read_table(path)
    factor = SLICE_SIZE // IMAGE_SIZE
    groups = table["volume"].astype(np.int64)
    return Dataset(
        spec=SPEC,
        features=scale_images(shrink_images(table["images"], factor)[..., None]),
        labels=shrink_masks(table["masks"], factor).astype(np.int64),
        groups=groups,
        split=_split(path.name, groups),
    )


def load_attack_records(data_path: Path | None) -> AttackRecords:
    """Returns 300 training slices, uint8 (300, 128, 128, 1); errors as `load`."""
    path = find_copy(_WANTED, data_path)
    table = _read_table(path)
    train = _split(path.name, table["volume"].astype(np.int64)).train
    drawn = np.random.default_rng(0).permutation(train)[:_NUM_ATTACK_RECORDS]
    return AttackRecords(
        name=SPEC.name,
        records=table["images"][np.sort(drawn)][..., None],
        may_show=False,
        source=f"{len(drawn)} training slices. {SPEC.source}.",
    )


def describe_copy(data_path: Path | None) -> str:
    """Returns one sentence on the copy found, without reading an image; errors as for `load`."""
    path = find_copy(_WANTED, data_path)
    if path.is_dir():
        num_volumes = len(msd_liver_folder.list_volumes(path))
        return f"Your copy of MSD Liver: found, {num_volumes:,} volumes in {path.name}."
    lengths = {key: header.shape[0] for key, header in read_headers(path, _ARRAYS).items()}
    _check_lengths(path.name, lengths)
    return f"Your copy of MSD Liver: found, {lengths['images']:,} slices in {path.name}."


def _read_table(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of the npz layout, ordered by volume and slice."""
    table = msd_liver_folder.read_table(path) if path.is_dir() else read_arrays(path, _ARRAYS)
    _check_lengths(path.name, {key: len(values) for key, values in table.items()})
    order = np.lexsort((table["slice"], table["volume"]))
    return {key: values[order] for key, values in table.items()}


def _check_lengths(name: str, lengths: dict[str, int]) -> None:
    for key in _ARRAYS:
        if lengths[key] != lengths["images"]:
            raise DataUnavailable(
                f"Array {key!r} in {name} must have one entry per image ({lengths['images']:,}), "
                f"but has {lengths[key]:,}."
            )


def _split(name: str, groups: NDArray[np.int64]) -> Split:
    try:
        return split_by_group(groups, np.zeros_like(groups))  # nearly every slice shows liver: nothing to balance
    except InvalidValue as error:
        raise DataUnavailable(f"{name} must hold enough volumes to split: {error}") from error
