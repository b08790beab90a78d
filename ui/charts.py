"""The trade-off chart, drawn once a dataset: the mark of the present budget is laid over it, so a move redraws nothing.

All that stretches with the page is one SVG picture; words are HTML over it. Positions on the horizontal axis are
log₁₀ ε; “no DP” stands behind a break.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Literal

from ui import captions, plot_svg
from ui.evidence import Counted, Evidence
from ui.series import NO_DP_POSITION, Series, position

Theme = Literal["light", "dark"]

#: Height in px, margins in px, and the two panels as fractions of the space between the margins (bottom, top).
HEIGHT = 580
MARGIN = {"l": 50, "r": 14, "t": 50, "b": 46}
UTILITY_PANEL, RISK_PANEL = (0.63, 1.0), (0.0, 0.52)

#: Per cent of patients on the lower panel.
RISK_RANGE = (-4.0, 104.0)

_BREAK = 16.5
RANGE = (-1.4, 18.9)
#: “Budgets usually called meaningless”, as log₁₀ ε.
_MEANINGLESS = (3.0, _BREAK)
TICKS = {-1: "0.1", 0: "1", 1: "10", 3: "10³", 6: "10⁶", 9: "10⁹", 12: "10¹²", 15: "10¹⁵", NO_DP_POSITION: "no DP"}
_RISK_TICKS = (0, 25, 50, 75, 100)

#: Okabe and Ito's colours; the blue is their sky blue on dark ground. Then grid lines and the page.
COLOURS = {
    "light": {"utility": "#0072B2", "holds": "#A94A80", "lacks": "#00805C", "grid": "#dde3ea", "page": "#ffffff"},
    "dark": {"utility": "#56B4E9", "holds": "#E59AC5", "lacks": "#2FC79A", "grid": "#2b3540", "page": "#10161d"},
}
_SHADE = "rgba(230,159,0,0.10)"
_DASHES = {"solid": "", "dash": "9 9", "dot": "3 3"}


def across(x: float) -> float:
    """Returns where log₁₀ ε stands as a fraction of the plot's width."""
    return (x - RANGE[0]) / (RANGE[1] - RANGE[0])


def down(panel: tuple[float, float], value: float, limits: tuple[float, float]) -> float:
    """Returns the distance in px from the chart's top edge to a value of a panel."""
    within = (value - limits[0]) / (limits[1] - limits[0])
    height = panel[0] + (panel[1] - panel[0]) * within
    return MARGIN["t"] + (1 - height) * (HEIGHT - MARGIN["t"] - MARGIN["b"])


def up(top: float) -> float:
    """Returns a distance from the chart's top edge as per cent of the plot's height, from its bottom."""
    return 100 * (HEIGHT - MARGIN["b"] - top) / _plot_height()


def utility_limits(evidence: Evidence) -> tuple[float, float]:
    """Returns the upper panel's range: from 0, or below where runs were worse than guessing, with room for markers."""
    spread = [_known(point.utility_sd) for point in evidence.points]
    highest = max(p.utility_mean + sd for p, sd in zip(evidence.points, spread, strict=True))
    lowest = min(0.0, *(p.utility_mean - sd for p, sd in zip(evidence.points, spread, strict=True)))
    room = 0.08 * (highest - lowest)
    return lowest - room, highest + 1.6 * room


def trade_off_html(evidence: Evidence, series: Sequence[Series], *, counted: Counted, theme: Theme) -> str:
    """Returns both panels without the mark of the present budget, as one element."""
    colours, limits = COLOURS[theme], utility_limits(evidence)
    shapes = [
        plot_svg.rectangle(*(_x(edge) for edge in _MEANINGLESS), height=_plot_height(), colour=_SHADE),
        *(plot_svg.line([(0, y), (plot_svg.WIDTH, y)], colour=colours["grid"], width=1) for y in _grid(limits)),
        *_utility_shapes(evidence, counted, colours, limits),
        *(shape for one in series for shape in _risk_shapes(one, colours)),
        *_no_dp_shapes(series, colours),
    ]
    picture = plot_svg.image(shapes, height=_plot_height())
    words, alt = _tick_words(limits) + _notes(evidence, limits), html.escape(captions.chart_alt(evidence))
    return f'<div class="pp-plot" role="img" aria-label="{alt}">{picture}{words}</div>'


def _known(sd: float) -> float:
    """One run has no standard deviation."""
    return 0.0 if math.isnan(sd) else sd


def _plot_height() -> int:
    return HEIGHT - MARGIN["t"] - MARGIN["b"]


def _x(position: float) -> float:
    return plot_svg.WIDTH * across(position)


def _y(panel: tuple[float, float], value: float, limits: tuple[float, float]) -> float:
    return down(panel, value, limits) - MARGIN["t"]


