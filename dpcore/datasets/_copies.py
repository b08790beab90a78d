"""Where a user's own copy of a dataset lies: DPCORE_DATA names a file, or a folder that may hold several datasets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dpcore.errors import DataUnavailable


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a copy of one dataset looks like."""

    #: Name of the dataset in sentences.
    title: str
    #: Names of the npz file, the preferred one first.
    file_names: tuple[str, ...]
    #: Finds another published layout in a folder.
    find_layout: Callable[[Path], Path | None] = lambda folder: None  # noqa: ARG005
    #: The same layout in words; empty if there is none.
    layout: str = ""


def find_copy(wanted: Wanted, data_path: Path | None) -> Path:
    """Returns the npz file or what `find_layout` found; raises DataUnavailable, saying what is missing, without."""
    if data_path is None:
        raise DataUnavailable(f"DPCORE_DATA must name a {wanted.title} file or folder, but is not set.")
    name = data_path.name or "the given path"
    try:
        if data_path.is_file():
            return data_path
        if not data_path.is_dir():
            raise DataUnavailable(f"DPCORE_DATA must name an existing file or folder, but {name!r} does not exist.")
        found = _find_in(wanted, data_path)
    except OSError as error:
        raise DataUnavailable(f"DPCORE_DATA must name a readable file or folder, but {name!r} is not.") from error
    if found is None:
        raise DataUnavailable(_missing(wanted, name))
    return found


def _find_in(wanted: Wanted, folder: Path) -> Path | None:
    files = (folder / name for name in wanted.file_names)
    return next((file for file in files if file.is_file()), None) or wanted.find_layout(folder)


def _missing(wanted: Wanted, folder: str) -> str:
    kinds = [*wanted.file_names, *([wanted.layout] if wanted.layout else [])]
    return f"Folder {folder!r} must hold {' or '.join(kinds)}, but holds {'neither' if len(kinds) > 1 else 'none'}."
