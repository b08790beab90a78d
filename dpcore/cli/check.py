"""`python -m dpcore check`: is a configuration's claim of DP true?"""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import Annotated

import typer

from dpcore.checker import LARGEST_FILE, check, read_configuration, recognise
from dpcore.checker.words import get_report, get_result
from dpcore.cli._options import JsonOption
from dpcore.cli.errors import one_sentence_errors
from dpcore.errors import InvalidValue

_UNSOUND = 1


@one_sentence_errors
def check_configuration(
    file: Annotated[str, typer.Argument(help="A JSON, TOML or YAML file of at most 64 kB, or - for standard input.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Say whether a training configuration is really DP; exit 0 if sound, 1 if not, 2 if it cannot be read."""
    name = "" if file == "-" else Path(file).name
    verdict = check(recognise(read_configuration(_content(file), name=name)))
    typer.echo(json.dumps(get_result(verdict), indent=1, ensure_ascii=False) if as_json else get_report(verdict))
    if verdict.outcome != "sound":
        raise typer.Exit(_UNSOUND)


def _content(file: str) -> bytes:
    """At most one byte more than is allowed, so that what is too large is told without reading it all."""
    if file == "-":
        return sys.stdin.buffer.read(LARGEST_FILE + 1)
    path = Path(file)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InvalidValue(f"FILE must be a file, but {path.name!r} is none.")
        with path.open("rb") as handle:
            return handle.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, InvalidValue):
            raise
        reason = getattr(error, "strerror", None) or "its name is not valid"
        raise InvalidValue(f"FILE must be readable, but {path.name[:60]!r} is not: {reason}.") from None
