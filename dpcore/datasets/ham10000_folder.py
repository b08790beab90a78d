"""HAM10000 as its authors publish it: a table of metadata and a folder, or two, of JPEG images."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dpcore.datasets._images import read_image
from dpcore.errors import DataUnavailable

METADATA_NAMES = ("HAM10000_metadata.csv", "HAM10000_metadata.tab", "HAM10000_metadata")
_REQUIRED = ("image_id", "lesion_id", "dx")
_SUFFIXES = (".jpg", ".jpeg", ".png")
_MAX_METADATA_BYTES = 64 * 2**20


@dataclass(frozen=True, kw_only=True)
class ImageFolder:
    """A checked folder: one row of metadata and one existing file per image, ordered by image_id."""

    metadata_name: str
    rows: list[dict[str, str]]
    files: list[Path]


def find_metadata(folder: Path) -> Path | None:
    """Returns the metadata file of the folder, or None."""
    return next((folder / name for name in METADATA_NAMES if (folder / name).is_file()), None)


def open_folder(metadata: Path) -> ImageFolder:
    """Returns the checked folder around a metadata file, without opening an image.

    Raises DataUnavailable for unreadable metadata, missing columns, repeated images and images without a file.
    """
    rows = sorted(_read_rows(metadata), key=lambda row: row["image_id"])
    ids = [row["image_id"] for row in rows]
    if len(set(ids)) < len(ids):
        raise DataUnavailable(f"{metadata.name} must list each image once, but repeats {_first_repeated(ids)!r}.")
    found = _find_images(metadata.parent)
    missing = [image_id for image_id in ids if image_id not in found]
    if missing:
        raise DataUnavailable(
            f"Each of the {len(ids):,} images in {metadata.name} must have a file beside it, "
            f"but {len(missing):,} have none, such as {missing[0]!r}."
        )
    return ImageFolder(metadata_name=metadata.name, rows=rows, files=[found[image_id] for image_id in ids])


def read_table(folder: ImageFolder, classes: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """Returns the arrays of the npz layout, images squashed to 28 × 28.

    Raises DataUnavailable for an unreadable image and a diagnosis that is not among `classes`.
    """
    diagnoses = [row["dx"] for row in folder.rows]
    unknown = sorted(set(diagnoses) - set(classes))
    if unknown:
        raise DataUnavailable(
            f"Diagnoses (dx) in {folder.metadata_name} must be among {', '.join(classes)}, but one is {unknown[0]!r}."
        )
    _, lesion = np.unique([row["lesion_id"] for row in folder.rows], return_inverse=True)
    return {
        "images": np.stack([read_image(path, size=28, crop=False) for path in folder.files]),
        "labels": np.array([classes.index(diagnosis) for diagnosis in diagnoses]),
        "classes": np.array(classes),
        "lesion_id": lesion,
        "image_id": np.arange(len(folder.rows)),
        "age": np.array([_parse_age(row.get("age")) for row in folder.rows]),
        "sex": np.array([row.get("sex") or "unknown" for row in folder.rows]),
        "localization": np.array([row.get("localization") or "unknown" for row in folder.rows]),
    }


def _read_rows(metadata: Path) -> list[dict[str, str]]:
    try:
        if metadata.stat().st_size > _MAX_METADATA_BYTES:
            raise DataUnavailable(f"{metadata.name} must take at most {_MAX_METADATA_BYTES:,} bytes, but is larger.")
        text = metadata.read_text(encoding="utf-8-sig")
        lines = text.splitlines()
        delimiter = "\t" if lines and "\t" in lines[0] else ","
        rows = list(csv.DictReader(lines, delimiter=delimiter, restval=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataUnavailable(f"{metadata.name} must be a readable table of text, but is not.") from error
    if not rows:
        raise DataUnavailable(f"{metadata.name} must list at least one image, but lists none.")
    for column in _REQUIRED:
        if not all(row.get(column) for row in rows):
            raise DataUnavailable(f"{metadata.name} must have the column {column!r} filled in every row, but has not.")
    return rows


def _find_images(folder: Path) -> dict[str, Path]:
    """Image files in the folder and its direct sub-folders, by name without suffix."""
    try:
        folders = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
        files = [path for place in folders for path in place.iterdir()]
    except OSError as error:
        raise DataUnavailable(f"Folder {folder.name!r} must be readable with its sub-folders, but is not.") from error
    return {path.stem: path for path in files if path.suffix.lower() in _SUFFIXES}


def _first_repeated(ids: list[str]) -> str:
    return next(left for left, right in pairwise(ids) if left == right)


def _parse_age(text: str | None) -> float:
    """Age in years; NaN where the metadata does not know it."""
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")