def _utility_ticks(limits: tuple[float, float]) -> list[float]:
    """At most five round values."""
    rough = (limits[1] - limits[0]) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in (1, 2, 5, 10) if nice * power >= rough)
    return [step * i for i in range(math.ceil(limits[0] / step), math.floor(limits[1] / step) + 1)]


def _grid(limits: tuple[float, float]) -> list[float]:
    above = [_y(UTILITY_PANEL, tick, limits) for tick in _utility_ticks(limits)]
    return above + [_y(RISK_PANEL, tick, RISK_RANGE) for tick in _RISK_TICKS]


def _utility_shapes(
    evidence: Evidence, counted: Counted, colours: dict[str, str], limits: tuple[float, float]
) -> list[str]:
    """The band of one standard deviation, the yardstick, the means, and the mean without DP with its spread."""
    colour, bare = colours["utility"], evidence.no_dp

    def at(x: float, value: float) -> tuple[float, float]:
        return _x(x), _y(UTILITY_PANEL, value, limits)

    measured = [(position(p.epsilon(counted)), p.utility_mean, _known(p.utility_sd)) for p in evidence.measured]
    means = [at(x, mean) for x, mean, _ in measured]
    edge = [at(x, mean + sd) for x, mean, sd in measured] + [at(x, mean - sd) for x, mean, sd in reversed(measured)]
    low, high = (at(NO_DP_POSITION, bare.utility_mean + sign * _known(bare.utility_sd)) for sign in (-1, 1))
    yardstick = [at(x, bare.utility_mean) for x in RANGE]
    return [
        plot_svg.area(edge, colour=colour, opacity=0.18),
        plot_svg.line(yardstick, colour=colour, width=1.2, dash=_DASHES["dash"]),
        plot_svg.line(means, colour=colour, width=2),
        plot_svg.marks(means, colour=colour, size=7),
        plot_svg.line([low, high], colour=colour, width=1.5),
        plot_svg.marks([at(NO_DP_POSITION, bare.utility_mean)], colour=colour, size=11, hole=colours["page"]),
    ]


def _risk_shapes(series: Series, colours: dict[str, str]) -> list[str]:
    colour = colours[series.attacker]
    places = [(_x(x), _y(RISK_PANEL, y, RISK_RANGE)) for x, y in zip(series.x, series.y, strict=True)]
    drawn = plot_svg.line(places, colour=colour, width=2.4 if series.proven else 1.6, dash=_DASHES[series.dash])
    if series.proven:
        return [drawn]
    hole = "" if series.filled else colours["page"]
    return [drawn, plot_svg.marks(places, colour=colour, size=10, hole=hole, square=series.is_square)]


def _no_dp_shapes(series: Sequence[Series], colours: dict[str, str]) -> list[str]:
    """Open marks behind the break, side by side because they mostly coincide at 100 %."""
    bare = [(one, one.no_dp) for one in series if one.no_dp is not None]
    first = NO_DP_POSITION - 0.3 * (len(bare) - 1) / 2
    return [
        plot_svg.marks(
            [(_x(first + 0.3 * i), _y(RISK_PANEL, percent, RISK_RANGE))],
            colour=colours[one.attacker],
            size=9,
            hole=colours["page"],
            square=one.is_square,
        )
        for i, (one, percent) in enumerate(bare)
    ]


def _tick_words(limits: tuple[float, float]) -> str:
    below = "".join(f'<span class="pp-tick-x" style="--x:{across(x):.5f}">{words}</span>' for x, words in TICKS.items())
    utility = [(down(UTILITY_PANEL, tick, limits), f"{tick:.10g}") for tick in _utility_ticks(limits)]
    risk = [(down(RISK_PANEL, tick, RISK_RANGE), f"{tick} %") for tick in _RISK_TICKS]
    left = "".join(f'<span class="pp-tick-y" style="top:{top:.1f}px">{words}</span>' for top, words in utility + risk)
    return below + left + '<span class="pp-axis">privacy budget ε: stricter ← → looser</span>'


def _notes(evidence: Evidence, limits: tuple[float, float]) -> str:
    """The names of the shaded budgets and of the yardstick, each standing on a height, and the break of the axis."""
    yardstick = evidence.no_dp.utility_mean
    bottom = down(UTILITY_PANEL, limits[0], limits)
    notes = (
        (sum(_MEANINGLESS) / 2, bottom, "budgets usually called meaningless"),
        (NO_DP_POSITION, down(UTILITY_PANEL, yardstick, limits) - 7, f"no DP {yardstick:.2f}"),
        (_BREAK, HEIGHT - MARGIN["b"] + 9, "<b>//</b>"),
    )
    return "".join(
        f'<span class="pp-note-in" style="--x:{across(x):.5f};top:{top:.1f}px">{words}</span>'
        for x, top, words in notes
    )
