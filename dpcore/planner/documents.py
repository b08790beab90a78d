"""Reads and writes small files of people: JSON or TOML, bounded in size and depth, every field checked by name."""

from __future__ import annotations

import dataclasses
import datetime
import json
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from dpcore.errors import InvalidValue

T = TypeVar("T")

LARGEST_FILE = 256 * 1024
DEEPEST = 8
#: A longer line of TOML may hold a dotted key that takes the parser minutes.
_LONGEST_LINE = 1000
#: So much of a value is shown in a sentence about it.
_SHOWN = 60


def read_document(path: Path) -> dict[str, Any]:
    """Returns the table in a JSON or TOML file; raises InvalidValue, in one sentence, for whatever is not one."""
    data = None
    try:
        # A device or a pipe might never end.
        if path.is_file():
            with path.open("rb") as file:
                data = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError):
        raise InvalidValue(f"The file must be readable, but {_name(path)} is not.") from None
    if data is None:
        raise InvalidValue(f"The file must exist and be an ordinary file, but {_name(path)} is not.")
    return parse_document(data)


def parse_document(data: bytes) -> dict[str, Any]:
    """Returns the table in the bytes of a JSON or TOML file; raises InvalidValue for whatever is not one."""
    if len(data) > LARGEST_FILE:
        raise InvalidValue(f"The file must have at most {LARGEST_FILE // 1024} kB, but has more.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidValue("The file must be text in UTF-8, but is not.") from None
    table = _parse_json(text) if text.lstrip()[:1] == "{" else _parse_toml(text)
    _check_depth(table)
    return table


def _parse_json(text: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text, object_pairs_hook=_without_repeats))
    except InvalidValue:
        raise
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise InvalidValue(f"The file must be valid JSON or TOML, but is not JSON: {_one_line(error)}.") from None


def _parse_toml(text: str) -> dict[str, Any]:
    if max(map(len, text.splitlines()), default=0) > _LONGEST_LINE:
        raise InvalidValue(f"The file must have lines of at most {_LONGEST_LINE} characters, but has a longer one.")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise InvalidValue(f"The file must be valid JSON or TOML, but is not TOML: {_one_line(error)}.") from None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidValue(f"The file must name each field once, but names {shorten(twice)} twice.")
    return table


def _check_depth(table: Any) -> None:
    level = [table]
    for _ in range(DEEPEST):
        level = [inner for outer in level if isinstance(outer, dict | list) for inner in _inside(outer)]
        if not level:
            return
    raise _too_deep()


def _inside(outer: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return outer.values() if isinstance(outer, dict) else outer


def _too_deep() -> InvalidValue:
    return InvalidValue(f"The file must be nested at most {DEEPEST} deep, but is deeper.")


def tables(document: Mapping[str, Any], name: str, *, most: int) -> list[dict[str, Any]]:
    """Returns the list of tables under a name, empty if it is missing; raises InvalidValue if it is none."""
    found = document.get(name, [])
    if not isinstance(found, list) or not all(isinstance(table, dict) for table in found):
        raise InvalidValue(f"{name} must be a list of tables, but is {shorten(found)}.")
    if len(found) > most:
        raise InvalidValue(f"{name} must be at most {most}, but are {len(found):,}.")
    return found


def make(kind: type[T], table: Mapping[str, Any], *, where: str) -> T:
    """Returns the dataclass whose fields a table holds; raises InvalidValue that begins with `where`.

    For fields that it does not have, lacks, or that break their rule.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for name in table:
        if name not in fields:
            raise InvalidValue(f"{where}: the fields must be among {', '.join(fields)}, but one is {shorten(name)}.")
    for name, field in fields.items():
        if name not in table and field.default is dataclasses.MISSING:
            raise InvalidValue(f"{where}: {name} must be given, but is missing.")
    try:
        return kind(**table)
    except InvalidValue as error:
        raise InvalidValue(f"{where}: {error}") from None


def check_fields(document: Mapping[str, Any], allowed: Iterable[str], *, where: str) -> None:
    """Raises InvalidValue for a field that is not allowed."""
    for name in document:
        if name not in allowed:
            raise InvalidValue(f"{where} must hold only {', '.join(allowed)}, but holds {shorten(name)}.")


def plain(item: Any) -> dict[str, Any]:
    """Returns a dataclass as a table for a file: fields that are not None, days as text."""
    values = {field.name: getattr(item, field.name) for field in dataclasses.fields(item)}
    return {
        name: value.isoformat() if isinstance(value, datetime.date) else value
        for name, value in values.items()
        if value is not None
    }


def to_json(document: Mapping[str, Any]) -> str:
    """Returns a document as JSON."""
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def to_toml(document: Mapping[str, Any]) -> str:
    """Returns a document of values and lists of flat tables as TOML."""
    lines = [f"{name} = {_toml(value)}" for name, value in document.items() if not isinstance(value, list)]
    for name, value in document.items():
        for table in value if isinstance(value, list) else ():
            lines += ["", f"[[{name}]]", *(f"{key} = {_toml(inner)}" for key, inner in table.items())]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    # TOML's basic strings escape as JSON's do; names are printable, so nothing else needs it.
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def write_file(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all; raises InvalidValue if it cannot be written."""
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".plan-") as folder:
            whole = Path(folder) / "whole"
            whole.write_bytes(data)
            whole.replace(path)
    except (OSError, ValueError):
        raise InvalidValue(f"The output must be a file that can be written, but {_name(path)} is not.") from None


def shorten(value: Any) -> str:
    """Returns a value for a sentence, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _name(path: Path) -> str:
    return shorten(str(path))


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    return text if len(text) <= 2 * _SHOWN else f"{text[: 2 * _SHOWN]}…"
