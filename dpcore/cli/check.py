"""`python -m dpcore check`: is a configuration's claim of DP true?"""

from __future__ import annotations

import json
import math
import stat
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from dpcore.checker import LARGEST_FILE, Statement, Verdict, check, read_configuration, recognise
from dpcore.cli._options import JsonOption
from dpcore.cli.errors import one_sentence_errors
from dpcore.errors import InvalidValue
from dpcore.results.numbers import short_number

_UNSOUND = 1
_SENTENCES = {
    "void": "VOID: the claim does not hold.",
    "weak": "WEAK: something is guaranteed, but less than claimed, or not all is proven.",
    "incomplete": "INCOMPLETE: nothing void was found, but not everything needed is stated.",
    "sound": "SOUND: nothing void or weak was found.",
}


@one_sentence_errors
def check_configuration(
    file: Annotated[str, typer.Argument(help="A JSON, TOML or YAML file of at most 64 kB, or - for standard input.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Say whether a training configuration is really DP; exit 0 if sound, 1 if not, 2 if it cannot be read."""
    name = "" if file == "-" else Path(file).name
    verdict = check(recognise(read_configuration(_content(file), name=name)))
    typer.echo(json.dumps(_plain(_result(verdict)), indent=1, ensure_ascii=False) if as_json else _report(verdict))
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


def _result(verdict: Verdict) -> dict[str, Any]:
    claim = verdict.claim
    return {
        "outcome": verdict.outcome,
        "dialect": claim.dialect,
        "claimed_epsilon": claim.claimed_epsilon,
        "claimed_epsilon_of_part": claim.part_epsilon,
        "part": claim.part if claim.part_epsilon is not None else None,
        "epsilon": verdict.epsilon,
        "epsilon_is_infinite": verdict.epsilon == math.inf,
        "findings": [asdict(finding) for finding in verdict.findings],
        "statements": [asdict(statement) for statement in verdict.statements],
        "missing": [asdict(missing) for missing in verdict.missing],
        "assumptions": [asdict(assumption) for assumption in claim.assumptions],
    }


def _plain(value: Any) -> Any:
    """The value as JSON knows it: infinity becomes null."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _report(verdict: Verdict) -> str:
    claim = verdict.claim
    lines = [_SENTENCES[verdict.outcome]]
    if claim.claimed_epsilon is not None:
        lines.append(f"Claimed: ε = {short_number(claim.claimed_epsilon)}.")
    if claim.part_epsilon is not None:
        lines.append(f"Stated for one {claim.part}: ε = {short_number(claim.part_epsilon)}.")
    lines += [_spent(statement) for statement in verdict.statements]
    for finding in verdict.findings:
        lines += [
            f"{finding.severity:5} {finding.field}: {finding.text}",
            f"      {finding.engineer} [{finding.source}]",
        ]
    lines += [f"missing {missing.field}: {missing.why}." for missing in verdict.missing]
    lines += [f"assumed {assumption.field}: {assumption.text}" for assumption in claim.assumptions]
    return "\n".join(lines)


def _spent(statement: Statement) -> str:
    if math.isinf(statement.epsilon_tight):
        return f"{statement.text}: no finite ε."
    tight, rdp = short_number(statement.epsilon_tight), short_number(statement.epsilon_rdp)
    return f"{statement.text}: ε = {tight} (tight), {rdp} (RDP) at δ = {short_number(statement.delta)}."
