"""The numbers behind the chart, as a table to read and as CSV to keep."""

from __future__ import annotations

import csv
import html
import io
import math
from collections.abc import Mapping, Sequence

from dpcore.results.metrics import get_model_words_from_name
from ui.captions import COUNTED
from ui.epsilon import format_epsilon
from ui.evidence import Counted, Evidence, Point
from ui.numbers import format_bound, format_share, format_sigma

_BEHIND_SCORE = (
    "of no DP", "t-test p", "TOST p", "proven, holds it", "proven, does not",
    "rebuilt, one look", "rebuilt, all looks", "recognised, one look", "recognised, all looks",
)  # fmt: skip
_OF_POINT = (
    "target_epsilon", "epsilon_tight", "noise_multiplier", "sample_rate", "steps", "num_train", "delta", "seeds",
    "utility_mean", "utility_sd", "auc_mean", "dice_tumour_mean", "share_of_no_dp", "p_ttest", "p_tost", "tost_margin",
    "kappa", "worst_case", "relaxed",
)  # fmt: skip
_OF_ATTACK = ("looks", "records", "rebuilt", "candidates", "matched")
_INTERVALS = ("rebuilt_low", "rebuilt_high", "matched_low", "matched_high")
#: Parts of the manifest that say nothing to a reader.
_HIDDEN = {"files", "schema_version"}


def table_html(evidence: Evidence, counted: Counted) -> str:
    """Returns one row a measured budget, in words like those of the cards."""
    scores = [f"{evidence.metric.short} (mean ± sd)", *([evidence.metric.second[1]] if _has_tumour(evidence) else [])]
    headings = ("ε", "noise σ", *scores, *_BEHIND_SCORE)
    head = "".join(f'<th scope="col">{html.escape(heading)}</th>' for heading in headings)
    body = "".join(_row_html(point, evidence, counted) for point in evidence.points)
    words = f"{evidence.spec.title}, {get_model_words_from_name(evidence.model)}: ε counted {COUNTED[counted]}"
    caption = html.escape(words)
    table = f'<table class="pp-table"><caption>{caption}</caption><tr>{head}</tr>{body}</table>'
    name = html.escape(f"The chart as a table, {get_model_words_from_name(evidence.model)}")
    return f'<div class="pp-scroll" role="region" aria-label="{name}" tabindex="0">{table}</div>'


def facts_html(facts: Mapping[str, object]) -> str:
    """Returns how the results were made, a row a fact of the manifest."""
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name.replace("_", " "))}</th><td>{_fact(value)}</td></tr>'
        for name, value in facts.items()
        if name not in _HIDDEN
    )
    caption = "<caption>From the manifest of the results</caption>"
    table = f'<table class="pp-table pp-facts">{caption}{rows}</table>'
    return f'<div class="pp-scroll" role="region" aria-label="Manifest" tabindex="0">{table}</div>'


def table_csv(models: Sequence[Evidence]) -> str:
    """Returns one row a model, budget and number of looks, with full digits; columns as in `schema` where shared."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["dataset", "model", "metric", *_OF_POINT, *_OF_ATTACK, *_INTERVALS])
    for evidence, point in ((model, point) for model in models for point in model.points):
        whose = [evidence.spec.name, evidence.model, evidence.metric.name]
        shared = [*whose, *(getattr(point, name) for name in _OF_POINT)]
        for attack in point.attacks:
            counts = [getattr(attack, name) for name in _OF_ATTACK]
            writer.writerow([*shared, *counts, *attack.rebuilt_interval, *attack.matched_interval])
        if not point.attacks:
            writer.writerow([*shared, *[""] * (len(_OF_ATTACK) + len(_INTERVALS))])
    return out.getvalue()


def _has_tumour(evidence: Evidence) -> bool:
    return not math.isnan(evidence.no_dp.dice_tumour_mean)


def _row_html(point: Point, evidence: Evidence, counted: Counted) -> str:
    private = not math.isinf(point.target_epsilon)
    one, every = (point.attacks[0], point.attacks[-1]) if point.attacks else (None, None)
    missing = "not readable" if evidence.attacks_problem else "not measured"
    cells = [
        format_sigma(point.noise_multiplier),
        f"{point.utility_mean:.3f} ± {point.utility_sd:.3f}",
        *([f"{point.dice_tumour_mean:.3f}"] if _has_tumour(evidence) else []),
        format_share(round(point.share_of_no_dp, 3)),
        _p_value(point.p_ttest),
        _p_value(point.p_tost),
        _bound(point.worst_case) if private else "no limit",
        _bound(point.relaxed) if private else "no limit",
        *(f"{a.rebuilt} of {a.records}" if a else missing for a in (one, every)),
        *(f"{a.matched} of {a.records}" if a else missing for a in (one, every)),
    ]
    label = format_epsilon(point.epsilon(counted))
    return f'<tr><th scope="row">{label}</th>{"".join(f"<td>{html.escape(cell)}</td>" for cell in cells)}</tr>'


def _p_value(p: float) -> str:
    if math.isnan(p):
        return "–"
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


def _bound(probability: float) -> str:
    return "not available" if math.isnan(probability) else f"≤ {format_bound(probability)}"


def _fact(value: object) -> str:
    if isinstance(value, Mapping):
        return "<br>".join(f"{html.escape(str(name))}: {_fact(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_fact(inner) for inner in value)
    return html.escape(str(value))
