"""The range of ε that limits allow, drawn as a band: one bar a limit, the range of all shaded. No Streamlit."""

from __future__ import annotations

import html
import math

from dpcore.planner import Allowed, Feasible, Infeasible
from ui.blocks import stress
from ui.epsilon import format_epsilon
from ui.risk_plot import Axis

_LOWEST, _HIGHEST = 0.01, 1e15
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def band_html(outcome: Feasible | Infeasible, *, epsilon: float, attributes: str = "") -> str:
    """Returns the drawing; `epsilon` is the present plan's, infinite or NaN for none."""
    axis = _axis(outcome, epsilon)
    known = {(a.limit.kind, a.limit.level): a for a in outcome.allowed}
    rows = []
    for limit in outcome.limits:
        allowed = known.get((limit.kind, limit.level))
        bar = _bar(allowed, axis) if allowed else ""
        words = _range_words(allowed) if allowed else "not possible"
        rows.append(
            f'<div class="pl-row"><span class="pl-name">{html.escape(limit.text)} '
            f'<b>{stress(words)}</b></span><div class="pl-track">{bar}</div></div>'
        )
    ticks = "".join(f'<span class="rk-tick-x" style="left:{axis.place(v):.2f}%">{t}</span>' for v, t in axis.ticks)
    shade = ""
    if isinstance(outcome, Feasible):
        left, width = _span(outcome.epsilon_low, outcome.epsilon_high, axis)
        shade = f'<i class="pl-shade" style="left:{left:.2f}%;width:{width:.2f}%"></i>'
    cursor = ""
    if math.isfinite(epsilon):
        at = axis.place(epsilon)
        side = "right" if at < 12 else "left" if at > 88 else "middle"
        cursor = (
            f'<div class="rk-cursor rk-{side}" style="left:{at:.2f}%"><span class="rk-cursor-name">this plan: ε = '
            f"{format_epsilon(float(f'{epsilon:.4g}'))}</span></div>"
        )
    return (
        f'<div class="pl-band" role="img" aria-label="{html.escape(band_alt(outcome, epsilon))}" {attributes}>'
        f'<div class="pl-plot">{shade}{"".join(rows)}{cursor}{ticks}</div>'
        f'<div class="rk-title-x">{axis.title}</div></div>'
    )


def band_alt(outcome: Feasible | Infeasible, epsilon: float) -> str:
    """Returns the drawing in words."""
    parts = [f"{a.limit.text}: {_range_words(a)}" for a in outcome.allowed]
    missing = len(outcome.limits) - len(outcome.allowed)
    if missing:
        parts.append(f"{missing} cannot be kept at any ε")
    if isinstance(outcome, Feasible):
        parts.append(f"all together: {_words(outcome.epsilon_low, outcome.epsilon_high)}")
    else:
        parts.append("no ε keeps all")
    if math.isfinite(epsilon):
        parts.append(f"this plan has ε = {epsilon:.4g}")
    return f"Allowed ranges of ε. {'; '.join(parts)}."


def band_rows(outcome: Feasible | Infeasible) -> tuple[list[str], list[list[object]]]:
    """Returns headings and rows of the drawing, for a table and CSV."""
    headings = ["limit", "epsilon_from", "epsilon_to", "sigma_from", "sigma_to"]
    rows: list[list[object]] = [
        [a.limit.text, a.epsilon_low, a.epsilon_high, a.noise_low, a.noise_high] for a in outcome.allowed
    ]
    if isinstance(outcome, Feasible):
        all_of = [outcome.epsilon_low, outcome.epsilon_high, outcome.noise_low, outcome.noise_high]
        rows.append(["all limits", *all_of])
    return headings, rows


def _axis(outcome: Feasible | Infeasible, epsilon: float) -> Axis:
    # Utility is kept up to budgets that nobody plans with: that end may lie beyond the axis.
    ends = [e for a in outcome.allowed for e in (a.epsilon_low, a.epsilon_high if a.limit.kind != "utility" else 0.0)]
    finite = [e for e in (*ends, epsilon) if math.isfinite(e) and e > 0]
    high = math.ceil(math.log10(min(max([100.0, *finite]) * 1.5, _HIGHEST)))
    low = math.floor(math.log10(max(min([0.1, *(e / 2 for e in finite)]), _LOWEST)))
    step = max(1, round((high - low) / 7))
    ticks = [(10.0**k, _power(k)) for k in range(low, high + 1, step)]
    title = "privacy budget ε: stricter ← → looser"
    return Axis(low=10.0**low, high=10.0**high, ticks=ticks, title=title, logarithmic=True)


def _power(k: int) -> str:
    return f"{10.0**k:g}" if k < 4 else f"10{str(k).translate(_SUPERSCRIPT)}"


def _span(low: float, high: float, axis: Axis) -> tuple[float, float]:
    left, right = axis.place(low), axis.place(high)
    return left, max(right - left, 0.6)


def _bar(allowed: Allowed, axis: Axis) -> str:
    left, width = _span(allowed.epsilon_low, allowed.epsilon_high, axis)
    style = "pl-useful" if allowed.limit.kind == "utility" else "pl-risk"
    return f'<i class="{style}" style="left:{left:.2f}%;width:{width:.2f}%"></i>'


def _range_words(allowed: Allowed) -> str:
    return _words(allowed.epsilon_low, allowed.epsilon_high)


def _words(low: float, high: float) -> str:
    top = "any" if math.isinf(high) else f"up to {_number(high)}"
    return f"ε {top}" if low == 0 else f"ε from {_number(low)} to {_number(high)}"


def _number(epsilon: float) -> str:
    return "any" if math.isinf(epsilon) else format_epsilon(float(f"{epsilon:.4g}"))
