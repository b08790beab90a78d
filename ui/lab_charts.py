"""The drawings of the live lab: how a training goes, where it lands on the curve, how large gradients are."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dpcore.jobs import TaskProgress
from dpcore.results.metrics import Metric, get_model_words_from_name
from ui.epsilon import LARGEST, SMALLEST, format_epsilon, name_budget
from ui.evidence import Counted, Evidence
from ui.risk_plot import Axis, Chart, Line, Mark, Readout, chart_of, legend_html, over_html

_POWERS = {3: "³", 6: "⁶", 9: "⁹", 12: "¹²", 15: "¹⁵"}
_BUDGETS = [(0.1, "0.1"), (1.0, "1"), (10.0, "10"), *((10.0**k, f"10{raised}") for k, raised in _POWERS.items())]
#: Room above the largest value.
_HEADROOM = 1.12


@dataclass(frozen=True, kw_only=True)
class Course:
    """One training as drawn: its colour, its name, how it went, and ε over its epochs where DP counts it."""

    style: str
    words: str
    progress: TaskProgress
    spent: Sequence[tuple[float, float]] = ()

    @property
    def losses(self) -> list[tuple[float, float]]:
        """(epoch, loss)."""
        p = self.progress
        return [(step * p.epochs / p.steps, loss) for step, loss in p.losses if p.steps and math.isfinite(loss)]

    @property
    def track(self) -> list[tuple[float, float]]:
        """(epoch, utility)."""
        return [(epoch, value) for epoch, value in self.progress.track if math.isfinite(value)]

    @property
    def epoch(self) -> float:
        """Where it stands."""
        return self.progress.step * self.progress.epochs / self.progress.steps if self.progress.steps else 0.0


@dataclass(frozen=True, kw_only=True)
class LivePoint:
    """A finished training on the curve: infinite ε without DP."""

    epsilon: float
    utility: float


def course_html(courses: Sequence[Course], metric: Metric) -> str:
    """Returns three small charts side by side: loss, utility, ε spent."""
    epochs = max((course.progress.epochs for course in courses), default=1) or 1
    x = Axis(low=0, high=epochs, ticks=_ticks(epochs), title="epoch")
    made = [
        _small("training loss", x, [(c.style, c.losses) for c in courses]),
        _small(f"{metric.short} on validation records", x, [(c.style, c.track) for c in courses]),
        _spent_chart(x, courses),
    ]
    legend = legend_html([(course.style, course.words) for course in courses])
    return f'<div class="lb-course">{"".join(made)}</div>{legend}'.replace("\n", " ")


def course_rows(courses: Sequence[Course]) -> tuple[list[str], list[list[object]]]:
    """Returns headings and rows of what the small charts show."""
    rows: list[list[object]] = []
    for course in courses:
        rows += [[course.words, "loss", epoch, value] for epoch, value in course.losses]
        rows += [[course.words, "utility", epoch, value] for epoch, value in course.track]
        rows += [[course.words, "epsilon", epoch, value] for epoch, value in course.spent]
    return ["training", "what", "epoch", "value"], rows


def curve_chart(
    evidence: Evidence,
    counted: Counted,
    *,
    points: Sequence[LivePoint],
    is_curve: bool,
) -> Chart:
    """Returns the precomputed utility over ε, with the live trainings on it."""
    metric = evidence.metric
    x = Axis(
        low=SMALLEST, high=LARGEST, ticks=_BUDGETS, title="privacy budget ε: stricter ← → looser", logarithmic=True
    )
    stored = [(p.epsilon(counted), p.utility_mean) for p in evidence.measured]
    private = sorted((p.epsilon, p.utility) for p in points if math.isfinite(p.epsilon))
    bare = [p.utility for p in points if math.isinf(p.epsilon)]
    values = [*(u for _, u in stored), *(u for _, u in private), *bare, evidence.no_dp.utility_mean]
    y = _axis(values, f"{metric.short}: {metric.meaning}")
    lines = [_level(evidence.no_dp.utility_mean, "rk-guess"), _line(stored, "rk-tight")]
    model = get_model_words_from_name(evidence.model)
    legend = [("rk-tight", f"precomputed: {model}, mean of {evidence.no_dp.seeds} trainings a budget")]
    legend.append(("rk-guess", "precomputed, without DP"))
    if bare:
        lines.append(_level(bare[0], "lb-bare"))
        legend.append(("lb-bare", f"live, without DP: {bare[0]:.2f}"))
    if private:
        lines.append(_line(private, "lb-live") if is_curve else Line(x=[], y=[], style="lb-live"))
        words = "live, as the trainings finish" if is_curve else f"live, this run: {private[0][1]:.2f}"
        legend.append(("lb-live", words))
    drawn = [line for line in lines if len(list(line.x))]  # type: ignore[arg-type]
    marks = [_mark(epsilon, value, alone=not is_curve) for epsilon, value in private]
    over = over_html(
        x=x, y=y, name="lb-read-curve", alt=_curve_alt(metric, private, bare), marks=marks, readouts=_readouts(stored)
    )
    return chart_of(x=x, y=y, lines=drawn, legend=legend, over=over)


def curve_rows(
    evidence: Evidence, counted: Counted, points: Sequence[LivePoint]
) -> tuple[list[str], list[list[object]]]:
    """Returns headings and rows of the curve."""
    rows: list[list[object]] = [
        ["precomputed", p.epsilon(counted), p.utility_mean, p.utility_sd] for p in evidence.points
    ]
    rows += [["live", p.epsilon, p.utility, ""] for p in points]
    return ["source", "epsilon", evidence.metric.name, "sd"], rows


def norms_chart(norms: Mapping[str, Any], max_grad_norm: float, *, above: float) -> Chart:
    """Returns how many records pull how strongly, with the percentiles and the clip norm."""
    counts, edges = list(norms["counts"]), list(norms["edges"])
    high = max(edges[-1], max_grad_norm) * 1.05
    x = Axis(low=0, high=high, ticks=_ticks(high), title="gradient norm of a record, before clipping")
    most = max(counts)
    y = Axis(low=0, high=most * _HEADROOM, ticks=_ticks(most), title="records")
    steps = [(edges[0], 0.0)]
    for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
        steps += [(left, float(count)), (right, float(count))]
    steps.append((edges[-1], 0.0))
    lines, legend = [_line(steps, "lb-bars")], [("lb-bars", f"{norms['records']} records")]
    for percent, style in ((80, "lb-p80"), (90, "lb-p90")):
        value = float(norms[f"percentile_{percent}"])
        lines.append(_line([(value, 0.0), (value, most * _HEADROOM)], style))
        legend.append((style, f"{percent} % of the records pull less than {value:.3g}"))
    alt = (
        f"Histogram of gradient norms: 80 % below {norms['percentile_80']:.3g}, 90 % below "
        f"{norms['percentile_90']:.3g}; the clip norm {max_grad_norm:.3g} shortens about {100 * above:.0f} %."
    )
    readouts = [
        Readout(
            x=(left + right) / 2,
            words=f"{count} records from {left:.3g} to {right:.3g}",
            dots=[(float(count), "lb-bars")],
        )
        for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True)
    ]
    cursor = (max_grad_norm, f"C = {max_grad_norm:.3g}")
    over = over_html(x=x, y=y, name="lb-read-norms", alt=alt, cursor=cursor, readouts=readouts)
    return chart_of(x=x, y=y, lines=lines, legend=legend, over=over)


def norms_rows(norms: Mapping[str, Any]) -> tuple[list[str], list[list[object]]]:
    """Returns headings and rows of the histogram."""
    bins = zip(norms["edges"][:-1], norms["edges"][1:], norms["counts"], strict=True)
    return ["from", "to", "records"], [[left, right, count] for left, right, count in bins]


def _small(title: str, x: Axis, lines: Sequence[tuple[str, Sequence[tuple[float, float]]]]) -> str:
    values = [value for _, points in lines for _, value in points]
    y = _axis(values or [0.0, 1.0], title)
    drawn = [_line(points, style) for style, points in lines if points]
    marks = [Mark(x=points[-1][0], y=points[-1][1], style=style) for style, points in lines if points]
    now = ", ".join(f"{points[-1][1]:.3g}" for _, points in lines if points) or "nothing yet"
    return _framed(title, x, y, drawn, over_html(x=x, y=y, name="", alt=f"{title} over epochs; now {now}", marks=marks))


def _spent_chart(x: Axis, courses: Sequence[Course]) -> str:
    title = "ε spent"
    private = [course for course in courses if course.spent]
    if not private:
        words = "Without DP nothing is counted: the budget is spent without limit."
        return f'<div class="lb-chart lb-empty"><div class="rk-title-y">{title}</div><p>{words}</p></div>'
    y = _axis([value for course in private for _, value in course.spent], title, words=format_epsilon)
    lines, marks = [], []
    for course in private:
        lines.append(_line(course.spent, f"{course.style} lb-planned"))
        so_far = [(epoch, value) for epoch, value in course.spent if epoch <= course.epoch + 1e-9]
        now = course.progress.epsilon
        if now is not None and math.isfinite(now):
            so_far = [*(p for p in so_far if p[0] < course.epoch), (course.epoch, now)]
            marks.append(Mark(x=course.epoch, y=now, style=course.style))
        lines.append(_line(so_far, course.style))
    said = "; ".join(
        f"{format_epsilon(float(f'{c.progress.epsilon:.3g}'))} of {format_epsilon(float(f'{c.spent[-1][1]:.3g}'))}"
        for c in private
        if c.progress.epsilon
    )
    return _framed(
        title, x, y, lines, over_html(x=x, y=y, name="", alt=f"ε spent over epochs: {said or 'none yet'}", marks=marks)
    )


def _framed(title: str, x: Axis, y: Axis, lines: Sequence[Line], over: str) -> str:
    chart = chart_of(x=x, y=y, lines=lines, legend=(), over=over)
    drawn = chart.drawn.replace('<ul class="rk-legend"></ul>', "")
    return (
        f'<div class="lb-chart" data-chart="{html.escape(title)}">{drawn}<div class="lb-over">{chart.over}</div></div>'
    )


def _axis(values: Sequence[float], title: str, words: Any = None) -> Axis:
    low, high = min(0.0, *values), max(values)
    high = high * _HEADROOM if high > 0 else 1.0
    low = low * _HEADROOM
    return Axis(low=low, high=high, ticks=_ticks(high, low=low, words=words), title=title)


def _ticks(high: float, *, low: float = 0.0, words: Any = None) -> list[tuple[float, str]]:
    """Three to six round numbers from low to high."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * k for k in (1, 2, 5, 10) if power * k >= rough)
    first = math.ceil(low / step - 1e-9)
    values = [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]
    return [(v, words(float(f"{v:.6g}")) if words and v > 0 else f"{v:.6g}") for v in values]


def _line(points: Sequence[tuple[float, float]], style: str) -> Line:
    return Line(x=[a for a, _ in points], y=[b for _, b in points], style=style)


def _level(value: float, style: str) -> Line:
    return Line(x=[SMALLEST, LARGEST], y=[value, value], style=style)


def _mark(epsilon: float, value: float, *, alone: bool) -> Mark:
    side = "left" if epsilon > 1e9 else "right"
    words = f"this run: {value:.2f}" if alone else ""
    return Mark(x=epsilon, y=value, style="lb-live rk-chosen" if alone else "lb-live", words=words, side=side)


def _readouts(stored: Sequence[tuple[float, float]]) -> list[Readout]:
    return [
        Readout(x=epsilon, words=f"{name_budget(epsilon)}: precomputed {value:.2f}", dots=[(value, "rk-tight")])
        for epsilon, value in stored
    ]


def _curve_alt(metric: Metric, private: Sequence[tuple[float, float]], bare: Sequence[float]) -> str:
    live = "; ".join(f"{value:.2f} at {name_budget(epsilon)}" for epsilon, value in private) or "none yet"
    without = f", {bare[0]:.2f} without DP" if bare else ""
    return f"{metric.short} over the privacy budget, precomputed, with the live trainings: {live}{without}."
