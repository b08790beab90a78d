"""Charts as inline SVG with HTML labels: no script, either theme, any width, and repainted with the text around them.

Lines live in an SVG stretched over the plot; words and marks are HTML at percentages, so that they never stretch.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, kw_only=True)
class Axis:
    """From data to 0 … 100 % of the plot."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    title: str
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Returns where a value stands, in per cent; values beyond the axis stand at its end."""
        low, high, at = (self._scale(v) for v in (self.low, self.high, max(value, 1e-300)))
        return 100 * min(max((at - low) / (high - low), 0.0), 1.0)

    def _scale(self, value: float) -> float:
        return math.log10(value) if self.logarithmic else value


@dataclass(frozen=True, kw_only=True)
class Line:
    """One curve; `style` is a class of risks.css: who attacks, and how surely we know."""

    x: ArrayLike
    y: ArrayLike
    style: str


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One point, with words beside it on the side named, or none."""

    x: float
    y: float
    style: str
    words: str = ""
    side: str = "right"


def plot_html(
    *, x: Axis, y: Axis, lines: Sequence[Line], marks: Sequence[Mark], alt: str, cursor: tuple[float, str] | None = None
) -> str:
    """Returns the chart; `cursor` is a value on x to mark from top to bottom, and its name."""
    grid = "".join(f'<path class="rk-grid" d="M0 {_flip(y.place(v))}H1000"/>' for v, _ in y.ticks)
    curves = "".join(f'<path class="rk-line {line.style}" d="{_path(line, x, y)}"/>' for line in lines)
    ticks_x = "".join(f'<span class="rk-tick-x" style="left:{x.place(v):.2f}%">{words}</span>' for v, words in x.ticks)
    ticks_y = "".join(
        f'<span class="rk-tick-y" style="bottom:{y.place(v):.2f}%">{words}</span>' for v, words in y.ticks
    )
    words = "".join(_mark(mark, x, y) for mark in marks) + ticks_x + ticks_y
    return (
        f'<div class="rk-chart" role="img" aria-label="{html.escape(alt)}"><div class="rk-title-y">{y.title}</div>'
        f'<div class="rk-plot"><svg viewBox="0 0 1000 1000" '
        'preserveAspectRatio="none" aria-hidden="true">'
        f"{grid}{curves}</svg>{_cursor(cursor, x)}{words}</div>"
        f'<div class="rk-title-x">{x.title}</div></div>'
    )


def legend_html(items: Sequence[tuple[str, str]]) -> str:
    """Returns the legend: (style, words) of each curve."""
    return '<ul class="rk-legend">{}</ul>'.format(
        "".join(
            f'<li><svg viewBox="0 0 30 6" aria-hidden="true"><path class="rk-line {style}" d="M0 3H30"/></svg>'
            f"{html.escape(words)}</li>"
            for style, words in items
        )
    )


def icons_html(*, filled: int, total: int, ring: bool, alt: str) -> str:
    """Returns `total` dots in rows of 50, the first `filled` of them full; a ring marks “fewer than one”."""
    columns = 50
    rows = math.ceil(total / columns)
    full = "".join(_dot(i, columns) for i in range(filled))
    rest = "".join(_dot(i, columns) for i in range(max(filled, int(ring)), total))
    lone = '<circle class="rk-ring" cx=".5" cy=".5" r=".36"/>' if ring and not filled else ""
    return (
        f'<svg class="rk-icons" role="img" aria-label="{html.escape(alt)}" viewBox="0 0 {columns} {rows}">'
        f'<path class="rk-rest" d="{rest}"/><path class="rk-full" d="{full}"/>{lone}</svg>'
    )


def _dot(i: int, columns: int) -> str:
    return f"M{i % columns + 0.5:g} {i // columns + 0.5:g}h0"


def _path(line: Line, x: Axis, y: Axis) -> str:
    points = zip(np.asarray(line.x, dtype=float), np.asarray(line.y, dtype=float), strict=True)
    return "M" + "L".join(f"{10 * x.place(a):.1f} {_flip(y.place(b))}" for a, b in points)


def _flip(percent: float) -> str:
    return f"{1000 - 10 * percent:.1f}"


def _mark(mark: Mark, x: Axis, y: Axis) -> str:
    words = f'<span class="rk-words rk-{mark.side}">{html.escape(mark.words)}</span>' if mark.words else ""
    return (
        f'<i class="rk-mark {mark.style}" style="left:{x.place(mark.x):.2f}%;bottom:{y.place(mark.y):.2f}%">{words}</i>'
    )


def _cursor(cursor: tuple[float, str] | None, x: Axis) -> str:
    if cursor is None:
        return ""
    at = x.place(cursor[0])
    side = "right" if at < 12 else "left" if at > 88 else "middle"
    return (
        f'<div class="rk-cursor rk-{side}" style="left:{at:.2f}%">'
        f'<span class="rk-cursor-name">{html.escape(cursor[1])}</span></div>'
    )
