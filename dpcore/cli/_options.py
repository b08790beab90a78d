"""Options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

PlanOption = Annotated[str, typer.Option(help="Name of a shipped plan, or a TOML file.")]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="Your copies of real data: a folder or one file. Default: DPCORE_DATA.")
]
OutOption = Annotated[Path, typer.Option(help="Folder of the results.")]
WorkersOption = Annotated[int, typer.Option(min=1, help="Processes at a time.")]
SchedulerOption = Annotated[
    str | None,
    typer.Option(help="A running Dask scheduler, such as tcp://host:8786, whose workers have dpcore and the data."),
]
TimeLimitOption = Annotated[float | None, typer.Option(min=0.1, help="Seconds a cell may take.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would run and how long it would take.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
DatasetOption = Annotated[str, typer.Option(help="Registry name, such as ham10000.")]
DatasetsOption = Annotated[list[str] | None, typer.Option(help="Only these datasets; the others keep their results.")]
ModelsOption = Annotated[
    list[str] | None, typer.Option("--model", help="Only trainings of these models; the others keep their results.")
]
PartsOption = Annotated[
    list[str] | None,
    typer.Option("--part", help="Only these parts: training, reconstruction, membership, audit. Default: all."),
]
WorkOption = Annotated[Path, typer.Option(help="Folder of finished cells; a second start resumes from it.")]

CORES = os.cpu_count() or 1
