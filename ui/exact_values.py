"""Exact values at places of a chart: shown on hover, tap or focus, one radio button a place.

So a whole chart is one stop of the Tab key, and the arrow keys walk over its places, without any script.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ui import charts, text
from ui.epsilon import name_budget
from ui.evidence import Attack, Counted, Evidence, Point
from ui.numbers import at_most, interval_people
from ui.series import position


@dataclass(frozen=True, kw_only=True)
class Stop:
    """A place, in per cent of the plot's width; its lines of text; and (per cent of the height, style) of its dots."""

    at: float
    lines: Sequence[str]
    dots: Sequence[tuple[float, str]]


def stops_html(stops: Sequence[Stop], name: str) -> str:
    """Returns the buttons in the order given, which is from left to right; nothing if there are none."""
    if not stops:
        return ""
    edges = [0.0, *((one.at + other.at) / 2 for one, other in pairwise(stops)), 100.0]
    made = []
    for stop, left, right in zip(stops, edges[:-1], edges[1:], strict=True):
        side = "right" if stop.at < 50 else "left"
        dots = "".join(f'<i class="{style}" style="bottom:{height:.2f}%"></i>' for height, style in stop.dots)
        made.append(
            f'<input class="rk-read" type="radio" name="{name}" aria-label="{html.escape("; ".join(stop.lines))}" '
            f'style="left:{left:.2f}%;width:{right - left:.2f}%">'
            f'<span class="rk-readout rk-{side}" style="left:{stop.at:.2f}%" aria-hidden="true">{dots}'
            f"<b>{'<br>'.join(map(html.escape, stop.lines))}</b></span>"
        )
    return f'<div role="radiogroup" aria-label="Exact values">{"".join(made)}</div>'


def exact_values_html(evidence: Evidence, counted: Counted) -> str:
    """Returns what the trade-off chart shows at every measured budget."""
    limits = charts.utility_limits(evidence)
    stops = [_stop(point, counted, evidence, limits) for point in evidence.points]
    return f'<div class="pp-stops">{stops_html(stops, "pp-read")}</div>'


def _stop(point: Point, counted: Counted, evidence: Evidence, limits: tuple[float, float]) -> Stop:
    epsilon = point.epsilon(counted)
    # Lines of a few words: the box is as wide as a phone leaves it.
    lines = [
        f"{name_budget(epsilon)}: {evidence.metric.short} {point.utility_mean:.3f} ± {point.utility_sd:.3f}, "
        f"{point.seeds} runs",
        *(_proven_words(point, evidence) if not math.isinf(epsilon) else ()),
        *(_measured_words(attack, evidence) for attack in point.attacks),
    ]
    heights = [(charts.down(charts.UTILITY_PANEL, point.utility_mean, limits), "pp-utility")]
    if not math.isinf(epsilon):
        bounds = ((point.worst_case, "pp-holds"), (point.relaxed, "pp-lacks"))
        heights += [
            (charts.down(charts.RISK_PANEL, 100 * bound, charts.RISK_RANGE), style)
            for bound, style in bounds
            if not math.isnan(bound)
        ]
    return Stop(
        at=100 * charts.across(position(epsilon)),
        lines=lines,
        dots=[(charts.up(top), style) for top, style in heights],
    )


def _proven_words(point: Point, evidence: Evidence) -> list[str]:
    who = (("holds", point.worst_case), ("does not hold", point.relaxed))
    return [
        f"proven, attacker {verb} the {text.noun(evidence)}: {at_most(bound)} patients"
        for verb, bound in who
        if not math.isnan(bound)
    ]


def _measured_words(attack: Attack, evidence: Evidence) -> str:
    return (
        f"measured, {text.name_looks(attack.looks)}, {attack.records} {text.attacked_nouns(evidence)}: "
        f"{attack.matched} recognised among {attack.candidates} (95 %: {interval_people(attack.matched_interval)}), "
        f"{attack.rebuilt} rebuilt (95 %: {interval_people(attack.rebuilt_interval)})"
    )
