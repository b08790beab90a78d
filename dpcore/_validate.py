"""Tiny keyword validators: `positive(noise_multiplier=x)` returns x or raises, naming field, rule and value."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any, NoReturn

from dpcore.errors import InvalidValue


def _only(named: dict[str, Any]) -> tuple[str, Any]:
    ((name, value),) = named.items()
    return name, value


def _reject(name: str, rule: str, value: object) -> NoReturn:
    raise InvalidValue(f"{name} must be {rule}, but is {value!r}.")


def _is_finite(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def positive(**named: Any) -> float:
    """Returns the value as a float if it is a finite number above 0; raises InvalidValue otherwise."""
    name, value = _only(named)
    if not _is_finite(value) or value <= 0:
        _reject(name, "a finite number above 0", value)
    return float(value)


def non_negative(**named: Any) -> float:
    """Returns the value as a float if it is a finite number of at least 0; raises InvalidValue otherwise."""
    name, value = _only(named)
    if not _is_finite(value) or value < 0:
        _reject(name, "a finite number of at least 0", value)
    return float(value)


def open_unit(**named: Any) -> float:
    """Returns the value as a float if it lies strictly between 0 and 1; raises InvalidValue otherwise."""
    name, value = _only(named)
    if not _is_finite(value) or not 0 < value < 1:
        _reject(name, "a number above 0 and below 1", value)
    return float(value)


def unit_interval(**named: Any) -> float:
    """Returns the value as a float if it lies in (0, 1]; raises InvalidValue otherwise."""
    name, value = _only(named)
    if not _is_finite(value) or not 0 < value <= 1:
        _reject(name, "a number above 0 and at most 1", value)
    return float(value)


def whole(minimum: int = 1, **named: Any) -> int:
    """Returns the value as an int if it is whole and at least `minimum`; raises InvalidValue otherwise."""
    name, value = _only(named)
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or value < minimum:
        _reject(name, f"a whole number of at least {minimum}", value)
    return int(value)
