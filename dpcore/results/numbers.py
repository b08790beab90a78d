"""Numbers as tables print them."""

from __future__ import annotations

import math

#: Absorbs the last binary digit, so that 0.03 × 100 is not rounded up to 4.
_SLACK = 1e-9


def short_number(number: float) -> str:
    """Returns three significant digits, as 1e9 rather than 1e+09."""
    mantissa, _, exponent = f"{number:.3g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def round_up(bound: float) -> float:
    """Returns an upper bound ≥ 0 on a probability with three digits, rounded up so that it stays one; 1 at most."""
    if bound <= 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(bound)) - 2)
    return min(1.0, math.ceil(bound / step - _SLACK) * step)
