"""Numbers as people read them. Bounds are rounded up, intervals outwards, and nothing tiny becomes 0."""

from __future__ import annotations

import math

from dpcore.results.numbers import round_up

#: Risks are told as people of this many.
PEOPLE = 10_000

#: Absorbs the last binary digit, so that 0.03 × 100 is not rounded up to 4.
_SLACK = 1e-9


def format_count(number: float) -> str:
    """Returns a whole number with thousands separators: “7,509”."""
    return f"{number:,.0f}"


def format_share(share: float) -> str:
    """Returns a share in per cent with three significant digits: “98 %”, “1.22 %”, “0.0028 %”, “3.10e-06 %”."""
    percent = 100 * share
    return f"{percent:.2e} %" if 0 < abs(percent) < 1e-4 else f"{float(f'{percent:.3g}'):g} %"


def format_bound(probability: float) -> str:
    """Returns a proven upper bound in per cent, three digits, rounded up so that it stays an upper bound."""
    return format_share(round_up(probability))


def format_sigma(noise_multiplier: float) -> str:
    """Returns σ with three significant digits: “0.875”, “4.1·10⁻⁵”; “unknown” for NaN."""
    if math.isnan(noise_multiplier):
        return "unknown"
    if noise_multiplier == 0 or noise_multiplier >= 1e-3:
        return f"{noise_multiplier:.3g}"
    mantissa, exponent = f"{noise_multiplier:.2e}".split("e-")
    power = exponent.lstrip("0").translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{float(mantissa):g}·10⁻{power}"


def format_spread(mean: float, sd: float) -> str:
    """Returns “0.39 ± 0.01”, with a third digit where the spread would read 0.00."""
    digits = 2 if math.isnan(sd) or sd >= 0.005 or sd == 0 else 3
    return f"{mean:.{digits}f} ± {sd:.{digits}f}"


def format_error(error: float) -> str:
    """Returns 1 − SSIM with two digits: “0.98”."""
    return f"{error:.2f}"


def exposed_people(probability: float) -> str:
    """Returns a proven bound as people of 10,000, rounded up; “fewer than 1” for a bound that is merely tiny."""
    if probability * PEOPLE < 1:
        return "fewer than 1"
    return format_count(math.ceil(probability * PEOPLE - _SLACK))


def at_most(probability: float) -> str:
    """Returns “at most 122 of 10,000” or “fewer than 1 of 10,000”."""
    people = exposed_people(probability)
    limit = people if people.startswith("fewer") else f"at most {people}"
    return f"{limit} of {format_count(PEOPLE)}"


def interval_people(interval: tuple[float, float]) -> str:
    """Returns a confidence interval as people of 10,000, rounded outwards: “0 to 123 of 10,000”."""
    lower, upper = math.floor(interval[0] * PEOPLE + _SLACK), math.ceil(interval[1] * PEOPLE - _SLACK)
    return f"{format_count(lower)} to {format_count(upper)} of {format_count(PEOPLE)}"
