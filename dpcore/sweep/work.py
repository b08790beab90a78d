"""Finished cells on disk, one JSON file each, so that a killed sweep loses at most the cells in flight."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dpcore.sweep.cells import Cell
from dpcore.sweep.plan import settings_hash


@dataclass(frozen=True, kw_only=True)
class WorkFolder:
    """Where finished cells wait to be assembled; a cell's file name is the hash of its settings."""

    folder: Path

    def _file(self, cell: Cell) -> Path:
        settings = {key: value for key, value in asdict(cell).items() if key != "data_path"}
        # Tuning choices that were not taken do not change the result.
        settings["dataset"] = {k: v for k, v in settings["dataset"].items() if not k.startswith("tune_")}
        return self.folder / f"{cell.kind}-{cell.dataset.name}-{settings_hash(settings)}.json"

    def read(self, cell: Cell) -> list[dict[str, Any]] | None:
        """Returns the rows of a finished cell, or None if it has to run (again)."""
        try:
            return json.loads(self._file(cell).read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def write(self, cell: Cell, rows: list[dict[str, Any]]) -> None:
        """Stores the rows of a cell in one atomic step."""
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self._file(cell)
        partial = target.with_suffix(f".{os.getpid()}.partial")
        partial.write_text(json.dumps(rows), encoding="utf-8")
        partial.replace(target)
