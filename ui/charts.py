"""The trade-off chart. Drawn once a dataset: the mark of the present budget is laid over it, so a move redraws nothing.

Positions on the horizontal axis are log₁₀ ε; “no DP” stands behind a break.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from ui.epsilon import format_epsilon
from ui.evidence import Counted, Evidence, Point
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
_TICKS = {-1: "0.1", 0: "1", 1: "10", 3: "10³", 6: "10⁶", 9: "10⁹", 12: "10¹²", 15: "10¹⁵", NO_DP_POSITION: "no DP"}

#: Okabe and Ito's colours; the blue is their sky blue on dark ground.
_COLOURS = {
    "light": {"utility": "#0072B2", "holds": "#A94A80", "lacks": "#00805C", "shade": "rgba(230,159,0,0.10)"},
    "dark": {"utility": "#56B4E9", "holds": "#E59AC5", "lacks": "#2FC79A", "shade": "rgba(230,159,0,0.10)"},
}
#: Faint text, grid lines, and the hover label's ground and text.
_INK = {
    "light": ("#55616e", "#dde3ea", "#ffffff", "#17212b"),
    "dark": ("#a7b3c0", "#2b3540", "#1a222c", "#e8edf2"),
}


def trade_off_figure(evidence: Evidence, series: list[Series], *, counted: Counted, theme: Theme) -> go.Figure:
    """Returns both panels without the mark of the present budget."""
    colours = _COLOURS[theme]
    traces = _utility_traces(evidence, counted, colours["utility"])
    for one in series:
        traces += _risk_traces(one, colours[one.attacker])
    traces += _no_dp_traces(series, colours)
    return go.Figure(data=traces, layout=_layout(evidence, theme))


def _utility_traces(evidence: Evidence, counted: Counted, colour: str) -> list[dict[str, Any]]:
    x = [position(p.epsilon(counted)) for p in evidence.measured]
    mean = np.array([p.utility_mean for p in evidence.measured])
    sd = np.nan_to_num([p.utility_sd for p in evidence.measured])
    bare = evidence.no_dp
    band = {
        "x": [*x, *x[::-1]],
        "y": [*(mean + sd), *(mean - sd)[::-1]],
        "fill": "toself",
        "opacity": 0.18,
        "fillcolor": colour,
        "line": {"width": 0},
        "hoverinfo": "skip",
    }
    yardstick = {
        "x": list(RANGE),
        "y": [bare.utility_mean] * 2,
        "mode": "lines",
        "line": {"dash": "dash", "width": 1.2, "color": colour},
        "hoverinfo": "skip",
    }
    points = {
        "x": x,
        "y": mean,
        "mode": "lines+markers",
        "line": {"color": colour, "width": 2},
        "marker": {"size": 7, "color": colour},
        "text": [_utility_hover(p, counted, evidence) for p in evidence.measured],
        "hoverinfo": "text",
    }
    last = {
        "x": [NO_DP_POSITION],
        "y": [bare.utility_mean],
        "mode": "markers",
        "marker": {"size": 9, "color": colour, "symbol": "circle-open", "line": {"width": 2}},
        "error_y": {"array": [float(np.nan_to_num(bare.utility_sd))], "color": colour, "thickness": 1.5, "width": 3},
        "text": [_utility_hover(bare, counted, evidence)],
        "hoverinfo": "text",
    }
    return [{"type": "scatter", "yaxis": "y", **trace} for trace in (band, yardstick, points, last)]


def _utility_hover(point: Point, counted: Counted, evidence: Evidence) -> str:
    budget = "no DP" if math.isinf(point.target_epsilon) else f"ε = {format_epsilon(point.epsilon(counted))}"
    score = f"{evidence.metric.short} {point.utility_mean:.3f} ± {point.utility_sd:.3f}"
    return f"{budget}: {score}<br>measured, {point.seeds} runs"


def _risk_traces(series: Series, colour: str) -> list[dict[str, Any]]:
    line = {"color": colour, "width": 2.4 if series.proven else 1.6, "dash": series.dash}
    marker = {"size": 9, "symbol": series.symbol, "color": colour, "line": {"width": 1.8, "color": colour}}
    curve = {
        "x": series.x,
        "y": series.y,
        "mode": "lines" if series.proven else "lines+markers",
        "line": line,
        "marker": marker,
        "text": series.hover,
        "hoverinfo": "text",
    }
    return [{"type": "scatter", "yaxis": "y2", "name": series.label, "cliponaxis": False, **curve}]


def _no_dp_traces(series: list[Series], colours: dict[str, str]) -> list[dict[str, Any]]:
    """Open marks behind the break, side by side because they mostly coincide at 100 %."""
    bare = [one for one in series if one.no_dp is not None]
    places = NO_DP_POSITION + 0.3 * (np.arange(len(bare)) - (len(bare) - 1) / 2)
    return [
        {
            "type": "scatter",
            "yaxis": "y2",
            "x": [place],
            "y": [one.no_dp],
            "mode": "markers",
            "marker": {
                "size": 8,
                "symbol": one.symbol.removesuffix("-open") + "-open",
                "color": colours[one.attacker],
                "line": {"width": 1.8},
            },
            "text": [f"no DP: {one.no_dp:.0f} %<br>{one.label}"],
            "hoverinfo": "text",
            "cliponaxis": False,
        }
        for place, one in zip(places, bare, strict=True)
    ]


def _layout(evidence: Evidence, theme: Theme) -> dict[str, Any]:
    faint, grid, ground, ink = _INK[theme]
    axis = {
        "fixedrange": True,
        "automargin": False,
        "zeroline": False,
        "gridcolor": grid,
        "tickfont": {"size": 12, "color": faint},
    }
    tick_values, tick_texts = zip(*_TICKS.items(), strict=True)
    return {
        "height": HEIGHT,
        "margin": MARGIN,
        "showlegend": False,
        "hovermode": "closest",
        "hoverlabel": {"align": "left", "bgcolor": ground, "bordercolor": faint, "font": {"size": 13, "color": ink}},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "xaxis": {
            **axis,
            "range": RANGE,
            "anchor": "y2",
            "showgrid": False,
            "tickvals": tick_values,
            "ticktext": tick_texts,
            "ticks": "outside",
            "tickcolor": faint,
            "tickangle": 0,
            "title": {
                "text": "privacy budget ε:  stricter ←  → looser",
                "font": {"size": 12, "color": faint},
                "standoff": 6,
            },
        },
        "yaxis": {**axis, "domain": UTILITY_PANEL, "range": utility_limits(evidence), "nticks": 5},
        "yaxis2": {
            **axis,
            "domain": RISK_PANEL,
            "range": RISK_RANGE,
            "tickvals": [0, 25, 50, 75, 100],
            "ticktext": ["0 %", "25 %", "50 %", "75 %", "100 %"],
        },
        "shapes": [_shade(theme)],
        "annotations": _annotations(evidence, faint),
    }


def utility_limits(evidence: Evidence) -> tuple[float, float]:
    """Returns the upper panel's range: from 0, or below where runs were worse than guessing, with room for markers."""
    spread = [float(np.nan_to_num(point.utility_sd)) for point in evidence.points]
    highest = max(p.utility_mean + sd for p, sd in zip(evidence.points, spread, strict=True))
    lowest = min(0.0, *(p.utility_mean - sd for p, sd in zip(evidence.points, spread, strict=True)))
    room = 0.08 * (highest - lowest)
    return lowest - room, highest + 1.6 * room


def _shade(theme: Theme) -> dict[str, Any]:
    return {
        "type": "rect",
        "xref": "x",
        "yref": "paper",
        "x0": _MEANINGLESS[0],
        "x1": _MEANINGLESS[1],
        "y0": 0,
        "y1": 1,
        "fillcolor": _COLOURS[theme]["shade"],
        "line": {"width": 0},
        "layer": "below",
    }


def _annotations(evidence: Evidence, faint: str) -> list[dict[str, Any]]:
    common = {"showarrow": False, "xref": "x", "xanchor": "center", "font": {"size": 12, "color": faint}}
    yardstick = evidence.no_dp.utility_mean
    meaningless = {"x": sum(_MEANINGLESS) / 2, "yref": "paper", "y": UTILITY_PANEL[0], "yanchor": "bottom"}
    return [
        {**common, **meaningless, "text": "budgets usually called meaningless"},
        {
            **common,
            "x": NO_DP_POSITION,
            "yref": "y",
            "y": yardstick,
            "yanchor": "bottom",
            "text": f"no DP {yardstick:.2f}",
            "yshift": 7,
        },
        {**common, "x": _BREAK, "yref": "paper", "y": 0, "yanchor": "middle", "text": "<b>//</b>"},
    ]
