"""Where a field stands in the text it was read from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dpcore.checker._words import named
from dpcore.checker.fields import Entry, entries
from dpcore.checker.reading import read_configuration
from dpcore.errors import InvalidValue

#: Takes a field's place to see whether it is that field.
_MARK = "pinch_was_here"
#: Occurrences of a name that are tried, so that a hostile file cannot take long.
_MOST_TRIES = 12


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a text, counted from 1."""

    number: int
    text: str


def find_line(content: str, tree: Mapping[str, Any], path: str, *, name: str = "") -> Line | None:
    """Returns the line on which a field's name stands; None if it cannot be told.

    Renames each occurrence of the name in turn and reads the text again: where the field at `path` is the one that
    was renamed, it stands. So the answer is right for any format.

    Args:
        content: the text.
        tree: what `read_configuration` made of it.
        path: of the field, as in a claim's `origins`.
        name: the file's name, as given to `read_configuration`.
    """
    entry = next((e for e in entries(tree) if named(e.path) == path), None)
    if entry is None:
        return None
    whole = entry.path.rpartition("]")[2] or entry.path
    key = next((k for k in _keys(tree) if whole == k or whole.endswith(f".{k}")), "")
    if not key:
        return None
    count = len(entries(tree))
    for match in list(re.finditer(rf"(?<![\w-]){re.escape(key)}(?![\w-])", content))[:_MOST_TRIES]:
        renamed = content[: match.start()] + _MARK + content[match.end() :]
        if _has(renamed, name, f"{entry.path[: -len(key)]}{_MARK}", count, entry):
            number = content.count("\n", 0, match.start()) + 1
            return Line(number=number, text=content.splitlines()[number - 1] if content.splitlines() else "")
    return None


def _keys(tree: Mapping[str, Any]) -> list[str]:
    """All names, the longest first: names may hold dots themselves."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            found.update(value)
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(item)

    walk(tree)
    return sorted(found, key=lambda key: (-len(key), key))


def _has(content: str, name: str, path: str, count: int, entry: Entry) -> bool:
    try:
        found = entries(read_configuration(content, name=name))
    except InvalidValue:
        return False
    return len(found) == count and any(e.path == path and e.value == entry.value for e in found)
