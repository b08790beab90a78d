"""YAML from its events: no object is ever constructed, no alias followed, nothing recursive runs."""

from __future__ import annotations

import re
from typing import Any, NoReturn

import yaml

from dpcore.checker._words import named
from dpcore.errors import InvalidValue

#: Stops early; the limits that count are those of `reading`.
_DEEPEST, _MOST_EVENTS = 12, 8000

#: Only its scanner and parser are used, which know no objects; libyaml's are ten times as fast where it is there.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_WHOLE = re.compile(r"[-+]?[0-9][0-9_]*")
_REAL = re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null"), None),
    **dict.fromkeys(("true", "yes", "on"), True),
    **dict.fromkeys(("false", "no", "off"), False),
}


def read_yaml(content: str) -> Any:
    """Returns the one document of a YAML text as tables, lists and plain values.

    1e-5 is a number here, as its author meant, though YAML 1.1 reads it as text. Raises InvalidValue for anchors,
    aliases, tags, merge keys, names stated twice and several documents, ValueError for text that is not YAML.
    """
    try:
        builder = _Builder()
        for count, event in enumerate(yaml.parse(content, Loader=_LOADER)):
            if count > _MOST_EVENTS:
                raise InvalidValue("The file must hold at most 2,000 values, but holds more.")
            builder.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise ValueError(f"{getattr(error, 'problem', None) or 'unreadable characters'}{where}") from None
    return builder.root


class _Builder:
    """Puts the tree together on a stack of open tables and lists."""

    def __init__(self) -> None:
        self.root: Any = None
        self._open: list[dict[str, Any] | list[Any]] = []
        self._names: list[str | None] = []
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            _refuse("anchors or aliases", event)
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                _refuse("more than one document", event)
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._start(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._open.pop()
            self._names.pop()

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if event.tag is not None:
            _refuse("tags such as !!python/object", event)
        if self._open and isinstance(self._open[-1], dict) and self._names[-1] is None:
            self._name(event)
        else:
            self._add(_plain(event.value) if not event.style else event.value)

    def _name(self, event: yaml.ScalarEvent) -> None:
        table = self._open[-1]
        if event.value == "<<" and not event.style:
            _refuse("merge keys", event)
        if event.value in table:
            raise InvalidValue(f"{named(event.value)} must be stated once, but is stated more than once.")
        self._names[-1] = event.value

    def _start(self, event: yaml.CollectionStartEvent) -> None:
        if event.tag is not None:
            _refuse("tags such as !!python/object", event)
        if self._open and isinstance(self._open[-1], dict) and self._names[-1] is None:
            _refuse("tables or lists as names", event)
        if len(self._open) > _DEEPEST:
            raise InvalidValue(f"The file must be nested at most {_DEEPEST} levels deep, but is deeper.")
        fresh: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._add(fresh)
        self._open.append(fresh)
        self._names.append(None)

    def _add(self, value: Any) -> None:
        if not self._open:
            self.root = value
            return
        inside = self._open[-1]
        if isinstance(inside, list):
            inside.append(value)
        else:
            inside[self._names[-1] or ""] = value
            self._names[-1] = None


def _refuse(what: str, event: yaml.Event) -> NoReturn:
    raise InvalidValue(f"A YAML file must not use {what} here, but line {event.start_mark.line + 1} does.")


def _plain(text: str) -> Any:
    """What an unquoted scalar means."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if text.lower().lstrip("+-") in (".nan", ".inf"):
        return float(text.lower().replace(".", ""))
    if _WHOLE.fullmatch(text):
        if len(text) > 20:
            raise InvalidValue(f"Numbers must be at most 1e+18, but one has {len(text)} digits.")
        return int(text.replace("_", "").lstrip("+"))
    return float(text.replace("_", "")) if _REAL.fullmatch(text) else text
