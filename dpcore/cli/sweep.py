"""`python -m dpcore sweep`, `tune` and `verify`: makes and checks `precomputed/`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dpcore.cli._options import (
    CORES,
    DataOption,
    DatasetOption,
    DatasetsOption,
    DryRunOption,
    JsonOption,
    ModelsOption,
    OutOption,
    PartsOption,
    PlanOption,
    SchedulerOption,
    TimeLimitOption,
    WorkersOption,
    WorkOption,
)
from dpcore.cli._progress import duration, progress_report
from dpcore.cli.errors import one_sentence_errors
from dpcore.cli.interrupts import interrupts_kept
from dpcore.results.store import DEFAULT_FOLDER, PrecomputedStore

if TYPE_CHECKING:
    from dpcore.sweep import Forecast

_INTERRUPTED = 130
#: What a worker imports first of all for a cell, and then for its first training step.
_PRELOAD = ("dpcore.attacks", "dpcore.training", "torch._dynamo")
#: What a cell of each kind is called in the forecast.
_KINDS = {
    "run": "trainings",
    "attack": "attacks",
    "reconstruction": "variations",
    "optimisation": "inversions",
    "shadow": "shadows",
    "audit": "audits",
}


@contextmanager
def _ends_in_a_sentence(afterwards: str) -> Iterator[None]:
    """Reports failed cells one by one with exit code 1, and Ctrl-C with 130 as shells do, and what holds afterwards."""
    from dpcore.sweep import CellsFailed

    try:
        with interrupts_kept():
            yield
    except CellsFailed as error:
        for sentence in error.sentences:
            typer.echo(f"Failed: {sentence}", err=True)
        typer.echo(f"{len(error.sentences)} failed, so no table was written; {afterwards}.", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo(f"Stopped; {afterwards}.", err=True)
        raise typer.Exit(_INTERRUPTED) from None


@one_sentence_errors
def sweep(
    *,
    plan: PlanOption = "default",
    data: DataOption = None,
    out: OutOption = DEFAULT_FOLDER,
    work: WorkOption = Path(".work"),
    workers: WorkersOption = CORES,
    scheduler: SchedulerOption = None,
    dataset: DatasetsOption = None,
    model: ModelsOption = None,
    part: PartsOption = None,
    time_limit: TimeLimitOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Train and attack every cell of a plan, then write tables, pictures and manifest. Resumes after a kill."""
    from dpcore.sweep import Workers, forecast_sweep, read_plan, run_sweep

    common: dict[str, Any] = {
        "data_path": data,
        "out": out,
        "work": work / f"sweep-{Path(plan).stem}",
        "workers": Workers(count=workers, scheduler=scheduler, preload=_PRELOAD),
        "only": dataset,
        "models": model,
        "parts": part,
    }
    if dry_run:
        _print_forecast(forecast_sweep(read_plan(plan), **common))
        return
    with _ends_in_a_sentence("what is finished is kept for the next start"), progress_report() as on_progress:
        report = run_sweep(read_plan(plan), **common, time_limit=time_limit, on_progress=on_progress)
    for sentence in report.skipped:
        typer.echo(f"Left as it was: {sentence}", err=True)
    typer.echo(f"Wrote {len(report.files)} files, {report.megabytes:.1f} MB, to {out.name}/.")


def _print_forecast(forecast: Forecast) -> None:
    line = "{:16} {:18} {:10} {:>7} {:>7} {:>14} {:>12}"
    typer.echo(line.format("dataset", "model", "kind", "cells", "done", "time left", "energy left"))
    for row in forecast.rows:
        left = None if row.seconds is None else row.seconds / forecast.workers
        energy = "unknown" if row.seconds is None else f"{row.seconds * forecast.watts_per_core / 3600:.3g} Wh"
        kind = _KINDS[row.kind]
        typer.echo(line.format(row.dataset, row.model, kind, row.cells, row.done, duration(left), energy))
    _print_total(forecast)
    for sentence in forecast.skipped:
        typer.echo(f"Left as it was: {sentence}", err=True)


def _print_total(forecast: Forecast) -> None:
    seconds = sum(row.seconds for row in forecast.rows if row.seconds is not None)
    unknown = sum(row.cells - row.done for row in forecast.rows if row.seconds is None)
    but = f", and {unknown} cells whose time is unknown" if unknown else ""
    energy = f"{seconds * forecast.watts_per_core / 3600:.3g} Wh"
    who = "1 worker" if forecast.workers == 1 else f"{forecast.workers} workers"
    typer.echo(
        f"{sum(row.cells for row in forecast.rows)} cells, {sum(row.done for row in forecast.rows)} done; left: "
        f"{duration(seconds / forecast.workers)} with {who}, {energy} at {forecast.watts_per_core:g} W a core{but}."
    )


@one_sentence_errors
def tune(
    *,
    dataset: DatasetOption,
    model: Annotated[str | None, typer.Option(help="Architecture. Default: the first with tuning choices.")] = None,
    plan: PlanOption = "default",
    data: DataOption = None,
    out: OutOption = DEFAULT_FOLDER,
    workers: WorkersOption = CORES,
    scheduler: SchedulerOption = None,
    time_limit: TimeLimitOption = None,
) -> None:
    """Try clipping norms and epochs once at ε = 8, scored on the validation records, and keep the table."""
    from dpcore.sweep import Workers, read_plan, tune_dataset

    with _ends_in_a_sentence("the next start begins anew"), progress_report() as on_progress:
        table = tune_dataset(
            read_plan(plan),
            dataset,
            model=model,
            data_path=data,
            out=out,
            workers=Workers(count=workers, scheduler=scheduler, preload=_PRELOAD),
            time_limit=time_limit,
            on_progress=on_progress,
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
