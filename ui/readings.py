"""Exact values at places of a chart: shown on hover, tap or focus, one radio button a place.

So a whole chart is one stop of the Tab key, and the arrow keys walk over its places, without any script.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A place, in per cent of the plot's width; its lines of text; and (per cent of the height, style) of its dots."""

    at: float
    lines: Sequence[str]
    dots: Sequence[tuple[float, str]]


def readings_html(readings: Sequence[Reading], name: str) -> str:
    """Returns the buttons in the order given, which is from left to right; nothing if there are none."""
    if not readings:
        return ""
    edges = [0.0, *((one.at + other.at) / 2 for one, other in pairwise(readings)), 100.0]
    made = []
    for reading, left, right in zip(readings, edges[:-1], edges[1:], strict=True):
        side = "right" if reading.at < 50 else "left"
        dots = "".join(f'<i class="{style}" style="bottom:{height:.2f}%"></i>' for height, style in reading.dots)
        made.append(
            f'<input class="rk-read" type="radio" name="{name}" aria-label="{html.escape("; ".join(reading.lines))}" '
            f'style="left:{left:.2f}%;width:{right - left:.2f}%">'
            f'<span class="rk-readout rk-{side}" style="left:{reading.at:.2f}%" aria-hidden="true">{dots}'
            f"<b>{'<br>'.join(map(html.escape, reading.lines))}</b></span>"
        )
    return f'<div role="radiogroup" aria-label="Exact values">{"".join(made)}</div>'
