"""From a hostile file to a table of plain values, or one sentence that says why not.

Nothing is executed or constructed: YAML is read from its events alone, without anchors, aliases and tags.
"""

from __future__ import annotations

import datetime
import json
import math
import re
import tomllib
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, NoReturn

from dpcore.checker._words import named, shown
from dpcore.checker.yaml_events import read_yaml
from dpcore.errors import InvalidValue

#: Bytes, levels of nesting, values (names of tables count too), characters of a name, largest whole number.
LARGEST_FILE, DEEPEST, MOST_VALUES, LONGEST_NAME, LARGEST_WHOLE = 64 * 1024, 12, 2000, 200, 10**18

_SUFFIXES = {".json": "JSON", ".toml": "TOML", ".yaml": "YAML", ".yml": "YAML"}
#: More dotted parts than any table may be deep; tomllib takes a time that grows with their square.
_DOTTED = re.compile(r"(?<![\w\"'-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){24}")
_TOML_LINE = re.compile(r"[^:=]*=")
_TOML_HEADER = re.compile(r"\[\[?[^\[\]:,{}]+\]\]?[ \t]*(#.*)?")


def read_configuration(text: str | bytes, *, name: str = "") -> dict[str, Any]:
    """Returns what a JSON, TOML or YAML file holds: a table of names whose values are plain.

    Args:
        text: the file's content; bytes are read as UTF-8.
        name: the file's name, of which only the ending counts; without a known one the content decides.

    Raises:
        InvalidValue: in one sentence, if the file is over 64 kB, nested deeper than 12, holds over 2,000 values, is
            binary, empty, no table at its top, no valid JSON, TOML or YAML, states a name twice, or holds NaN,
            infinity, a number above 1e18, or YAML's anchors, aliases or tags.
    """
    content = _decoded(text)
    formats = _formats(content, name)
    problems = []
    for format_ in formats:
        try:
            tree = _READERS[format_](content)
        except (InvalidValue, RecursionError) as error:
            _give_up(error)
        except (ValueError, OverflowError) as error:
            problems.append(f"The file must be valid {format_}, but is not: {_first_line(error)}.")
            continue
        return _checked(tree)
    raise InvalidValue(problems[0])


def _give_up(error: Exception) -> NoReturn:
    if isinstance(error, InvalidValue):
        raise error
    raise InvalidValue(f"The file must be nested at most {DEEPEST} levels deep, but is deeper.") from None


def _first_line(error: Exception) -> str:
    line = next(iter(str(error).splitlines()), "")
    return "".join(c for c in line if c.isprintable())[:160].strip().rstrip(".") or "it cannot be read"


def _decoded(text: str | bytes) -> str:
    if not isinstance(text, str | bytes):
        raise InvalidValue(f"The file must be text, but is {shown(text)}.")
    if len(text) > LARGEST_FILE:
        raise InvalidValue(f"The file must have at most {LARGEST_FILE // 1024} kB, but has more.")
    try:
        data = text.encode("utf-8") if isinstance(text, str) else text
        content = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeError:
        raise InvalidValue("The file must be text in UTF-8, but holds other bytes.") from None
    if len(data) > LARGEST_FILE:
        raise InvalidValue(f"The file must have at most {LARGEST_FILE // 1024} kB, but has more.")
    for number, line in enumerate(content.split("\n"), 1):
        if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", line):
            raise InvalidValue(f"The file must be plain text, but line {number} holds a control character.")
    if not content.strip():
        raise InvalidValue("The file must hold a configuration, but is empty.")
    return content


def _formats(content: str, name: str) -> tuple[str, ...]:
    """The format of the name's ending, else those the first line looks like, likeliest first."""
    suffix = PurePosixPath(name.replace("\x00", "")).suffix.lower()
    if suffix in _SUFFIXES:
        return (_SUFFIXES[suffix],)
    lines = (line.strip() for line in content.splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    if first.startswith("{"):
        return ("JSON", "YAML")
    if _TOML_HEADER.fullmatch(first):
        return ("JSON", "TOML") if first.startswith("[[") or first[1:2].isdigit() else ("TOML",)
    if first.startswith("["):
        return ("JSON",)
    return ("TOML",) if _TOML_LINE.match(first) else ("YAML",)


def _read_json(content: str) -> Any:
    return json.loads(content, object_pairs_hook=_without_repeats, parse_constant=_no_constant, parse_int=_whole_number)


def _read_toml(content: str) -> Any:
    if _DOTTED.search(content):
        raise InvalidValue(f"The file must be nested at most {DEEPEST} levels deep, but a dotted name is deeper.")
    return tomllib.loads(content)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in names if names.count(key) > 1)
        raise InvalidValue(f"{named(twice)} must be stated once, but is stated {names.count(twice)} times.")
    return table


def _no_constant(constant: str) -> NoReturn:
    raise InvalidValue(f"The file must hold finite numbers only, but holds {constant}.")


def _whole_number(digits: str) -> int:
    if len(digits) > 20:
        raise InvalidValue(f"Numbers must be at most {LARGEST_WHOLE:g}, but one has {len(digits)} digits.")
    return int(digits)


_READERS: dict[str, Callable[[str], Any]] = {"JSON": _read_json, "TOML": _read_toml, "YAML": read_yaml}


def _checked(tree: Any) -> dict[str, Any]:
    """The tree within the limits, dates as text."""
    if not isinstance(tree, dict):
        raise InvalidValue(f"The file must be a table of names and values at its top, but is {shown(tree)}.")
    count = 0

    def plain(value: Any, name: str, depth: int) -> Any:
        nonlocal count
        count += 1
        if count > MOST_VALUES:
            raise InvalidValue(f"The file must hold at most {MOST_VALUES:,} values, but holds more.")
        if depth > DEEPEST:
            raise InvalidValue(f"The file must be nested at most {DEEPEST} levels deep, but {named(name)} is deeper.")
        if isinstance(value, dict):
            return {_name(key): plain(item, key, depth + 1) for key, item in value.items()}
        if isinstance(value, list):
            return [plain(item, name, depth + 1) for item in value]
        return _scalar(value, name)

    return plain(tree, "the file", 0)


def _name(key: str) -> str:
    if len(key) > LONGEST_NAME:
        raise InvalidValue(f"Names must have at most {LONGEST_NAME} characters, but {named(key)} has {len(key)}.")
    return key


def _scalar(value: Any, name: str) -> str | int | float | bool | None:
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int):
        if abs(value) > LARGEST_WHOLE:
            raise InvalidValue(f"{named(name)} must be at most {LARGEST_WHOLE:g}, but is far above.")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidValue(f"{named(name)} must be a finite number, but is {value!r}.")
        return value
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    raise InvalidValue(f"{named(name)} must be text, a number, true, false, a list or a table, but is {shown(value)}.")
