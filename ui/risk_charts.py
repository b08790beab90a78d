"""The three charts of the page of risk bounds, each with its numbers as a table."""

from __future__ import annotations

import csv
import html
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ui.captions import COUNTED
from ui.epsilon import LARGEST, SMALLEST, format_epsilon, name_budget
from ui.evidence import Counted, Evidence
from ui.finding import Finding
from ui.numbers import format_sigma
from ui.risk_plot import Axis, Chart, Line, Mark, Readout, chart_of, over_html
from ui.risk_proof import Recounted, RiskCurve, RiskProof
from ui.risk_text import bound_of, curve_of, format_risk, one_in

FloatArray = NDArray[np.floating]

_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_BUDGETS = [
    (0.1, "0.1"),
    (1.0, "1"),
    (10.0, "10"),
    *((10.0**k, f"10{str(k).translate(_SUPERSCRIPT)}") for k in (3, 6, 9, 12, 15)),
]
#: False-positive rates of the trade-off curve: dense at both ends.
_ALPHAS = np.unique(np.concatenate([[0.0], np.geomspace(1e-6, 0.05, 60), np.linspace(0.05, 1, 60)]))
_TABLE_ALPHAS = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.2, 0.5)
STYLES = {"worst": "rk-worst", "relaxed": "rk-relaxed", "real": "rk-real", "persistent": "rk-persistent"}


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Proven limits over ε as drawn, each (n,)."""

    epsilon: FloatArray
    worst_case: FloatArray
    relaxed: FloatArray
    persistent: FloatArray | None = None
    #: Where exact values are offered: (ε, worst case, relaxed).
    stops: tuple[tuple[float, float, float], ...] = ()


def bounds_of_evidence(evidence: Evidence, counted: Counted) -> Bounds:
    """Returns the stored curves of the measured training."""
    epsilon, worst, relaxed = (evidence.curves[name] for name in (f"epsilon_{counted}", "worst_case", "relaxed"))
    known = np.isfinite(epsilon) & np.isfinite(worst) & np.isfinite(relaxed)
    stops = tuple((p.epsilon(counted), p.worst_case, p.relaxed) for p in evidence.measured)
    return Bounds(epsilon=epsilon[known], worst_case=worst[known], relaxed=relaxed[known], stops=stops)


def bounds_of_curve(curve: RiskCurve) -> Bounds:
    """Returns live curves, with exact values at each computed point."""
    columns = (curve.epsilon, curve.worst_case, curve.relaxed)
    return Bounds(
        epsilon=curve.epsilon,
        worst_case=curve.worst_case,
        relaxed=curve.relaxed,
        persistent=curve.persistent,
        stops=tuple((float(e), float(w), float(r)) for e, w, r in zip(*columns, strict=True)),
    )


def bounds_chart(finding: Finding, bounds: Bounds, proof: RiskProof, *, kappa: float, attacker: str) -> Chart:
    """Returns both proven limits over ε, with the present budget, guessing, and the real attack where chosen."""
    noun = finding.evidence.spec.record_noun
    x = Axis(
        low=SMALLEST, high=LARGEST, ticks=_BUDGETS, title="privacy budget ε: stricter ← → looser", logarithmic=True
    )
    lowest = 10.0 ** math.floor(math.log10(kappa) - 0.15)
    powers = range(round(math.log10(lowest)), 1)
    ticks = [(10.0**k, _share_words(k)) for k in powers]
    y = Axis(low=lowest, high=1.35, ticks=ticks, title=f"patients whose {noun} is found out, at most", logarithmic=True)
    lines = [
        Line(x=[SMALLEST, LARGEST], y=[kappa, kappa], style="rk-guess"),
        _chosen(bounds.epsilon, bounds.worst_case, "worst", attacker),
        _chosen(bounds.epsilon, bounds.relaxed, "relaxed", "relaxed" if attacker == "real" else attacker),
    ]
    items = [
        ("rk-worst", f"proven: attacker holds the {noun}"),
        ("rk-relaxed", "proven: attacker does not hold it, fresh direction each step"),
    ]
    if bounds.persistent is not None:
        lines.append(Line(x=bounds.epsilon, y=bounds.persistent, style="rk-persistent"))
        items.append(("rk-persistent", "proven: does not hold it, the same direction in all steps"))
    items.append(("rk-guess", f"by guessing: {one_in(kappa)}"))
    marks = _present_marks(finding, proof, kappa=kappa, attacker=attacker)
    if attacker == "real":
        marks += _real_marks(finding)
        items.append(("rk-real", "measured: rebuilt from one look (○) and all looks (●), at the measured training"))
    cursor = None if finding.is_no_dp else (finding.epsilon, name_budget(finding.epsilon))
    alt = (
        f"Proven limits over the privacy budget, both axes logarithmic. {_present_words(finding, proof, kappa)} "
        "Both limits rise with ε, from the chance by guessing towards everyone. All values are in the table below."
    )
    readouts = [
        Readout(
            x=epsilon,
            words=f"{name_budget(epsilon)}: at most {format_risk(worst)} if the attacker holds it, "
            f"{format_risk(relaxed)} if not",
            dots=[(value, STYLES[who]) for value, who in ((worst, "worst"), (relaxed, "relaxed")) if value == value],
        )
        for epsilon, worst, relaxed in bounds.stops
    ]
    over = over_html(x=x, y=y, name="rk-read-bounds", alt=alt, marks=marks, cursor=cursor, readouts=readouts)
    return chart_of(x=x, y=y, lines=lines, legend=items, over=over)


def roc_chart(proof: RiskProof, *, attacker: str, logarithmic: bool) -> Chart:
    """Returns the trade-off curves of membership: true against false alarms, with the diagonal of chance."""
    low = 1e-5 if logarithmic else 0.0
    ticks = (
        [(10.0**k, f"{100 * 10.0**k:g} %") for k in range(-5, 1)]
        if logarithmic
        else [(v / 100, f"{v} %") for v in (0, 25, 50, 75, 100)]
    )
    x, y = (
        Axis(low=low, high=1.0, ticks=ticks, title=title, logarithmic=logarithmic)
        for title in (
            "strangers wrongly accused (false-positive rate)",
            "participants found (true-positive rate), at most",
        )
    )
    chosen = "worst" if attacker == "worst" else "relaxed"
    alphas = _ALPHAS[_ALPHAS > 0] if logarithmic else _ALPHAS
    lines = [Line(x=alphas, y=alphas, style="rk-guess")]
    for who, curve in (("relaxed", proof.relaxed), ("worst", proof.worst_case), ("persistent", proof.persistent)):
        if curve is not None:
            lines.append(_chosen(alphas, curve.roc(alphas), who, chosen))
    curve = curve_of(proof, chosen)
    marks = []
    if curve is not None:
        for fpr, words in ((0.001, "0.1 %"), (0.01, "1 %")):
            if not logarithmic and fpr < 0.01:
                continue
            tpr = curve.tpr_at_fpr(fpr)
            marks.append(Mark(x=fpr, y=tpr, style=STYLES[chosen], words=f"at {words}: {format_risk(tpr)}"))
    items = [("rk-worst", "attacker holds the record"), ("rk-relaxed", "attacker does not"), ("rk-guess", "chance")]
    if proof.persistent is not None:
        items.insert(2, ("rk-persistent", "does not, the same direction in all steps"))
    alt = (
        "Trade-off curves of the best test for membership, above the diagonal of chance. "
        f"At 1 % false alarms the test finds at most {format_risk(bound_at(proof, chosen, 0.01))} of participants."
    )
    over = over_html(x=x, y=y, name="rk-read-roc", alt=alt, marks=marks, readouts=_roc_readouts(proof))
    return chart_of(x=x, y=y, lines=lines, legend=items, over=over)


def _roc_readouts(proof: RiskProof) -> list[Readout]:
    """At the false-positive rates of the table."""
    known = [(who, curve) for who, curve in (("worst", proof.worst_case), ("relaxed", proof.relaxed)) if curve]
    told = {"worst": "if the attacker holds it", "relaxed": "if not"}
    made = []
    for alpha in _TABLE_ALPHAS:
        found = [(who, curve.tpr_at_fpr(alpha)) for who, curve in known]
        limits = ", ".join(f"{format_risk(rate)} {told[who]}" for who, rate in found)
        words = f"{100 * alpha:g} % false alarms: finds at most {limits}"
        made.append(Readout(x=alpha, words=words, dots=[(rate, STYLES[who]) for who, rate in found]))
    return made


def accountants_chart(rows: Sequence[Recounted]) -> Chart:
    """Returns the tight count over the nominal one, with the diagonal on which both would agree."""
    x = Axis(low=1.0, high=LARGEST, ticks=_BUDGETS[1:], title="ε as in the paper (RDP)", logarithmic=True)
    y = Axis(low=1.0, high=LARGEST, ticks=_BUDGETS[1:], title="ε counted tightly, at the same noise", logarithmic=True)
    shown = [row for row in rows if row.nominal >= 1]
    lines = [
        Line(x=[1.0, LARGEST], y=[1.0, LARGEST], style="rk-guess"),
        Line(x=[r.nominal for r in shown], y=[r.tight for r in shown], style="rk-tight"),
    ]
    marks = [Mark(x=r.nominal, y=r.tight, style="rk-tight") for r in shown]
    readouts = [
        Readout(
            x=r.nominal,
            words=f"{name_budget(r.nominal)} as in the paper, {format_epsilon(float(f'{r.tight:.3g}'))} tightly",
            dots=[(r.tight, "rk-tight")],
        )
        for r in shown
    ]
    alt = "The tight count over the count as in the paper: equal to it at small budgets, far below it at large ones."
    items = [("rk-tight", "this training"), ("rk-guess", "both counts equal")]
    over = over_html(x=x, y=y, name="rk-read-accountants", alt=alt, marks=marks, readouts=readouts)
    return chart_of(x=x, y=y, lines=lines, legend=items, over=over)


def _share_words(power: int) -> str:
    if power == 0:
        return "all"
    return f"1 in {10**-power:,}" if power > -6 else f"10⁻{str(-power).translate(_SUPERSCRIPT)}"


def bound_at(proof: RiskProof, attacker: str, kappa: float) -> float:
    """Returns γ at κ, or NaN."""
    return bound_of(proof, attacker, kappa)


def bounds_rows(bounds: Bounds) -> tuple[list[str], list[list[float]]]:
    """Returns headings and full-precision rows of the chart over ε."""
    columns = [bounds.epsilon, bounds.worst_case, bounds.relaxed]
    headings = ["epsilon", "worst_case", "relaxed"]
    if bounds.persistent is not None:
        columns.append(bounds.persistent)
        headings.append("relaxed_persistent")
    return headings, [[float(v) for v in row] for row in zip(*columns, strict=True)]


def roc_rows(proof: RiskProof) -> tuple[list[str], list[list[float]]]:
    """Returns headings and rows of the trade-off curves at round false-positive rates."""
    curves = {"worst_case": proof.worst_case, "relaxed": proof.relaxed, "relaxed_persistent": proof.persistent}
    known = {name: curve for name, curve in curves.items() if curve is not None}
    rows = [[alpha, *(curve.tpr_at_fpr(alpha) for curve in known.values())] for alpha in _TABLE_ALPHAS]
    return ["false_positive_rate", *known], rows


def to_csv(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Returns CSV with full digits."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows(rows)
    return out.getvalue()


def table_html(caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table whose first column heads its rows; cells are text, not HTML."""
    head = "".join(f'<th scope="col">{html.escape(heading)}</th>' for heading in headings)
    body = "".join(
        f'<tr><th scope="row">{html.escape(first)}</th>{"".join(f"<td>{html.escape(c)}</td>" for c in rest)}</tr>'
        for first, *rest in rows
    )
    table = f'<table class="pp-table"><caption>{html.escape(caption)}</caption><tr>{head}</tr>{body}</table>'
    return f'<div class="pp-scroll" tabindex="0">{table}</div>'


