"""What lies over and under the chart as HTML: the mark of the present budget, names beside the curves, exact values,
the legend."""

from __future__ import annotations

import html
import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from ui import charts
from ui.captions import chart_note
from ui.charts import HEIGHT, MARGIN, RISK_PANEL, RISK_RANGE, UTILITY_PANEL, Theme, across, down
from ui.drag import place
from ui.epsilon import name_budget
from ui.evidence import Counted, Evidence
from ui.exact_values import exact_values_html
from ui.finding import Finding
from ui.kept import kept
from ui.series import Series, position, risk_series
from ui.text import noun

#: Names beside the curves are laid out for this width of the plot in px, and hidden on narrower charts by style.css.
_PLOT_WIDTH = 860
#: A name of two lines, in px.
_CHARACTER, _HALF_HEIGHT = 6.4, 16
#: Space to keep around a name, in px.
_CLEAR = 5
#: Heights at which to try a name, in per cent of patients.
_LEVELS = (50, 40, 60, 30, 70, 22, 78)
#: Distances from the curve to try, in px; a slanted curve needs more.
_GAPS = (8, 14, 20)


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawing:
    """All of the chart that a moved slider leaves as it is."""

    drawn: str
    #: Names beside the curves, and what the pointer finds.
    names: str
    legend: str


def draw_trade_off(evidence: Evidence, counted: Counted, theme: Theme) -> Drawing:
    """Returns the chart of a dataset with the names beside its curves and its legend."""
    series = risk_series(evidence, counted)
    return Drawing(
        drawn=charts.trade_off_html(evidence, series, counted=counted, theme=theme),
        names=headings_html(evidence) + names_html(series) + exact_values_html(evidence, counted),
        legend=legend_html(series, evidence),
    )


@kept(max_entries=512)
def cursor_html(finding: Finding) -> str:
    """Returns the vertical line at the present budget, with a dot on each curve that has a value there."""
    dots = [_dot("utility", down(UTILITY_PANEL, finding.utility.value, charts.utility_limits(finding.evidence)))]
    if not finding.is_no_dp:
        bounds = {"holds": finding.proof.worst_case, "lacks": finding.proof.relaxed}
        dots += [_dot(who, down(RISK_PANEL, 100 * p, RISK_RANGE)) for who, p in bounds.items() if not math.isnan(p)]
    side = " pp-left" if across(position(finding.epsilon)) > 0.85 else ""
    return (
        f'<div class="pp-cursor{side}" {place("cursor", finding)} aria-hidden="true" '
        f'style="--x:{across(position(finding.epsilon)):.5f}">'
        f'<span class="pp-cursor-name">{name_budget(finding.epsilon)}</span>{"".join(dots)}</div>'
    )


def headings_html(evidence: Evidence) -> str:
    """Returns the headings of both panels, above the vertical line so that it never strikes them out."""
    headings = (
        (UTILITY_PANEL, f"<strong>{evidence.metric.title}</strong> ({evidence.metric.short})"),
        (RISK_PANEL, f"<strong>Patients whose {noun(evidence)} is exposed</strong>"),
    )
    tops = (MARGIN["t"] + (1 - panel[1]) * (HEIGHT - MARGIN["t"] - MARGIN["b"]) for panel, _ in headings)
    return "".join(
        f'<span class="pp-heading" style="top:{top:.0f}px">{words}</span>'
        for top, (_, words) in zip(tops, headings, strict=True)
    )


def names_html(series: list[Series]) -> str:
    """Returns names beside the curves, where one fits without touching a curve or another name; the legend has all."""
    placed: list[Box] = []
    names = []
    for one in series:
        for gap, level, right in itertools.product(_GAPS, _LEVELS, (True, False)):
            box = _box_beside(one, level, gap if right else -gap)
            if box and not any(box.overlaps(other) for other in placed) and _stands_alone(box, one, series):
                placed.append(box)
                middle = (box.top + box.bottom) / 2
                style = f"--x:{box.anchor:.5f};--gap:{gap}px;top:{middle:.0f}px"
                side = "right" if right else "left"
                names.append(
                    f'<span class="pp-name pp-{one.attacker} pp-name-{side}" style="{style}">{one.short}</span>'
                )
                break
    return f'<div class="pp-names" aria-hidden="true">{"".join(names)}</div>'


