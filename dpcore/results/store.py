"""Reads and writes `precomputed/`: Parquet tables, gallery pictures and a manifest with a SHA-256 of each file."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from dpcore.errors import NotMeasured, ResultsDamaged, ResultsUnavailable
from dpcore.results.schema import SCHEMA_VERSION, TABLES

DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "precomputed"


def sha256(path: Path) -> str:
    """Returns the SHA-256 of a file as 64 hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def picture_name(picture: bytes) -> str:
    """Returns the name of a gallery picture's content: half of its SHA-256, and the kind of file."""
    return _name(hashlib.sha256(picture).hexdigest())


def _name(digest: str) -> str:
    return f"{digest[:32]}.webp"


@dataclass(frozen=True, kw_only=True)
class PrecomputedStore:
    """A folder made by `python -m dpcore sweep`; read-only for everyone else."""

    folder: Path = DEFAULT_FOLDER

    def manifest(self) -> dict[str, Any]:
        """Returns the manifest; raises ResultsUnavailable if it is missing, unreadable or of another schema."""
        path = self.folder / "manifest.json"
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ResultsUnavailable(
                "There are no precomputed results yet: run “python -m dpcore sweep --plan default”."
            ) from None
        except (OSError, ValueError):
            raise ResultsUnavailable("The manifest of the precomputed results cannot be read.") from None
        found = manifest.get("schema_version") if isinstance(manifest, dict) else None
        if found != SCHEMA_VERSION:
            raise ResultsUnavailable(
                f"The precomputed results must have schema version {SCHEMA_VERSION}, but have {found!r}."
            )
        return manifest

    def table(self, name: str, dataset: str | None = None, model: str | None = None) -> pd.DataFrame:
        """Returns a table of `schema.TABLES`, all rows or those of a dataset and a model.

        Raises ResultsUnavailable, naming the file, if it is missing or not byte for byte what the manifest says.
        """
        data = self._intact(f"{name}.parquet")
        try:
            frame = pd.read_parquet(io.BytesIO(data))
        except Exception:
            raise ResultsUnavailable(
                f"The file {name}.parquet of the precomputed results is no readable table."
            ) from None
        missing = set(TABLES[name]) - set(frame.columns)
        if missing:
            raise ResultsUnavailable(
                f"The table “{name}” of the precomputed results lacks the columns {sorted(missing)}."
            )
        if dataset is None:
            return frame
        wanted = frame["dataset"] == dataset
        if model is not None:
            wanted &= frame["model"] == model
        rows = frame[wanted].reset_index(drop=True)
        if rows.empty:
            whose = f"“{dataset}”" + (f" with the model “{model}”" if model is not None else "")
            raise NotMeasured(f"The table “{name}” of the precomputed results has no rows for {whose}.")
        return rows

    def models(self, dataset: str) -> tuple[str, ...]:
        """Returns the models trained on a dataset, its main one first; raises ResultsUnavailable if there is none."""
        return tuple(dict.fromkeys(self.table("points", dataset)["model"]))

    def picture(self, file: str) -> bytes:
        """Returns the bytes of a gallery picture; raises ResultsUnavailable if it is unknown, missing or damaged."""
        if file not in self._digests():
            raise ResultsUnavailable(f"The gallery has no picture “{file}”.")
        return self._intact(file)

    def pictures(self) -> Mapping[str, Sequence[str]]:
        """Returns the gallery's files, unread, by `picture_name`; raises ResultsUnavailable without a manifest."""
        files: dict[str, list[str]] = {}
        for file, digest in self._digests().items():
            if file.startswith("gallery/"):
                files.setdefault(_name(digest), []).append(file)
        return files

    def damaged_files(self) -> list[str]:
        """Returns the files of the manifest that are missing or whose SHA-256 differs."""
        return [
            name
            for name, digest in self._digests().items()
            if not (self.folder / name).is_file() or sha256(self.folder / name) != digest
        ]

    def _digests(self) -> Mapping[str, str]:
        files = self.manifest().get("files")
        if not isinstance(files, dict):
            raise ResultsUnavailable("The manifest of the precomputed results must list their files, but does not.")
        return files

    def _intact(self, file: str) -> bytes:
        """The bytes of a file, which are those the sweep wrote: one flipped bit could turn a risk into another."""
        digest = self._digests().get(file)
        if digest is None:
            raise ResultsUnavailable(f"The precomputed results hold no file {file}: run “python -m dpcore sweep”.")
        try:
            data = (self.folder / file).read_bytes()
        except OSError:
            raise ResultsUnavailable(f"The file {file} of the precomputed results is missing or unreadable.") from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise ResultsDamaged(f"The file {file} of the precomputed results is damaged: restore it, or make it anew.")
        return data


def write_table(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """Writes a table of `schema.TABLES` with its columns in their documented order."""
    columns = list(TABLES[name])
    frame[columns].to_parquet(folder / f"{name}.parquet", index=False, compression="zstd")


def write_manifest(folder: Path, facts: dict[str, Any]) -> None:
    """Writes manifest.json: `facts`, the schema version, and the SHA-256 of every other file below `folder`."""
    files = {
        path.relative_to(folder).as_posix(): sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }
    manifest = {"schema_version": SCHEMA_VERSION, **facts, "files": files}
    text = json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=False)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")
