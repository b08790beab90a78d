"""Progress on stderr: a bar at a terminal, else now and then a plain line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from dpcore.jobs.outcomes import TaskProgress

if TYPE_CHECKING:
    from dpcore.sweep.progress import SweepProgress

_SECONDS_BETWEEN_LINES = 10.0


def duration(seconds: float | None) -> str:
    """Returns a time span in the two units that matter, or "unknown" for None."""
    if seconds is None:
        return "unknown"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@contextmanager
def progress_report() -> Iterator[Callable[[SweepProgress], None]]:
    """Yields a function that shows how far a sweep is and how long the rest takes."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines()
        return
    columns = (TextColumn("{task.description:28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), _TimeLeft())
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task("starting", total=None)

        def show(progress: SweepProgress) -> None:
            ends = None if progress.seconds_left is None else time.monotonic() + progress.seconds_left
            bars.update(bar, completed=progress.done, total=progress.total, description=progress.what, ends=ends)

        yield show


@contextmanager
def step_report() -> Iterator[Callable[[TaskProgress], None]]:
    """Yields a function that shows how far one training is."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _step_lines()
        return
    columns = (TextColumn("{task.description:28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task("starting", total=None)
        yield lambda p: bars.update(bar, completed=p.step, total=p.steps or None, description=p.phase)


def _step_lines() -> Callable[[TaskProgress], None]:
    last, phase = -_SECONDS_BETWEEN_LINES, ""

    def show(progress: TaskProgress) -> None:
        nonlocal last, phase
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES or progress.phase != phase:
            last, phase = now, progress.phase
            typer.echo(f"{phase}: step {progress.step:,} of {progress.steps:,}" if progress.steps else phase, err=True)

    return show


def _lines() -> Callable[[SweepProgress], None]:
    last = -_SECONDS_BETWEEN_LINES

    def show(progress: SweepProgress) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES or progress.done == progress.total:
            last = now
            left = "" if progress.seconds_left is None else f", {duration(progress.seconds_left)} left"
            typer.echo(f"{progress.done} of {progress.total}{left} ({progress.what})", err=True)

    return show


class _TimeLeft(ProgressColumn):
    """Counts down between cells to the end that was last expected."""

    def render(self, task: Task) -> Text:
        ends = task.fields.get("ends")
        return Text("" if ends is None else f"{duration(max(0.0, ends - time.monotonic()))} left")
