"""Numbers as tables print them."""

from __future__ import annotations


def short_number(number: float) -> str:
    """Returns three significant digits, as 1e9 rather than 1e+09."""
    mantissa, _, exponent = f"{number:.3g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa
