"""The trade-off chart to zoom into, with every model of a dataset: Plotly's, loaded only when somebody opens it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dpcore.results.metrics import get_model_words_from_name
from ui import charts
from ui.charts import COLOURS, RANGE, RISK_PANEL, RISK_RANGE, TICKS, UTILITY_PANEL, Theme
from ui.epsilon import format_epsilon
from ui.evidence import Counted, Evidence, Point
from ui.numbers import format_bound, format_share
from ui.series import NO_DP_POSITION, Series, position, risk_series

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

#: px; taller than the page's own chart, since the legend stands in it.
_HEIGHT = 680
#: Later models are told apart by their dashes too, not by colour alone.
_MODEL_DASHES = ("solid", "dash", "dot", "dashdot")
_INK = {"light": "#55616e", "dark": "#a7b3c0"}


def zoomable_chart(models: Sequence[Evidence], *, counted: Counted, theme: Theme) -> Figure:
    """Returns both panels: utility of every model, and the limits and attacks of the first one."""
    # Plotly looks into as much of pandas as is there; another thread may be importing it, see `warm_start`.
    import pandas as pd  # noqa: F401
    from plotly.graph_objects import Figure

    colours = COLOURS[theme]
    curves = [
        _utility_curve(evidence, counted, colour=colours["utility"], dash=dash)
        for evidence, dash in zip(models, _MODEL_DASHES, strict=False)
    ]
    curves += [_risk_curve(series, colours[series.attacker]) for series in risk_series(models[0], counted)]
    return Figure(data=[{"type": "scatter", **curve} for curve in curves], layout=_layout(models, theme))


def _utility_curve(evidence: Evidence, counted: Counted, *, colour: str, dash: str) -> dict[str, Any]:
    # Nothing lies between the last budget and “no DP”, so no line is drawn there.
    points = [*evidence.measured, None, evidence.no_dp]
    spread = [_known(point.utility_sd) if point else None for point in points]
    return {
        "name": f"{evidence.metric.short}, {get_model_words_from_name(evidence.model)}",
        "x": [position(point.epsilon(counted)) if point else None for point in points],
        "y": [point.utility_mean if point else None for point in points],
        "error_y": {"array": spread, "thickness": 1, "width": 3},
        "mode": "lines+markers",
        "line": {"color": colour, "width": 2, "dash": dash},
        "text": [_utility_words(point, counted, evidence) if point else "" for point in points],
        "hoverinfo": "text",
    }


def _known(sd: float) -> float:
    """One run has no standard deviation."""
    return 0.0 if math.isnan(sd) else sd


def _utility_words(point: Point, counted: Counted, evidence: Evidence) -> str:
    spread = "" if math.isnan(point.utility_sd) else f" ± {point.utility_sd:.3f}"
    return (
        f"{get_model_words_from_name(evidence.model)}, {_budget(point.epsilon(counted))}<br>{evidence.metric.short} "
        f"{point.utility_mean:.3f}{spread}, measured in {point.seeds} runs"
    )


def _risk_curve(series: Series, colour: str) -> dict[str, Any]:
    bare = [] if series.no_dp is None else [(None, None), (NO_DP_POSITION, series.no_dp)]
    places = [*zip(series.x, series.y, strict=True), *bare]
    shape = "square" if series.is_square else "circle"
    return {
        "name": series.label,
        "yaxis": "y2",
        "x": [x for x, _ in places],
        "y": [y for _, y in places],
        "mode": "lines" if series.proven else "lines+markers",
        "line": {"color": colour, "width": 2.4 if series.proven else 1.6, "dash": series.dash},
        "marker": {"symbol": shape if series.filled else f"{shape}-open", "size": 8},
        "text": ["" if x is None else _risk_words(series, x, y) for x, y in places],
        "hoverinfo": "text",
    }


def _risk_words(series: Series, x: float, percent: float) -> str:
    return f"{series.label}<br>{_budget(_epsilon(x))}: {_share(percent, series.proven)}"


def _epsilon(x: float) -> float:
    return math.inf if x == NO_DP_POSITION else 10.0**x


def _budget(epsilon: float) -> str:
    return "no DP" if math.isinf(epsilon) else f"ε = {format_epsilon(epsilon)}"


def _share(percent: float, proven: bool) -> str:
    return f"at most {format_bound(percent / 100)}" if proven else format_share(percent / 100)


def _layout(models: Sequence[Evidence], theme: Theme) -> dict[str, Any]:
    ink = _INK[theme]
    axis: dict[str, Any] = {
        "gridcolor": COLOURS[theme]["grid"],
        "zeroline": False,
        "tickfont": {"color": ink},
        "title": {"font": {"color": ink}},
    }
    limits = [charts.utility_limits(evidence) for evidence in models]
    return {
        "height": _HEIGHT,
        "margin": {"l": 60, "r": 14, "t": 10, "b": 10},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "legend": {"orientation": "h", "y": -0.14, "font": {"color": ink}},
        "hoverlabel": {"align": "left"},
        "xaxis": {
            **axis,
            "range": RANGE,
            "anchor": "y2",
            "tickvals": list(TICKS),
            "ticktext": list(TICKS.values()),
            "title": {**axis["title"], "text": "privacy budget ε:  stricter ←  → looser"},
        },
        "yaxis": {
            **axis,
            "domain": UTILITY_PANEL,
            "range": (min(low for low, _ in limits), max(high for _, high in limits)),
            "title": {**axis["title"], "text": models[0].metric.short},
        },
        "yaxis2": {
            **axis,
            "domain": RISK_PANEL,
            "range": RISK_RANGE,
            "ticksuffix": " %",
            "title": {**axis["title"], "text": "of patients"},
        },
    }
