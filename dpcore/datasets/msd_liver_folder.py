"""MSD Liver as its authors publish it: Task03_Liver with a CT volume and a label volume (NIfTI) per patient."""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dpcore.errors import DataUnavailable

FOLDER_NAME = "Task03_Liver"
SLICE_SIZE = 128
SLICES_PER_VOLUME = 5
#: Hounsfield units shown as black and as white: soft tissue, as radiologists look at it.
WINDOW = (-100.0, 240.0)
#: The largest published volume has 512 × 512 × 987 voxels.
MAX_SIDE, MAX_SLICES = 1024, 2048
_MIN_SIDE = 16
#: By the length of the header, which tells NIfTI-1 from NIfTI-2: how and where it says where the picture starts.
_OFFSETS = {348: ("f", 108), 540: ("q", 168)}
#: Header and notes take a few kilobytes.
_MOST_BEFORE = 2**20
_NAME = re.compile(r"liver_(\d{1,6})\.nii(\.gz)?")


def find_folder(folder: Path) -> Path | None:
    """Returns the published folder, which is `folder` or lies in it, or None."""
    return next((place for place in (folder, folder / FOLDER_NAME) if (place / "imagesTr").is_dir()), None)


def list_volumes(folder: Path) -> dict[int, tuple[Path, Path]]:
    """Returns image file and label file of every volume by its number, without opening them.

    Raises DataUnavailable for a folder without volumes and for an image without label.
    """
    try:
        images, labels = (_numbered(folder / name) for name in ("imagesTr", "labelsTr"))
    except OSError as error:
        raise DataUnavailable(
            f"{folder.name} must hold the readable folders imagesTr and labelsTr, but does not."
        ) from error
    if not images:
        raise DataUnavailable(f"{folder.name}/imagesTr must hold files such as liver_0.nii.gz, but holds none.")
    for number in images:
        if number not in labels:
            raise DataUnavailable(
                f"{folder.name}/labelsTr must hold a label for every volume, but none for {images[number].name}."
            )
    return {number: (images[number], labels[number]) for number in sorted(images)}


def read_table(folder: Path) -> dict[str, NDArray[Any]]:
    """Returns the arrays of the npz layout: five evenly spaced slices with liver of each volume, at 128 × 128 pixels.

    Volumes without liver are left out. The last folder read is kept, since unpacking all 131 volumes takes minutes.
    Raises DataUnavailable for a file that is not what it should be.
    """
    return dict(_read_volumes(tuple(list_volumes(folder).items()), _stamp(folder)))


