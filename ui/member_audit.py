"""ε from below and from above: the floors of audits under the ceilings of the accountants. Chart, table, CSV rows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ui.epsilon import LARGEST, SMALLEST, format_epsilon, name_budget
from ui.finding import Finding
from ui.member_evidence import Audit, FloatArray, is_same, nearest_audits
from ui.member_text import canary_words, floor_summary, short
from ui.numbers import format_sigma
from ui.risk_charts import table_html
from ui.risk_plot import Axis, Chart, Line, Mark, Readout, chart_of, over_html

_BUDGETS = [
    (0.1, "0.1"),
    (1.0, "1"),
    (10.0, "10"),
    *((10.0**k, f"10{s}") for k, s in ((3, "³"), (6, "⁶"), (9, "⁹"), (12, "¹²"), (15, "¹⁵"))),
]
STYLES = {"gradient": "mb-lira", "mislabelled record": "mb-loss"}
GAP = "between the best floor and the tight ceiling: nobody knows"
#: The lowest tick stands for “proves nothing”; floors lie between the second and the cap, ceilings leave at the top.
_NOTHING, _LEAST, _HIGHEST = 0.01, 0.02, 1e3


def audit_chart(audits: Sequence[Audit], finding: Finding) -> Chart:
    """Returns ceilings, floors and the audit's cap over the nominal budget, with the present one marked."""
    across = "ε asked for, counted as in the paper (nominal)"
    x = Axis(low=SMALLEST / 2, high=2 * LARGEST, ticks=_BUDGETS, title=across, logarithmic=True)
    ticks = [(_NOTHING, "nothing"), (0.1, "0.1"), (1.0, "1"), (10.0, "10"), (100.0, "100"), (_HIGHEST, "1,000")]
    y = Axis(low=_NOTHING, high=_HIGHEST, ticks=ticks, title="ε proven, from below and from above", logarithmic=True)
    nominal, tight = _ceilings(audits)
    cap = max(audit.cap for audit in audits)
    lines = [
        _gap(audits, nominal, tight),
        Line(x=[SMALLEST / 2, 2 * LARGEST], y=[cap, cap], style="mb-cap"),
        *(
            Line(x=x, y=y, style=style)
            for style, (x, y) in (
                ("rk-persistent", _below_top(nominal, nominal)),
                ("rk-worst", _below_top(nominal, tight)),
            )
        ),
    ]
    kinds = sorted({audit.canary for audit in audits}, reverse=True)
    marks = []
    for kind in kinds:
        of_kind = [a for a in audits if a.canary == kind]
        style = STYLES.get(kind, "mb-lira")
        lines.append(Line(x=[a.target_epsilon for a in of_kind], y=[_place(a.floor) for a in of_kind], style=style))
        marks += [
            Mark(x=a.target_epsilon, y=_place(a.floor), style=style if a.floor > 0 else f"{style} rk-open")
            for a in of_kind
        ]
    items = [
        ("rk-persistent", "proven ceiling, as in the paper (RDP)"),
        ("rk-worst", "proven ceiling, counted tightly"),
        ("mb-cap", "the most this audit could show"),
        *((STYLES.get(k, "mb-lira"), f"audited floor, 95 %: {canary_words(k)}") for k in kinds),
        ("mb-gap", GAP),
    ]
    over = over_html(
        x=x,
        y=y,
        name="mb-read-audit",
        alt=f"Floors and ceilings of ε over the nominal budget, both axes logarithmic. {_plain(audits, finding)}",
        marks=marks,
        cursor=None if finding.is_no_dp else (_nominal(audits, finding), name_budget(finding.epsilon)),
        readouts=_readouts(audits),
    )
    return chart_of(x=x, y=y, lines=lines, legend=items, over=over)


def audit_table(audits: Sequence[Audit]) -> str:
    """Returns every audit as a row."""
    body = [
        [
            format_epsilon(a.target_epsilon),
            format_sigma(a.noise_multiplier),
            canary_words(a.canary),
            f"{a.correct:,} of {a.guesses:,}",
            _floor_words(a),
            f"{a.cap:.3g}",
            short(a.epsilon_tight),
            short(a.epsilon_rdp),
        ]
        for a in audits
    ]
    headings = ["ε", "noise σ", "canary", "right calls", "floor, 95 %", "cap", "ceiling, tight", "ceiling, paper"]
    return table_html("ε from below (measured, 95 % confidence) and from above (proven)", headings, body)


def audit_rows(audits: Sequence[Audit]) -> tuple[list[str], list[list[object]]]:
    """Returns headings and full-precision rows."""
    headings = list(Audit.__dataclass_fields__)
    return headings, [[getattr(audit, name) for name in headings] for audit in audits]


def _ceilings(audits: Sequence[Audit]) -> tuple[FloatArray, FloatArray]:
    """Both counts of ε by rising nominal budget, each (n,)."""
    counts = np.array(sorted({(audit.epsilon_rdp, audit.epsilon_tight) for audit in audits})).T
    return counts[0], counts[1]


def _nominal(audits: Sequence[Audit], finding: Finding) -> float:
    """Where the present budget stands on the nominal axis; between audited budgets by interpolation of both counts."""
    if finding.counted == "rdp":
        return finding.epsilon
    if is_same(finding.nearest.epsilon_tight, finding.epsilon):
        return finding.nearest.target_epsilon
    nominal, tight = _ceilings(audits)
    return float(np.exp(np.interp(np.log(finding.epsilon), np.log(tight), np.log(nominal))))


def _place(floor: float) -> float:
    return max(floor, _LEAST) if floor > 0 else _NOTHING


def _below_top(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The part of a rising curve below the chart's top, ending exactly there if it leaves the chart."""
    inside = y < _HIGHEST
    if inside.all():
        return x, y
    end = math.exp(float(np.interp(math.log(_HIGHEST), np.log(y), np.log(x))))
    return np.append(x[inside], end), np.append(y[inside], _HIGHEST)


def _gap(audits: Sequence[Audit], nominal: FloatArray, tight: FloatArray) -> Line:
    targets = sorted({audit.target_epsilon for audit in audits})
    floors = [_place(max(a.floor for a in audits if a.target_epsilon == target)) for target in targets]
    x, y = _below_top(nominal, tight)
    x, y = np.append(x, targets[-1]), np.append(y, y[-1])
    return Line(x=[*targets, *x[::-1]], y=[*floors, *y[::-1]], style="mb-gap")


def _floor_words(audit: Audit) -> str:
    return f"{audit.floor:.2f}" if audit.floor > 0 else "proves nothing"


def _readouts(audits: Sequence[Audit]) -> list[Readout]:
    made = []
    for target in sorted({audit.target_epsilon for audit in audits}):
        here = [audit for audit in audits if audit.target_epsilon == target]
        told = ", ".join(f"{_floor_words(a)} ({canary_words(a.canary)})" for a in here)
        words = f"{name_budget(target)}: floor {told}; ceiling {short(here[0].epsilon_tight)} tight"
        dots = [(_place(a.floor), STYLES.get(a.canary, "mb-lira")) for a in here]
        made.append(Readout(x=target, words=words, dots=dots))
    return made


def _plain(audits: Sequence[Audit], finding: Finding) -> str:
    return floor_summary(nearest_audits(audits, finding), finding).replace("**", "")