def bounds_table(bounds: Bounds, counted: Counted) -> str:
    """Returns the chart over ε as a table of at most about thirty rows."""
    headings, rows = bounds_rows(bounds)
    step = max(1, len(rows) // 30)
    words = {
        "epsilon": f"ε, {COUNTED[counted]}",
        "worst_case": "holds it",
        "relaxed": "does not hold it",
        "relaxed_persistent": "does not, same direction",
    }
    body = [[format_epsilon(row[0]), *(format_risk(value) for value in row[1:])] for row in rows[::step]]
    return table_html("Proven limits, rounded up", [words[h] for h in headings], body)


def roc_table(proof: RiskProof) -> str:
    """Returns the trade-off curves as a table."""
    words = {
        "false_positive_rate": "false alarms",
        "worst_case": "found, holds it",
        "relaxed": "found, does not",
        "relaxed_persistent": "found, same direction",
    }
    headings, rows = roc_rows(proof)
    body = [[f"{100 * row[0]:g} %", *(format_risk(value) for value in row[1:])] for row in rows]
    return table_html("Best tests for membership, rounded up", [words[h] for h in headings], body)


def accountants_table(rows: Sequence[Recounted]) -> str:
    """Returns nominal budgets, their noise and what they are when counted tightly."""
    body = [
        [
            format_epsilon(r.nominal),
            format_sigma(r.noise_multiplier),
            format_epsilon(float(f"{r.tight:.3g}")),
            f"{r.nominal / r.tight:.3g} ×",
        ]
        for r in rows
    ]
    return table_html("The same noise, counted twice", ["ε as in the paper", "noise σ", "ε tight", "overstated"], body)


def _chosen(x: FloatArray, y: FloatArray, who: str, attacker: str) -> Line:
    return Line(x=x, y=y, style=f"{STYLES[who]}{' rk-chosen' if who == attacker else ''}")


def _present_marks(finding: Finding, proof: RiskProof, *, kappa: float, attacker: str) -> list[Mark]:
    if finding.is_no_dp or proof.problem:
        return []
    marks = []
    for who, curve in (("relaxed", proof.relaxed), ("persistent", proof.persistent), ("worst", proof.worst_case)):
        if curve is None:
            continue
        gamma = float(curve.gamma(kappa))
        chosen = who == attacker or (who == "relaxed" and attacker == "real")
        far_right = finding.epsilon > 1e10
        marks.append(
            Mark(
                x=finding.epsilon,
                y=gamma,
                style=STYLES[who] + (" rk-chosen" if chosen else ""),
                words=format_risk(gamma) if chosen else "",
                side="left" if far_right else "right",
            )
        )
    return marks


def _real_marks(finding: Finding) -> list[Mark]:
    marks = []
    for point in finding.evidence.measured:
        for i, attack in enumerate(point.attacks):
            share = attack.rebuilt / attack.records
            style = "rk-real" if i == len(point.attacks) - 1 and len(point.attacks) > 1 else "rk-real rk-open"
            if share > 0:
                marks.append(Mark(x=point.epsilon(finding.counted), y=share, style=style))
    return marks


def _present_words(finding: Finding, proof: RiskProof, kappa: float) -> str:
    if proof.problem:
        return "The limits at the present budget could not be computed."
    worst, relaxed = (format_risk(bound_of(proof, who, kappa)) for who in ("worst", "relaxed"))
    return f"At {name_budget(finding.epsilon)}: at most {worst} if the attacker holds it, {relaxed} if not."
