"""What the trade-off chart tells exactly, at every measured budget."""

from __future__ import annotations

import math

from ui import charts, text
from ui.epsilon import name_budget
from ui.evidence import Attack, Counted, Evidence, Point
from ui.numbers import at_most, interval_people
from ui.readings import Reading, readings_html
from ui.series import position


def exact_values_html(evidence: Evidence, counted: Counted) -> str:
    """Returns the readings of a dataset's chart, in order of ε."""
    limits = charts.utility_limits(evidence)
    readings = [_reading(point, counted, evidence, limits) for point in evidence.points]
    return f'<div class="pp-readings">{readings_html(readings, "pp-read")}</div>'


def _reading(point: Point, counted: Counted, evidence: Evidence, limits: tuple[float, float]) -> Reading:
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
    return Reading(
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