def _stands_alone(box: Box, one: Series, series: list[Series]) -> bool:
    """Whether no curve runs through the name, and no other curve between the name and its own."""
    at = box.anchor * _PLOT_WIDTH
    reach = replace(box, left=min(box.left, at), right=max(box.right, at))
    return not box.touches(one) and not any(reach.touches(other) for other in series if other is not one)


@dataclass(frozen=True, kw_only=True)
class Box:
    """Room for a name: a rectangle in px of the laid-out plot, hanging on a fraction of its width."""

    anchor: float
    left: float
    right: float
    top: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Whether two names would cover each other."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def touches(self, series: Series) -> bool:
        """Whether a curve runs through the rectangle."""
        x = np.array([across(x) * _PLOT_WIDTH for x in series.x])
        y = np.array([down(RISK_PANEL, y, RISK_RANGE) for y in series.y])
        left, right = self.left - _CLEAR, self.right + _CLEAR
        inside = np.union1d(np.linspace(left, right, 12), x[(x > left) & (x < right)])
        heights = np.interp(inside, x, y)
        low, high = np.minimum(heights[1:], heights[:-1]), np.maximum(heights[1:], heights[:-1])
        return bool(np.any((low < self.bottom) & (high > self.top)))


def _box_beside(one: Series, level: float, gap: float) -> Box | None:
    """Room to the right of the curve, or to the left for a negative gap."""
    x = _crossing(one, level)
    if x is None:
        return None
    width = _CHARACTER * max(len(line) for line in one.short.split("<br>"))
    at, middle = across(x) * _PLOT_WIDTH, down(RISK_PANEL, level, RISK_RANGE)
    left = at + gap if gap > 0 else at + gap - width
    if left < 0 or left + width > _PLOT_WIDTH:
        return None
    return Box(anchor=across(x), left=left, right=left + width, top=middle - _HALF_HEIGHT, bottom=middle + _HALF_HEIGHT)


def legend_html(series: list[Series], evidence: Evidence) -> str:
    """Returns the legend as a list: who attacks by colour, proven or measured by line, looks by marker."""
    metric, runs = evidence.metric, evidence.no_dp.seeds
    solid = f"{metric.title.lower()}: {metric.meaning}; mean of {runs} runs, band ± one standard deviation"
    items = [_item("utility", "pp-line-solid", "●", solid)]
    items.append(_item("utility", "pp-line-dash", "", "the same without DP"))
    for one in series:
        sign = "" if one.proven else ("□■" if one.is_square else "○●")[one.filled]
        items.append(_item(one.attacker, f"pp-line-{one.dash}", sign, one.label))
    return f'<ul class="pp-legend">{"".join(items)}</ul><p class="pp-note">{chart_note(evidence)}</p>'


def _item(colour: str, line: str, sign: str, label: str) -> str:
    sample = f'<span class="pp-sample {line} pp-{colour}" aria-hidden="true"><i>{sign}</i></span>'
    return f"<li>{sample}{html.escape(label)}</li>"


def _dot(colour: str, top: float) -> str:
    return f'<i class="pp-dot pp-{colour}" style="top:{top:.1f}px"></i>'


def _crossing(series: Series, level: float) -> float | None:
    """Returns where a rising curve first reaches a level, or None."""
    reached = np.flatnonzero(series.y >= level)
    if not reached.size or reached[0] == 0:
        return None
    i = reached[0]
    (x0, x1), (y0, y1) = series.x[i - 1 : i + 1], series.y[i - 1 : i + 1]
    return float(x0 + (x1 - x0) * (level - y0) / (y1 - y0))
