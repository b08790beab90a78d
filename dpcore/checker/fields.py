"""Finds fields in a nested configuration, whatever a library calls them, and reads each by its rule."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dpcore.checker._words import named, reject, shown
from dpcore.errors import InvalidValue

_NUMERIC = re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
#: Sections that are not about the private training.
_ELSEWHERE = re.compile(r"(eval|evaluation|test|testing|inference|pretrain|pretraining|public)(_.*)?")
#: Sections whose epsilon, eps and delta are numerical constants.
_NUMERICAL = re.compile(r"(optim|adam|.*norm(_|$)|.*norm_layer|loss|scheduler).*")
#: One million is far beyond any step the accountants carry (1e9 in all).
MOST = 10**12


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A value and the way to it: normalised names of sections and, as in the file, the whole path."""

    key: str
    sections: tuple[str, ...]
    path: str
    value: Any


def plain_name(name: str) -> str:
    """Returns a name as snake_case: numServer-Rounds → num_server_rounds."""
    return re.sub(r"[-\s.]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())).lower()


def entries(tree: Mapping[str, Any]) -> tuple[Entry, ...]:
    """Returns every value that is no table, in the order of the file; lists of tables are walked too."""
    found: list[Entry] = []

    def walk(value: Any, sections: tuple[str, ...], path: str) -> None:
        for key, item in value.items():
            here = f"{path}.{key}" if path else key
            inner = (*sections, plain_name(key))
            if isinstance(item, dict):
                walk(item, inner, here)
            elif isinstance(item, list) and any(isinstance(part, dict | list) for part in item):
                for position, part in enumerate(item):
                    walk(part if isinstance(part, dict) else {str(position): part}, inner, f"{here}[{position}]")
            else:
                found.append(Entry(key=inner[-1], sections=sections, path=here, value=item))

    walk(tree, (), "")
    return tuple(found)


def find(
    all_entries: Iterable[Entry], names: tuple[str, ...], *, numerical: bool = False, agreeing: bool = True
) -> Entry | None:
    """Returns the entry with one of the names; None if none has a value.

    Sections on evaluation, tests and pre-training are passed over; with `numerical`, also those of optimisers and
    layers, whose ε is a constant against division by 0. Raises InvalidValue if two entries differ, unless they need not
    be `agreeing`.
    """
    hits = [
        e
        for e in all_entries
        if e.key in names
        and e.value is not None
        and not any(_ELSEWHERE.fullmatch(s) for s in e.sections)
        and not (numerical and any(_NUMERICAL.fullmatch(s) for s in e.sections))
    ]
    for other in hits[1:] if agreeing else ():
        if other.value != hits[0].value:
            raise InvalidValue(
                f"{named(hits[0].path)} and {named(other.path)} must agree, but are {shown(hits[0].value)} and "
                f"{shown(other.value)}."
            )
    return hits[0] if hits else None


def _as_number(entry: Entry, rule: str) -> float:
    value = entry.value
    if isinstance(value, str) and _NUMERIC.fullmatch(value.strip()) and len(value) <= 40:
        value = float(value.strip().replace("_", ""))
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        reject(entry.path, rule, entry.value)
    return float(value)


def positive(entry: Entry) -> float:
    """A finite number above 0."""
    rule = "a finite number above 0"
    value = _as_number(entry, rule)
    return value if value > 0 else reject(entry.path, rule, entry.value)


def non_negative(entry: Entry) -> float:
    """A finite number of at least 0."""
    rule = "a finite number of at least 0"
    value = _as_number(entry, rule)
    return value if value >= 0 else reject(entry.path, rule, entry.value)


def open_unit(entry: Entry) -> float:
    """A number above 0 and below 1."""
    rule = "a number above 0 and below 1"
    value = _as_number(entry, rule)
    return value if 0 < value < 1 else reject(entry.path, rule, entry.value)


def rate(entry: Entry) -> float:
    """A number above 0 and at most 1."""
    rule = "a number above 0 and at most 1"
    value = _as_number(entry, rule)
    return value if 0 < value <= 1 else reject(entry.path, rule, entry.value)


def percentage(entry: Entry) -> float:
    """A number from 0 to 100."""
    rule = "a number from 0 to 100"
    value = _as_number(entry, rule)
    return value if 0 <= value <= 100 else reject(entry.path, rule, entry.value)


def whole(entry: Entry) -> int:
    """A whole number of at least 1; 3.0 counts as whole."""
    rule = "a whole number of at least 1"
    value = _as_number(entry, rule)
    if value < 1 or value != math.floor(value):
        reject(entry.path, rule, entry.value)
    if value > MOST:
        reject(entry.path, f"at most {MOST:g}", entry.value)
    return int(value)


def boolean(entry: Entry) -> bool:
    """True or false, also as words."""
    word = str(entry.value).strip().lower() if isinstance(entry.value, bool | str) else ""
    if word in ("true", "yes", "on"):
        return True
    return False if word in ("false", "no", "off") else reject(entry.path, "true or false", entry.value)


def text(entry: Entry) -> str:
    """A text of at most 100 characters, stripped."""
    value = entry.value
    if not isinstance(value, str) or len(value) > 100 or not value.isprintable():
        reject(entry.path, "a short text", value)
    return value.strip()


def truthy(entry: Entry) -> bool:
    """Whether something is switched on, by true or by settings of its own."""
    return bool(entry.value) and str(entry.value).lower() not in ("no", "false", "off", "none")


def choice(options: Mapping[str, str]) -> Callable[[Entry], str]:
    """Returns a reader of one of the words, in any spelling, that gives what the word stands for."""

    def read(entry: Entry) -> str:
        value = {True: "on", False: "off"}.get(entry.value, "") if isinstance(entry.value, bool) else entry.value
        word = plain_name(value) if isinstance(value, str) and len(value) < 100 else ""
        if word not in options:
            reject(entry.path, f"one of {', '.join(options)}", entry.value)
        return options[word]

    return read


def hint(options: Mapping[str, str]) -> Callable[[Entry], str | None]:
    """Returns a reader like that of `choice`, but None for other words: names of files, for example."""

    def read(entry: Entry) -> str | None:
        short = isinstance(entry.value, str) and len(entry.value) < 100
        return options.get(plain_name(entry.value)) if short else None

    return read
