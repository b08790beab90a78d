"""From a printed and a computed value to a verdict."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from dpcore.errors import InvalidValue

#: "unchecked" is for what is not measured here: no verdict, said so.
Outcome = Literal["holds", "depends", "differs", "unchecked"]
OUTCOMES: tuple[Outcome, ...] = ("holds", "depends", "differs", "unchecked")

_PRINTED = re.compile(r"(?P<relation>[<>~]?)\s*(?P<number>[0-9]+(?:\.[0-9]+)?)")


@dataclass(frozen=True, kw_only=True)
class ClaimRow:
    """One published number with ours beside it."""

    #: "steps", "bounds", "utility" or "attack".
    group: str
    dataset: str
    what: str
    published: str
    ours: str
    #: Ours with full digits, in the unit of `published`; None where nothing was computed.
    value: float | None
    outcome: Outcome
    reason: str


def agrees(printed: str, value: float) -> bool:
    """Returns whether a value, in the printed unit, reads as printed.

    "1.22": the same when rounded to as many decimals. "~4": likewise. "< 1", "> 20": on that side. Raises InvalidValue
    if `printed` is none of these or the value is not finite: what was not computed agrees with nothing.
    """
    match = _PRINTED.fullmatch(printed.strip())
    if not match:
        raise InvalidValue(f"printed must be a number with at most one of <, > and ~, but is {printed!r}.")
    if not math.isfinite(value):
        raise InvalidValue(f"value must be a finite number, but is {value!r}.")
    number = match["number"]
    if match["relation"] == "<":
        return value < float(number)
    if match["relation"] == ">":
        return value > float(number)
    return round_as(number, value) == number


def round_as(printed: str, value: float) -> str:
    """Returns the value with as many decimals as the printed number."""
    digits = re.sub(r"[^0-9.]", "", printed)
    return f"{value:.{len(digits.partition('.')[2])}f}"


def verdict(printed: str, value: float) -> tuple[Outcome, str]:
    """Returns whether the claim holds, and the reason in a few words."""
    if agrees(printed, value):
        return "holds", "within the printed limit" if printed[:1] in "<>" else "the same printed digits"
    number = float(re.sub(r"[^0-9.]", "", printed))
    if printed[:1] in "<>":
        return "differs", "outside the printed limit"
    side = "above" if value > number else "below"
    return "differs", f"{abs(value - number):.3g} {side} the printed value, a factor of {value / number:.3g}"