def _numbered(folder: Path) -> dict[int, Path]:
    # macOS leaves files named ._liver_0.nii.gz beside the real ones.
    matches = ((_NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return {int(match[1]): path for match, path in matches if match}


def _stamp(folder: Path) -> tuple[tuple[int, int], ...]:
    """Changes when a file does."""
    try:
        states = [path.stat() for pair in list_volumes(folder).values() for path in pair]
    except OSError as error:
        raise DataUnavailable(f"{folder.name} must hold readable volumes, but one is a link to nowhere.") from error
    return tuple((state.st_size, state.st_mtime_ns) for state in states)


@lru_cache(maxsize=1)
def _read_volumes(
    volumes: tuple[tuple[int, tuple[Path, Path]], ...],
    stamp: tuple[tuple[int, int], ...],  # noqa: ARG001 - only keys the cache
) -> dict[str, NDArray[Any]]:
    slices = [(number, *read) for number, (image, label) in volumes for read in _read_slices(image, label)]
    if not slices:
        raise DataUnavailable(f"Labels in {FOLDER_NAME} must outline a liver, but none does.")
    volume, place, images, masks = zip(*slices, strict=True)
    return {"images": np.stack(images), "masks": np.stack(masks), "volume": np.array(volume), "slice": np.array(place)}


def _read_slices(image: Path, label: Path) -> list[tuple[int, NDArray[np.uint8], NDArray[np.bool_]]]:
    """(place, image, mask) of the chosen slices of one volume."""
    outlines, scan = _Volume(label), _Volume(image)
    if outlines.shape != scan.shape:
        raise DataUnavailable(f"{label.name} must have the shape {scan.shape} of its image, but has {outlines.shape}.")
    with_liver = [place for place in range(outlines.shape[2]) if (outlines.read(place) > 0).any()]
    chosen = evenly_spaced(with_liver, SLICES_PER_VOLUME)
    # 1 is liver, 2 tumour in the liver.
    masks = [_resized((outlines.read(place) > 0).astype(np.float32)) >= 0.5 for place in chosen]
    return [(place, _to_grey(scan.read(place)), mask) for place, mask in zip(chosen, masks, strict=True)]


def evenly_spaced(places: list[int], count: int) -> list[int]:
    """Returns at most `count` of the places, spread over all of them, away from both ends."""
    count = min(count, len(places))
    return [places[(2 * k + 1) * len(places) // (2 * count)] for k in range(count)]


def _to_grey(hounsfield: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Returns a slice in Hounsfield units as uint8 (128, 128), black below the window and white above."""
    low, high = WINDOW
    shade = np.clip((hounsfield - low) / (high - low), 0, 1)
    return np.rint(255 * _resized(shade)).astype(np.uint8)


def _resized(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Brings a slice to 128 × 128 pixels, each the mean of the box it covers."""
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
    return np.asarray(picture.resize((SLICE_SIZE, SLICE_SIZE), Image.Resampling.BOX), dtype=np.float32)


class _Volume:
    """One NIfTI file, read slice by slice so that no volume fills the memory."""

    def __init__(self, path: Path) -> None:
        import nibabel

        self._path = path
        with _one_sentence(path):
            _check_offset(path)
            # Keeping the file open spares unpacking it from the start for every slice.
            image: Any = nibabel.load(path, keep_file_open=True)
            self._axes = nibabel.io_orientation(image.affine)
        self._image = image
        self.shape: tuple[int, ...] = tuple(int(side) for side in image.shape)
        self._check_header()

    def read(self, place: int) -> NDArray[np.float32]:
        """Returns slice `place`: rows from the patient's front to the back, columns from left to right."""
        with _one_sentence(self._path):
            plane = np.asarray(self._image.dataobj[..., place], dtype=np.float32)
        if not np.isfinite(plane).all():
            raise DataUnavailable(f"{self._path.name} must hold finite numbers, but slice {place} does not.")
        plane = plane[:: int(self._axes[0, 1]), :: int(self._axes[1, 1])]
        rightwards_frontwards = plane if self._axes[0, 0] == 0 else plane.T
        return rightwards_frontwards.T[::-1]

    def _check_header(self) -> None:
        if np.isnan(self._axes).any() or self._axes[2, 0] != 2:
            raise DataUnavailable(f"{self._path.name} must hold axial slices along its third axis, but does not.")
        sides, kind = self.shape, self._image.get_data_dtype().kind
        fits = len(sides) == 3 and _MIN_SIDE <= min(sides[:2]) <= max(sides[:2]) <= MAX_SIDE
        if not (fits and 1 <= sides[2] <= MAX_SLICES and kind in "iuf"):
            raise DataUnavailable(
                f"{self._path.name} must hold 1 to {MAX_SLICES} slices of {_MIN_SIDE} to {MAX_SIDE} numbers a side, "
                f"but has shape {sides} and type {self._image.get_data_dtype()}."
            )


def _check_offset(path: Path) -> None:
    """Raises ValueError where a header puts gigabytes before its picture: nibabel would read them all, unpacked."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
        head = file.read(176)
    for order in "<>":
        if len(head) == 176 and (kind := struct.unpack_from(f"{order}i", head)[0]) in _OFFSETS:
            format_, place = _OFFSETS[kind]
            if 0 <= struct.unpack_from(f"{order}{format_}", head, place)[0] <= _MOST_BEFORE:
                return
    raise ValueError("offset")


@contextmanager
def _one_sentence(path: Path) -> Iterator[None]:
    """Turns whatever a damaged file makes the readers raise into one DataUnavailable."""
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    damaged = (ImageFileError, HeaderDataError, OSError, EOFError, zlib.error, ValueError, TypeError, OverflowError)
    try:
        yield
    except damaged as error:
        raise DataUnavailable(
            f"{path.name} must be a readable NIfTI file, but is damaged or of another kind."
        ) from error
