"""Values as error sentences and findings show them: short, printable, on one line."""

from __future__ import annotations

import math
from typing import NoReturn

from dpcore.errors import InvalidValue

_LONGEST = 60


def shown(value: object) -> str:
    """Returns the value in at most 60 printable characters; never calls a conversion that could be slow."""
    text = repr(value[:_LONGEST]) if isinstance(value, str) else _of_other(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _of_other(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    if isinstance(value, dict | list):
        return f"a {'table' if isinstance(value, dict) else 'list'} of {len(value)}"
    return repr(value)


def named(path: str) -> str:
    """Returns the name of a field from a file, printable and short, its end kept."""
    text = "".join(c if c.isprintable() else "?" for c in path)
    return text if len(text) <= _LONGEST else f"…{text[1 - _LONGEST :]}"


def reject(path: str, rule: str, value: object) -> NoReturn:
    """Raises InvalidValue in one sentence."""
    raise InvalidValue(f"{named(path)} must be {rule}, but is {shown(value)}.")


def number(value: float, digits: int = 3) -> str:
    """Returns so many significant digits, as 120 and 1e9; "no finite ε" is up to the caller."""
    if math.isinf(value):
        return "∞"
    mantissa, _, exponent = f"{float(f'{value:.{digits}g}'):g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa
