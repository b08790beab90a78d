"""What a ledger comes to, in words and as a table. No Streamlit here."""

from __future__ import annotations

import math

from dpcore.planner import AnyRelease, LaplaceRelease, LedgerAnswer, TrainingRelease
from ui.blocks import stress
from ui.captions import COUNTED
from ui.epsilon import format_epsilon


def totals_html(found: LedgerAnswer) -> str:
    """Returns totals, what each planned release adds, the years, and what a refresh does."""
    several = found.ledger.images_per_patient > 1
    rows = [("Released so far", [found.spent, found.spent_of_patient])]
    if found.planned:
        rows.append(("With all that is planned", [found.with_planned, found.with_planned_of_patient]))
    body = "".join(
        f'<tr><th scope="row">{name}</th>'
        + "".join(f"<td>{_epsilon(v)}</td>" for t in totals[: 1 + several] for v in (t.epsilon_rdp, t.epsilon_tight))
        + "</tr>"
        for name, totals in rows
    )
    levels = ("a record", f"a patient with {found.ledger.images_per_patient:,}") if several else ("a patient",)
    head = "".join(f'<th scope="col">ε of {level}, {how}</th>' for level in levels for how in COUNTED.values())
    points = [_left(found)]
    for a in found.planned:
        adds = f"{_epsilon(a.adds.epsilon_rdp)} as in the paper, {_epsilon(a.adds.epsilon_tight)} tightly"
        points.append(f"**{a.release.label}** would add ε = {adds}; then {_left_words(a.left)}.")
    points.append(found.refresh)
    said = "".join(f"<li>{stress(point)}</li>" for point in points)
    return (
        '<div class="pp-scroll pl-totals" role="region" aria-label="Budget of the ledger" tabindex="0">'
        f'<table class="pp-table"><tr><td></td>{head}</tr>{body}</table></div>'
        f'<div role="status"><ul class="pp-person">{said}</ul></div>'
    )


def _left(found: LedgerAnswer) -> str:
    of = format_epsilon(found.ledger.budget_epsilon)
    how = COUNTED[found.ledger.accountant]
    return f"Of the budget ε = {of}, counted {how}, **{_left_words(found.left)}**."


def _left_words(left: float) -> str:
    if math.isinf(left):
        return "nothing is left: no bound is found"
    return f"ε = {left:.4g} is left" if left >= 0 else f"it is overspent by ε = {-left:.4g}"


def _epsilon(value: float) -> str:
    return "no bound" if math.isinf(value) else f"{value:.4g}"


def describe(release: AnyRelease) -> str:
    """Returns a release's numbers in words."""
    if isinstance(release, TrainingRelease):
        return f"training, σ = {release.noise_multiplier:.4g}, q = {release.sample_rate:.3g}, {release.steps:,} steps"
    if isinstance(release, LaplaceRelease):
        return f"Laplace query, ε = {release.epsilon:.4g}, {release.times:,} times"
    return f"Gaussian query, σ = {release.noise_multiplier:.4g}, {release.times:,} times"
