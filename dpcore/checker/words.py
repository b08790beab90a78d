"""What the command line and the page both say of a verdict: sentences, a report, and a table for programs."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from dpcore.checker.claim import Claim, Neighbours, Unit
from dpcore.checker.statements import Statement
from dpcore.checker.verdict import Outcome, Verdict
from dpcore.results.numbers import short_number

#: Each outcome's sentence; the report begins with the outcome in capitals.
OUTCOME_SENTENCES: dict[Outcome, str] = {
    "void": "The claim does not hold.",
    "weak": "Something is guaranteed, but less than claimed, or not all is proven.",
    "incomplete": "Nothing void was found, but not everything needed is stated.",
    "sound": "Nothing void or weak was found.",
}


def outcome_words(outcome: Outcome) -> str:
    """Returns the outcome with its sentence: “SOUND: nothing void or weak was found.”"""
    sentence = OUTCOME_SENTENCES[outcome]
    return f"{outcome.upper()}: {sentence[0].lower()}{sentence[1:]}"


def relation_words(neighbours: Neighbours, unit: Unit) -> str:
    """Returns what a statement hides: between which two data sets nobody can tell."""
    if neighbours == "replace":
        return f"whether the data held this {unit} or another in its place (replace one)"
    return f"whether the data held this {unit} or not (add or remove one)"


def spent_words(statement: Statement) -> str:
    """Returns for whom a statement holds, and its ε by both accountants."""
    if math.isinf(statement.epsilon_tight):
        return f"{statement.text}: no finite ε."
    tight, rdp = short_number(statement.epsilon_tight), short_number(statement.epsilon_rdp)
    return f"{statement.text}: ε = {tight} (tight), {rdp} (RDP) at δ = {short_number(statement.delta)}."


def get_result(verdict: Verdict) -> dict[str, Any]:
    """Returns the verdict as JSON knows it: tables, lists and plain values, infinity as null."""
    claim = verdict.claim
    result = {
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
    return {name: _plain(value) for name, value in result.items()}


def get_report(verdict: Verdict) -> str:
    """Returns the verdict as a few lines of text."""
    lines = [outcome_words(verdict.outcome), *_claimed(verdict.claim), *map(spent_words, verdict.statements)]
    for finding in verdict.findings:
        lines += [
            f"{finding.severity:5} {finding.field}: {finding.text}",
            f"      {finding.engineer} [{finding.source}]",
        ]
    lines += [f"missing {missing.field}: {missing.why}." for missing in verdict.missing]
    lines += [f"assumed {assumption.field}: {assumption.text}" for assumption in verdict.claim.assumptions]
    return "\n".join(lines)


def _claimed(claim: Claim) -> list[str]:
    lines = []
    if claim.claimed_epsilon is not None:
        lines.append(f"Claimed: ε = {short_number(claim.claimed_epsilon)}.")
    if claim.part_epsilon is not None:
        lines.append(f"Stated for one {claim.part}: ε = {short_number(claim.part_epsilon)}.")
    return lines


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
