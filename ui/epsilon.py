"""Budgets as people type and read them: “8”, “1e6”, “10⁶”, “1,000,000”, “no DP”."""

from __future__ import annotations

import math
import re

from dpcore.errors import InvalidValue
from dpcore.results.schema import EPSILONS

#: Stands for “no DP” wherever a budget is a number.
NO_DP = math.inf
NO_DP_LABEL = "no DP"
SMALLEST, LARGEST = EPSILONS[0], EPSILONS[-1]
RULE = f"a number from {SMALLEST:g} to 10¹⁵ or “{NO_DP_LABEL}”"

_DIGITS, _RAISED = "0123456789-+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺"
_FROM_SUPERSCRIPT = str.maketrans(_RAISED, _DIGITS)
_TO_SUPERSCRIPT = str.maketrans(_DIGITS, _RAISED)
_NO_DP_WORDS = {"nodp", "no-dp", "inf", "infinity", "∞", "none", "off"}
_NUMBER = r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+"
_PLAIN = re.compile(rf"(?:{_NUMBER})(?:e[+-]?[0-9]{{1,3}})?")
_EXPONENT = r"\^(?P<raised>[+-]?[0-9]{1,3})|(?P<small>[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3})"
_POWER = re.compile(rf"(?:(?P<factor>{_NUMBER})[·×x*])?10(?:{_EXPONENT})")
_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}([, '_\u00a0\u202f])[0-9]{3}(\1[0-9]{3})*(\.[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"[0-9]+,[0-9]+")
_LONGEST = 40


def parse_epsilon(text: str) -> float:
    """Returns the budget as a positive number, infinite for “no DP”; raises InvalidValue."""
    if len(text) > _LONGEST:
        raise refuse_epsilon(text)
    compact = text.strip().lower().removeprefix("ε").lstrip(" =")
    if compact.replace(" ", "") in _NO_DP_WORDS:
        return NO_DP
    value = _to_number(compact)
    if value is None or not 0 < value < math.inf:
        raise refuse_epsilon(text)
    return value


def refuse_epsilon(value: object, *, field: str = "ε") -> InvalidValue:
    """Returns the error for a budget that breaks the rule, with the value shortened."""
    return InvalidValue(f"{field} must be {RULE}, but is {quoted(value)}.")


def quoted(value: object) -> str:
    """Returns the value as typed, at most 24 printable characters, in quotation marks."""
    text = "".join(ch if ch.isprintable() else "·" for ch in (f"{value:g}" if isinstance(value, float) else str(value)))
    if not text.strip():
        return "empty"
    return f"“{text[:24]}…”" if len(text) > 24 else f"“{text}”"


def format_epsilon(epsilon: float) -> str:
    """Returns the budget in at most four digits: “0.5”, “8”, “7.315”, “10⁶”, “3.45·10⁸”, “no DP”."""
    if math.isinf(epsilon):
        return NO_DP_LABEL
    if epsilon < 1e3 and float(f"{epsilon:.4g}") < 1e3:
        return f"{epsilon:.4g}"
    mantissa, exponent = f"{epsilon:.3e}".split("e")
    power = "10" + str(int(exponent)).translate(_TO_SUPERSCRIPT)
    mantissa = mantissa.rstrip("0").rstrip(".")
    return power if mantissa == "1" else f"{mantissa}·{power}"


def name_budget(epsilon: float) -> str:
    """Returns “ε = 8” or “no DP”."""
    return NO_DP_LABEL if math.isinf(epsilon) else f"ε = {format_epsilon(epsilon)}"


def link_epsilon(epsilon: float) -> str:
    """Returns the budget as written in a link, in at most six digits."""
    return "no-dp" if math.isinf(epsilon) else re.sub(r"e\+0*", "e", f"{epsilon:.6g}")


def _to_number(text: str) -> float | None:
    if _THOUSANDS.fullmatch(text):
        text = re.sub(r"[^0-9.]", "", text)
    elif _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    text = text.replace(" ", "") if "10" in text and re.search("[·×x*]", text) else text
    if _PLAIN.fullmatch(text):
        return float(text)
    if power := _POWER.fullmatch(text):
        exponent = power["raised"] or power["small"].translate(_FROM_SUPERSCRIPT)
        return float(f"{power['factor'] or 1}e{exponent}")
    return None
