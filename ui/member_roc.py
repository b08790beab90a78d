"""The curves of membership attacks under the proven limit: chart, table and CSV rows."""

from __future__ import annotations

import numpy as np

from ui.member_evidence import RATES, STRICT, USUAL, AttackResult, Exposure, FloatArray
from ui.numbers import format_bound, format_share
from ui.risk_charts import table_html
from ui.risk_plot import Axis, Chart, Line, Mark, Readout, chart_of, over_html

#: Style of each attack's curve, in member.css.
STYLES = {"LiRA": "mb-lira", "loss threshold": "mb-loss"}
GAP = "what proof allows and no attack here reached"
_LOWEST = 1e-4
_TABLE_RATES = (1e-4, STRICT, USUAL, 0.05, 0.1, 0.2, 0.5)


def roc_chart(exposure: Exposure, *, logarithmic: bool) -> Chart:
    """Returns both attacks' curves, chance, the proven limit, and the gap between them."""
    x, y = _axes(logarithmic)
    rates = RATES if logarithmic else np.concatenate([[0.0], RATES])
    limit = exposure.limit_curve if logarithmic else np.concatenate([[0.0], exposure.limit_curve])
    lines = [
        _gap(exposure, rates, limit),
        Line(x=rates, y=rates, style="rk-guess"),
        Line(x=rates, y=limit, style="rk-worst"),
    ]
    marks = []
    for tested in exposure.attacks:
        style = STYLES.get(tested.attack, "mb-lira")
        lines.append(Line(x=rates, y=tested.found_at(rates), style=style))
        for rate in (STRICT, USUAL):
            low, high = tested.found[rate].interval
            lines.append(Line(x=[rate, rate], y=[low, high], style=f"{style} mb-whisker"))
            marks.append(Mark(x=rate, y=tested.found[rate].value, style=style))
    items = [
        ("rk-worst", "proven: no attack is above this" if exposure.noise_multiplier else "no limit without DP"),
        *((STYLES.get(t.attack, "mb-lira"), f"measured: {t.attack}") for t in reversed(exposure.attacks)),
        ("rk-guess", "chance"),
        ("mb-gap", GAP),
    ]
    over = over_html(x=x, y=y, name="mb-read-roc", alt=_alt(exposure), marks=marks, readouts=_readouts(exposure))
    return chart_of(x=x, y=y, lines=lines, legend=items, over=over)


def roc_table(exposure: Exposure) -> str:
    """Returns the curves at round false-positive rates, with counts and intervals where attacks are judged."""
    names = [tested.attack for tested in exposure.attacks]
    body = [
        [
            f"{100 * rate:g} %",
            *(_cell(tested, rate) for tested in exposure.attacks),
            f"≤ {format_bound(_limit_at(exposure, rate))}",
        ]
        for rate in _TABLE_RATES
    ]
    counts = f"{exposure.attacks[0].members:,} scores of members, {exposure.attacks[0].non_members:,} of others"
    return table_html(
        f"Members found at each rate of false alarms: {counts}; 95 % intervals in brackets",
        ["false alarms", *(f"found, {name}" for name in names), "proven limit"],
        body,
    )


def roc_rows(exposure: Exposure) -> tuple[list[str], list[list[object]]]:
    """Returns headings and full-precision rows: the curves as measured, and the limit as drawn."""
    rows: list[list[object]] = []
    for tested in exposure.attacks:
        rows += [[tested.attack, float(x), float(y)] for x, y in zip(tested.fpr, tested.tpr, strict=True)]
    rows += [["proven limit", float(x), float(y)] for x, y in zip(RATES, exposure.limit_curve, strict=True)]
    return ["curve", "false_positive_rate", "true_positive_rate"], rows


def _axes(logarithmic: bool) -> tuple[Axis, Axis]:
    if logarithmic:
        ticks = [(10.0**k, f"{100 * 10.0**k:g} %") for k in range(-4, 1)]
    else:
        ticks = [(v / 100, f"{v} %") for v in (0, 25, 50, 75, 100)]
    low = _LOWEST if logarithmic else 0.0
    across, up = "strangers wrongly accused (false-positive rate)", "participants found (true-positive rate)"
    return (
        Axis(low=low, high=1.0, ticks=ticks, title=across, logarithmic=logarithmic),
        Axis(low=low, high=1.0, ticks=ticks, title=up, logarithmic=logarithmic),
    )


def _gap(exposure: Exposure, rates: FloatArray, limit: FloatArray) -> Line:
    """A closed shape between the best attack, or chance where that is better, and the limit."""
    best = np.maximum.reduce([rates, *(tested.found_at(rates) for tested in exposure.attacks)])
    return Line(
        x=np.concatenate([rates, rates[::-1]]),
        y=np.concatenate([np.maximum(limit, best), best[::-1]]),
        style="mb-gap",
    )


def _limit_at(exposure: Exposure, rate: float) -> float:
    if rate in exposure.limit:
        return exposure.limit[rate]
    return float(np.interp(rate, RATES, exposure.limit_curve))


def _share_at(tested: AttackResult, rate: float) -> float:
    return tested.found[rate].value if rate in tested.found else float(tested.found_at(rate))


def _cell(tested: AttackResult, rate: float) -> str:
    if rate not in tested.found:
        return format_share(_share_at(tested, rate))
    share = tested.found[rate]
    low, high = share.interval
    return f"{format_share(share.value)} ({format_share(low)} to {format_share(high)})"


def _readouts(exposure: Exposure) -> list[Readout]:
    made = []
    for rate in _TABLE_RATES:
        limit = _limit_at(exposure, rate)
        found = [
            (t.attack, t.found[rate].value if rate in t.found else float(t.found_at(rate))) for t in exposure.attacks
        ]
        told = ", ".join(f"{name} {format_share(value)}" for name, value in found)
        words = f"{100 * rate:g} % false alarms: {told} found; proven limit {format_bound(limit)}"
        dots = [(limit, "rk-worst"), *((value, STYLES.get(name, "mb-lira")) for name, value in found)]
        made.append(Readout(x=rate, words=words, dots=dots))
    return made


def _alt(exposure: Exposure) -> str:
    best = exposure.best(USUAL)
    proven = f"the proven limit is {format_bound(exposure.limit[USUAL])}" if exposure.noise_multiplier else "no limit"
    return (
        "Curves of measured membership attacks between the diagonal of chance and the proven limit. "
        f"At 1 % false alarms {best.attack} finds {format_share(best.found[USUAL].value)} of participants; "
        f"{proven}. All values are in the table below."
    )
