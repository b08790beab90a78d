"""Charts as inline SVG with HTML labels: no script, either theme, any width.

Lines live in an SVG stretched over the plot; words and marks are HTML at percentages, so that they never stretch. What
moves with the slider lies in a layer of its own over the drawing: Streamlit parses inline SVG slowly, plain HTML fast.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ui.readings import Reading, readings_html

#: Dots in a row of the icon array.
_COLUMNS = 50


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


@dataclass(frozen=True, kw_only=True)
class Readout:
    """Exact values at one place of x, shown there on hover, tap or focus: the words, and (y, style) of each curve."""

    x: float
    words: str
    dots: Sequence[tuple[float, str]]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A drawing, and the layer over it with all that answers the pointer or moves with the slider."""

    drawn: str
    over: str


def chart_of(*, x: Axis, y: Axis, lines: Sequence[Line], legend: Sequence[tuple[str, str]], over: str) -> Chart:
    """Returns the chart: axes, curves and legend under the layer."""
    grid = "".join(f'<path class="rk-grid" d="M0 {_flip(y.place(v))}H1000"/>' for v, _ in y.ticks)
    curves = "".join(f'<path class="rk-line {line.style}" d="{_path(line, x, y)}"/>' for line in lines)
    ticks_x = "".join(f'<span class="rk-tick-x" style="left:{x.place(v):.2f}%">{words}</span>' for v, words in x.ticks)
    ticks_y = "".join(
        f'<span class="rk-tick-y" style="bottom:{y.place(v):.2f}%">{words}</span>' for v, words in y.ticks
    )
    drawn = (
        f'<div class="rk-chart" aria-hidden="true"><div class="rk-title-y">{y.title}</div>'
        f'<div class="rk-plot"><svg viewBox="0 0 1000 1000" preserveAspectRatio="none">'
        f'{grid}{curves}</svg>{ticks_x}{ticks_y}</div><div class="rk-title-x">{x.title}</div></div>'
    )
    # The same skeleton with the title unseen, so that both plots lie on each other at any width.
    layer = (
        f'<div class="rk-chart rk-over"><div class="rk-title-y" aria-hidden="true">{y.title}</div>'
        f'<div class="rk-plot">{over}</div></div>'
    )
    return Chart(drawn=drawn + legend_html(legend), over=layer)


def over_html(
    *,
    x: Axis,
    y: Axis,
    name: str = "",
    alt: str = "",
    marks: Sequence[Mark] = (),
    cursor: tuple[float, str] | None = None,
    readouts: Sequence[Readout] = (),
) -> str:
    """Returns what lies over the plot, or a part of it.

    Args:
        x: axis of the plot.
        y: its other axis.
        name: of the readouts, one for each chart of a page.
        alt: the chart in words.
        marks: points.
        cursor: a value on x to mark from top to bottom, and its name.
        readouts: exact values.
    """
    picture = f'<span class="rk-alt" role="img" aria-label="{html.escape(alt)}"></span>' if alt else ""
    return picture + _cursor(cursor, x) + "".join(_mark(mark, x, y) for mark in marks) + _readouts(readouts, name, x, y)


def _readouts(readouts: Sequence[Readout], name: str, x: Axis, y: Axis) -> str:
    inside = sorted((r for r in readouts if x.low <= r.x <= x.high), key=lambda r: r.x)
    readings = [
        Reading(at=x.place(r.x), lines=[r.words], dots=[(y.place(value), style) for value, style in r.dots])
        for r in inside
    ]
    return readings_html(readings, name)


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
    rows, rest = divmod(filled, _COLUMNS)
    height = 100 * _COLUMNS / total
    full = (
        f'<i class="rk-full" style="height:{rows * height:.3f}%;--rows:{rows};--columns:{_COLUMNS}"></i>'
        if rows
        else ""
    )
    part = (
        f'<i class="rk-full" style="top:{rows * height:.3f}%;width:{100 * rest / _COLUMNS:.3f}%;height:{height:.3f}%;'
        f'--rows:1;--columns:{rest}"></i>'
        if rest
        else ""
    )
    lone = '<i class="rk-ring"></i>' if ring and not filled else ""
    return (
        f'<div class="rk-icons" role="img" aria-label="{html.escape(alt)}" '
        f'style="--rows:{math.ceil(total / _COLUMNS)};--columns:{_COLUMNS}">{full}{part}{lone}</div>'
    )


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
