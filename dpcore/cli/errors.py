"""How commands report what is wrong: one sentence on stderr and exit code 2, never a traceback."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

from dpcore.errors import DpcoreError

P = ParamSpec("P")
R = TypeVar("R")

BAD_INPUT = 2


def one_sentence_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Returns the command with errors raised on purpose turned into their sentence and exit code 2."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except DpcoreError as error:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(BAD_INPUT) from None

    return wrapped
