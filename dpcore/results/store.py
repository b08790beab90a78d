"""Reads and writes `precomputed/`: Parquet tables, gallery pictures and a manifest with a SHA-256 of each file."""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpcore.errors import NotMeasured, ResultsDamaged, ResultsUnavailable
from dpcore.results.schema import SCHEMA_VERSION, TABLES

if TYPE_CHECKING:
    import pandas as pd

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
        # Only when asked for: the app's first page does with `rows`.
        import pandas as pd

        data = self._intact(f"{name}.parquet")
        try:
            frame = pd.read_parquet(io.BytesIO(data))
        except Exception:
            raise _unreadable(name) from None
        _check_columns(name, frame.columns)
        if dataset is None:
            return frame
        wanted = frame["dataset"] == dataset
        if model is not None:
            wanted &= frame["model"] == model
        rows = frame[wanted].reset_index(drop=True)
        if rows.empty:
            raise _not_measured(name, dataset, model)
        return rows

    def rows(
        self, name: str, dataset: str | None = None, model: str | None = None, *, columns: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """Returns the same rows as plain values, all columns or those named; NaN and null are both None.

        Raises ResultsUnavailable as `table` does. Takes a tenth of its time in a new process: pandas is not loaded.
        """
        from pyarrow import parquet

        data = self._intact(f"{name}.parquet")
        wanted = {column: value for column, value in (("dataset", dataset), ("model", model)) if value is not None}
        try:
            file = parquet.ParquetFile(io.BytesIO(data))
            found = file.schema_arrow.names
            table = file.read(columns=[*{*columns, *wanted}] if columns else None)
            values = {column: table[column].to_pylist() for column in table.column_names}
        except Exception:
            raise _unreadable(name) from None
        _check_columns(name, found)
        places: Iterable[int] = range(table.num_rows)
        for column, value in wanted.items():
            places = [place for place in places if values[column][place] == value]
        rows = [{column: _plain(value[place]) for column, value in values.items()} for place in places]
        if not rows and dataset is not None:
            raise _not_measured(name, dataset, model)
        return rows

    def models(self, dataset: str) -> tuple[str, ...]:
        """Returns the models trained on a dataset, its main one first; raises ResultsUnavailable if there is none."""
        rows = self.rows("points", dataset, columns=["model"])
        return tuple(dict.fromkeys(row["model"] for row in rows))

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


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _check_columns(name: str, found: Iterable[str]) -> None:
    if missing := set(TABLES[name]) - set(found):
        raise ResultsUnavailable(f"The table “{name}” of the precomputed results lacks the columns {sorted(missing)}.")


def _unreadable(name: str) -> ResultsUnavailable:
    return ResultsUnavailable(f"The file {name}.parquet of the precomputed results is no readable table.")


def _not_measured(name: str, dataset: str, model: str | None) -> NotMeasured:
    whose = f"“{dataset}”" + (f" with the model “{model}”" if model is not None else "")
    return NotMeasured(f"The table “{name}” of the precomputed results has no rows for {whose}.")


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
