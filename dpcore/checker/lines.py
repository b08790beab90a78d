"""Where a field stands in the text it was read from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dpcore.checker._words import named
from dpcore.checker.fields import entries
from dpcore.checker.reading import read_configuration
from dpcore.errors import InvalidValue

#: Takes a field's place to see whether it is that field.
_MARK = "pinch_was_here"
#: Read again in all, so that a large or hostile file cannot take long.
_MOST_CHARACTERS = 20_000


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a text, counted from 1."""

    number: int
    text: str


def find_lines(content: str, tree: Mapping[str, Any], paths: Iterable[str], *, name: str = "") -> dict[str, Line]:
    """Returns the lines on which fields' names stand, by path; without those that cannot be told.

    A name that occurs once stands there. Of several, each is renamed in turn and the text read again: where the field
    at that path is the one renamed, it stands. So the answer is right in any format, or none is given.

    Args:
        content: the text.
        tree: what `read_configuration` made of it.
        paths: of fields, as in a claim's `origins`.
        name: the file's name, as given to `read_configuration`.
    """
    tries = max(1, _MOST_CHARACTERS // max(1, len(content)))
    paths_of_all = {entry.path for entry in entries(tree)}
    found = {named(path): path for path in paths_of_all}
    keys = _keys(tree)
    lines: dict[str, Line] = {}
    for path in dict.fromkeys(paths):
        whole = found.get(path, "")
        key = next((k for k in keys if _ends_with(whole, k)), "")
        if not whole or not key:
            continue
        places = [match.span() for match in re.finditer(rf"(?<![\w-]){re.escape(key)}(?![\w-])", content)]
        # An escaped name would not be among them.
        if len(places) == 1 and "\\" not in content:
            lines[path] = _line(content, places[0][0])
            continue
        renamed = f"{whole[: -len(key)]}{_MARK}"
        for start, end in places:
            if tries <= 0:
                break
            tries -= 1
            if _is_field(f"{content[:start]}{_MARK}{content[end:]}", name, paths_of_all - {whole} | {renamed}):
                lines[path] = _line(content, start)
                break
    return lines


def _line(content: str, start: int) -> Line:
    number = content.count("\n", 0, start)
    return Line(number=number + 1, text=content.split("\n")[number].rstrip("\r"))


def _ends_with(path: str, key: str) -> bool:
    return path == key or path.endswith(f".{key}")


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


def _is_field(content: str, name: str, paths: set[str]) -> bool:
    """Whether the text still can be read and has just these fields."""
    try:
        return {entry.path for entry in entries(read_configuration(content, name=name))} == paths
    except InvalidValue:
        return False
