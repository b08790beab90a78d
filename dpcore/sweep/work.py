"""Finished cells on disk, one JSON file each, so that a killed sweep loses at most the cells in flight."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dpcore.errors import DpcoreError
from dpcore.settings.digest import settings_hash
from dpcore.sweep.cells import Cell

Rows = list[dict[str, Any]]


class WorkFolderUnusable(DpcoreError):
    """A finished cell cannot be stored, so going on would be in vain."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A finished cell: its rows, and the wall-clock seconds it took on one thread (None if that was not noted)."""

    rows: Rows
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class WorkFolder:
    """Where finished cells wait to be assembled; a cell's file name is the hash of its settings."""

    folder: Path

    def _file(self, cell: Cell) -> Path:
        # Only what decides the result: not where the data lie, nor what else the plan tries.
        settings = {key: value for key, value in asdict(cell).items() if key != "data_path"}
        if cell.detail is None:
            del settings["detail"]
        settings["dataset"] = {"name": cell.dataset.name, **cell.dataset.training_settings()}
        return self.folder / f"{cell.kind}-{cell.dataset.name}-{settings_hash(settings)}.json"

    def read(self, cell: Cell) -> Finished | None:
        """Returns a finished cell, or None if it has to run (again)."""
        try:
            found = json.loads(self._file(cell).read_text(encoding="utf-8"))
            if isinstance(found, list):  # Written before seconds were noted: a training's rows hold its own.
                return Finished(rows=found, seconds=found[0].get("seconds"))
            return Finished(rows=found["rows"], seconds=found["seconds"])
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def write(self, cell: Cell, finished: Finished) -> None:
        """Stores a cell in one atomic step that a power cut cannot undo; raises WorkFolderUnusable."""
        target = self._file(cell)
        partial = target.with_suffix(f".{os.getpid()}.partial")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with partial.open("w", encoding="utf-8") as file:
                json.dump({"seconds": finished.seconds, "rows": finished.rows}, file)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(target)
            _sync_folder(self.folder)
        except OSError as error:
            with suppress(OSError):
                partial.unlink()
            raise WorkFolderUnusable(
                f"The work folder {self.folder} cannot store a cell ({error.strerror}); what is finished is kept, so "
                "make room and start the command again."
            ) from None


def _sync_folder(folder: Path) -> None:
    """Makes the new name last: a file's own fsync does not cover it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
