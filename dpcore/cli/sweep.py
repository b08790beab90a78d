"""`python -m dpcore sweep`, `tune` and `verify`: makes and checks `precomputed/`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from dpcore.cli._options import (
    CORES,
    DataOption,
    DatasetOption,
    DatasetsOption,
    JsonOption,
    OutOption,
    PlanOption,
    WorkersOption,
    WorkOption,
)
from dpcore.cli.errors import one_sentence_errors
from dpcore.results.store import DEFAULT_FOLDER, PrecomputedStore


@contextmanager
def _progress_bar() -> Iterator[Callable[[int, int, str], None]]:
    """Yields a function (done, total, what) that draws a bar with the time left."""
    columns = (TextColumn("{task.description:28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("left"), TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        bar = progress.add_task("starting", total=None)
        yield lambda done, total, what: progress.update(bar, completed=done, total=total, description=what)


@one_sentence_errors
def sweep(
    *,
    plan: PlanOption = "default",
    data: DataOption = None,
    out: OutOption = DEFAULT_FOLDER,
    work: WorkOption = Path(".work"),
    workers: WorkersOption = CORES,
    dataset: DatasetsOption = None,
) -> None:
    """Train and attack every cell of a plan, then write tables, pictures and manifest. Resumes after a kill."""
    from dpcore.sweep import read_plan, run_sweep

    folder = work / f"sweep-{Path(plan).stem}"
    with _progress_bar() as on_progress:
        report = run_sweep(
            read_plan(plan),
            data_path=data,
            out=out,
            work=folder,
            workers=workers,
            only=dataset,
            on_progress=on_progress,
        )
    for sentence in report.skipped:
        typer.echo(f"Left as it was: {sentence}", err=True)
    typer.echo(f"Wrote {len(report.files)} files, {report.megabytes:.1f} MB, to {out.name}/.")


@one_sentence_errors
def tune(
    *,
    dataset: DatasetOption,
    plan: PlanOption = "default",
    data: DataOption = None,
    out: OutOption = DEFAULT_FOLDER,
    workers: WorkersOption = CORES,
) -> None:
    """Try clipping norms and epochs once at ε = 8, scored on the validation records, and keep the table."""
    from dpcore.sweep import read_plan, tune_dataset

    with _progress_bar() as on_progress:
        table = tune_dataset(
            read_plan(plan), dataset, data_path=data, out=out, workers=workers, on_progress=on_progress
        )
    typer.echo(table.to_string(index=False, float_format="%.3f"))


@one_sentence_errors
def verify(
    *,
    data: DataOption = None,
    out: OutOption = DEFAULT_FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Check every file's SHA-256, then train one cheap row anew and compare; exit 1 if anything differs."""
    from dpcore.sweep import verify_store

    checks = verify_store(PrecomputedStore(folder=out), data_path=data)
    if as_json:
        typer.echo(json.dumps([{"check": c.name, "holds": c.holds, "detail": c.detail} for c in checks], indent=1))
    else:
        for check in checks:
            typer.echo(f"{'ok    ' if check.holds else 'FAILED'}  {check.name}: {check.detail}")
    if not all(check.holds for check in checks):
        raise typer.Exit(1)
