"""The two charts of the page of reconstruction: errors of all budgets, and at which budget pictures appear."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ui.epsilon import NO_DP, SMALLEST, format_epsilon, name_budget
from ui.evidence import Counted, Evidence
from ui.finding import Finding
from ui.numbers import format_share
from ui.recon_evidence import Outcomes, budgets
from ui.recon_state import SIDES
from ui.recon_text import count_budget
from ui.risk_plot import Axis, Chart, Line, Mark, Readout, chart_of, over_html
from ui.text import attacked_nouns, name_looks, nearest_budget

_PERCENT = [(v / 100, f"{v} %") for v in (0, 25, 50, 75, 100)]
#: Dense where pictures are nearly identical, and evenly beyond.
_GRID = np.concatenate([[0.0], np.geomspace(0.002, 0.1, 20), np.linspace(0.11, 1, 90)])
_READ = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_BUDGETS = [(0.1, "0.1"), (10.0, "10"), *((10.0**k, f"10{str(k).translate(_SUPERSCRIPT)}") for k in (3, 6, 9, 12, 15))]
#: Where “no DP” stands, beyond a gap.
_BARE = 1e17


def line_class(place: int) -> str:
    """Returns the class of the curve of the budget at that place in the order of budgets."""
    return f"rc-line-{place}"


def colours(count: int) -> str:
    """Returns the style sheet of `count` curves: from strict to loose, the one that the layer names thick."""
    rules = []
    for place in range(count):
        percent = 100 * place / max(1, count - 1)
        name = line_class(place)
        rules.append(f".{name}{{color:color-mix(in oklab,var(--rc-loose) {percent:.0f}%,var(--rc-strict))}}")
        chosen = f'.st-key-rk_frame_errors:has([data-line="{place}"]) path.{name}'
        rules.append(f"{chosen}{{stroke-width:5;stroke-opacity:1}}")
    return f"<style>{''.join(rules)}</style>"


def _error_axes(evidence: Evidence) -> tuple[Axis, Axis]:
    name = "error 1 − SSIM" if evidence.spec.kind == "image" else "relative distance"
    ticks = [(v / 10, f"{v / 10:g}") for v in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)]
    x = Axis(low=0.0, high=1.0, ticks=ticks, title=f"{name} of the reconstruction: 0 = identical → 1 = nothing")
    y = Axis(low=0.0, high=1.0, ticks=_PERCENT, title=f"share of {attacked_nouns(evidence)} with a smaller error")
    return x, y


def errors_drawn(evidence: Evidence, outcomes: Outcomes, *, looks: int, counted: Counted) -> str:
    """Returns the curves of all budgets; what moves lies over them."""
    x, y = _error_axes(evidence)
    lines, legend = [], []
    for place, budget in enumerate(budgets(outcomes)):
        errors = outcomes[budget, looks].errors
        below = np.searchsorted(errors, _GRID, side="right") / len(errors)
        style = line_class(place) + (" rc-bare" if budget == NO_DP else "")
        lines.append(Line(x=_GRID, y=below, style=style))
        legend.append((style, name_budget(budget if budget == NO_DP else count_budget(budget, evidence, counted))))
    return chart_of(x=x, y=y, lines=lines, legend=legend, over="").drawn


def errors_over(finding: Finding, outcomes: Outcomes, *, looks: int, eta: float) -> str:
    """Returns what moves over the curves: the threshold, the share below it, exact values of the present budget."""
    evidence, budget = finding.evidence, finding.nearest.target_epsilon
    x, y = _error_axes(evidence)
    outcome = outcomes[budget, looks]
    share = outcome.below(eta)
    place = budgets(outcomes).index(budget)
    alt = (
        f"Share of {attacked_nouns(evidence)} whose reconstruction has a smaller error, one curve a budget, from "
        f"{name_looks(looks)}. At {nearest_budget(finding)}: {share.successes} of {share.trials} below "
        f"{eta:.2f}, and {outcome.below(0.5).successes} below 0.5. All values are in the table below."
    )
    readouts = [
        Readout(
            x=at,
            words=f"{nearest_budget(finding)}: {format_share(outcome.below(at).value)} below {at:g}",
            dots=[(outcome.below(at).value, line_class(place))],
        )
        for at in _READ
    ]
    side = "left" if eta > 0.6 else "right"
    mark = Mark(x=eta, y=share.value, style="rk-chosen", words=f"{share.successes} of {share.trials}", side=side)
    over = over_html(
        x=x,
        y=y,
        name="rc-read-errors",
        alt=alt,
        marks=[mark],
        cursor=(eta, f"threshold η = {eta:.2f}"),
        readouts=readouts,
    )
    return f'<div data-line="{place}">{chart_of(x=x, y=y, lines=[], legend=[], over=over).over}</div>'


def errors_table(evidence: Evidence, outcomes: Outcomes, counted: Counted) -> tuple[list[str], list[list[object]]]:
    """Returns headings and rows: each budget and number of looks, records below each threshold."""
    headings = ["epsilon", "looks", "records", *(f"below {at:g}" for at in (0.05, 0.1, 0.2, 0.5, 0.8)), "median error"]
    rows: list[list[object]] = []
    for (budget, looks), outcome in sorted(outcomes.items()):
        epsilon = budget if budget == NO_DP else count_budget(budget, evidence, counted)
        below = [outcome.below(at).successes for at in (0.05, 0.1, 0.2, 0.5, 0.8)]
        rows.append([format_epsilon(epsilon), looks, len(outcome.errors), *below, f"{outcome.median_error:.3f}"])
    return headings, rows


@dataclass(frozen=True, kw_only=True)
class Appearance:
    """From which budget on pictures of a size appear, for one kind of look."""

    style: str
    words: str
    #: (side, ε); an infinite ε stands at “no DP”.
    places: tuple[tuple[int, float], ...]
    estimated: bool


def measured_appearance(
    rows: Sequence[Mapping[str, Any]], evidence: Evidence, counted: Counted, *, every: int
) -> list[Appearance]:
    """Returns the measured budgets at which half of the pictures are rebuilt, for one look and for all."""
    found = []
    for looks, style in ((1, "rc-one"), (every, "rc-all")):
        places = sorted(
            (int(row["side"]), _place(row["rebuilt_from"], evidence, counted))
            for row in rows
            if row["attack"] == "imprint"
            and (row["batch_size"], row["denoiser"], row["looks"]) == (1, "none", looks)
            and not math.isnan(row["rebuilt_from"])
        )
        words = f"measured: half of the pictures rebuilt from {name_looks(looks)}"
        found.append(Appearance(style=style, words=words, places=tuple(places), estimated=False))
    return found


def _place(epsilon: float, evidence: Evidence, counted: Counted) -> float:
    return epsilon if math.isinf(epsilon) else count_budget(epsilon, evidence, counted)


def appear_chart(found: Sequence[Appearance]) -> Chart:
    """Returns the drawing and what lies still over it: budgets from left to right, picture sizes upwards."""
    x, y = _appear_axes()
    lines = [
        Line(x=[min(e, _BARE) for _, e in a.places], y=[s for s, _ in a.places], style=a.style)
        for a in found
        if len(a.places) > 1
    ]
    marks = [
        Mark(x=min(e, _BARE), y=side, style=f"{a.style}{' rk-open' if math.isinf(e) else ''}")
        for a in found
        if not a.estimated
        for side, e in a.places
    ]
    over = over_html(x=x, y=y, name="rc-read-appear", marks=marks, readouts=_appear_readouts(found))
    return chart_of(x=x, y=y, lines=lines, legend=[(a.style, a.words) for a in found], over=over)


def appear_cursor(finding: Finding, found: Sequence[Appearance]) -> str:
    """Returns what moves over that drawing: the present budget, and the whole in words."""
    x, y = _appear_axes()
    here = _BARE if finding.is_no_dp else finding.epsilon
    alt = (
        "Budgets at which half of the pictures are rebuilt, for each picture size; larger pictures appear at larger "
        f"budgets. {' '.join(_alt(a) for a in found)} The present budget is {name_budget(finding.epsilon)}."
    )
    over = over_html(x=x, y=y, alt=alt, cursor=(here, name_budget(finding.epsilon)))
    return chart_of(x=x, y=y, lines=[], legend=[], over=over).over


def _appear_axes() -> tuple[Axis, Axis]:
    x = Axis(
        low=SMALLEST,
        high=1e18,
        ticks=[*_BUDGETS, (_BARE, "no DP")],
        title="privacy budget ε: stricter ← → looser",
        logarithmic=True,
    )
    sides = [(float(s), f"{s} px") for s in SIDES]
    return x, Axis(low=22, high=290, ticks=sides, title="height and width of the picture", logarithmic=True)


def _appear_readouts(found: Sequence[Appearance]) -> list[Readout]:
    """One a budget, with every line that has a point there."""
    at: dict[float, list[tuple[int, Appearance]]] = {}
    for appearance in found:
        for side, epsilon in appearance.places:
            at.setdefault(min(epsilon, _BARE), []).append((side, appearance))
    return [
        Readout(
            x=epsilon,
            words=f"{'no DP' if epsilon == _BARE else name_budget(float(f'{epsilon:.3g}'))}: "
            + "; ".join(f"{side} px, {appearance.words}" for side, appearance in lines),
            dots=[(side, appearance.style) for side, appearance in lines],
        )
        for epsilon, lines in at.items()
    ]


def _alt(appearance: Appearance) -> str:
    places = ", ".join(f"{side} pixels {name_budget(e)}" for side, e in appearance.places)
    return f"{appearance.words}: {places or 'none'}."


def appear_table(found: Sequence[Appearance]) -> tuple[list[str], list[list[object]]]:
    """Returns headings and rows: line, side, ε."""
    rows: list[list[object]] = [[a.words, side, format_epsilon(e)] for a in found for side, e in a.places]
    return ["what", "pixels", "epsilon"], rows
