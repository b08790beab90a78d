"""A number to type: its limits, how it is read and how it is shown. No Streamlit here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from dpcore.errors import InvalidValue
from ui.epsilon import parse_epsilon, quoted
from ui.numbers import format_count


@dataclass(frozen=True, kw_only=True)
class Field:
    """One number to type: its limits are used by the widget, the link and the tests alike."""

    #: In the URL.
    name: str
    label: str
    help: str
    low: float
    high: float
    whole: bool
    #: What stands in for a number where none is typed; without it the field may not be empty.
    placeholder: str = ""

    @property
    def rule(self) -> str:
        """What a value must be, in words."""
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {format_value(self.low, self)} to {format_value(self.high, self)}"

    def parse(self, text: str) -> float:
        """Returns the value of what was typed: “7,509”, “8e-7”, “10⁻⁶”, “1/8082”; NaN for nothing where it may be.

        Raises InvalidValue for anything else.
        """
        if self.placeholder and not text.strip():
            return math.nan
        value = _to_number(text)
        if value is None or not self.low <= value <= self.high or (self.whole and value != int(value)):
            raise InvalidValue(f"{self.label} must be {self.rule}, but is {quoted(text)}.")
        return value

    def show(self, value: float) -> str:
        """Returns a value as the field shows it; nothing for NaN."""
        return "" if math.isnan(value) else format_value(value, self)


class Typed(Protocol):
    """Anything that is typed as a number."""

    @property
    def label(self) -> str: ...
    def parse(self, text: str) -> float: ...


def read_fields(sent: Mapping[str, Sequence[str]], fields: Mapping[str, Typed]) -> tuple[dict[str, float], list[str]]:
    """Returns the numbers a link asks for, and a sentence for each that cannot be used."""
    found: dict[str, float] = {}
    problems: list[str] = []
    for name, field in fields.items():
        values = sent.get(name, ())
        try:
            if len(values) > 1:
                raise InvalidValue(f"{field.label} must be given once, but is given {len(values)} times.")
            if values:
                found[name] = field.parse(values[0])
        except InvalidValue as error:
            problems.append(f"In the link: {error}")
    return found, problems


def link_fields(values: Mapping[str, float], fields: Mapping[str, Field]) -> dict[str, str]:
    """Returns the query parameters that lead back to these numbers."""
    return {name: format_value(values[name], fields[name], link=True) for name in fields if name in values}


def format_value(value: float, field: Field, *, link: bool = False) -> str:
    """Returns a value as typed: “7,509”, “8e-7” (in a link without commas, with all digits)."""
    if field.whole:
        return str(int(value)) if link else format_count(value)
    return repr(float(value)) if link else f"{value:.4g}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


def _to_number(text: str) -> float | None:
    if text.strip() == "0":
        return 0.0  # No budget, whose grammar numbers share, is 0.
    parts = text.split("/")
    if len(parts) > 2:
        return None
    try:
        values = [parse_epsilon(part) for part in parts]
    except InvalidValue:
        return None
    if any(math.isinf(value) for value in values):
        return None
    return values[0] / values[1] if len(values) == 2 else values[0]
