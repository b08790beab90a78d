"""The trade-off with live trainings on it: one run, or a curve that grows."""

from __future__ import annotations

import math

import streamlit as st

from dpcore.jobs import Job, RunSettings
from ui import lab_charts, lab_jobs, lab_text, loaders, risk_charts
from ui.chart_blocks import draw, table
from ui.epsilon import format_epsilon
from ui.lab_plan import prove
from ui.numbers import format_count, format_sigma
from ui.risk_text import of_thousand


def chart(job: Job) -> None:
    """Shows the precomputed curve with the finished trainings of a job; raises ResultsUnavailable."""
    settings = lab_text.main_settings(job)
    points = lab_jobs.live_points(job)
    if settings is None or not points:
        return
    evidence, counted = loaders.evidence(settings.dataset), settings.accountant
    drawn = lab_charts.curve_chart(evidence, counted, points=points, is_curve=job.kind == "curve")
    draw("lab_curve", drawn, f'class="lb-curve" data-points="{len(points)}"')
    headings, rows = lab_charts.curve_rows(evidence, counted, points)
    cells = [[_cell(value) for value in row] for row in rows]
    shown = "Utility over the privacy budget; measured", ["source", "ε", evidence.metric.short, "sd"], cells
    table(
        "live-curve",
        lambda: risk_charts.table_html(*shown),
        lambda: risk_charts.to_csv(headings, rows),
        page="lab",
    )


def curve(job: Job) -> None:
    """Shows a whole curve as far as it has come, and what attacks on each of its models got."""
    points = lab_jobs.live_points(job)
    st.html(
        f'<p class="rk-who lb-curve-state">{len(points)} of {len(job.tasks)} trainings finished. One training a '
        "budget: a point may lie high or low by chance.</p>"
    )
    chart(job)
    rows = attack_rows(job)
    if rows:
        headings = [
            "ε", "noise σ", "utility (measured)", "rebuilt, one look (measured)", "rebuilt, all looks (measured)",
            "participants found at 1 % false alarms (measured)", "recognised by who holds it (proven)",
            "rebuilt by who does not (proven)",
        ]  # fmt: skip
        with st.expander("Attacks on each of these models", icon=":material/security:"):
            st.html(risk_charts.table_html("Live trainings by rising budget", headings, rows))


def attack_rows(job: Job) -> list[list[str]]:
    """Returns one row a finished training, by rising ε: what its attacks got and what is proven of it."""
    found: list[tuple[float, list[str]]] = []
    for task in job.tasks:
        outcome, settings = lab_jobs.outcome(task), task.task
        if outcome is None or not isinstance(settings, RunSettings):
            continue
        epsilon = lab_text.outcome_epsilon(outcome, settings)
        attack, member = outcome.attack, outcome.membership
        private = not math.isinf(epsilon)
        cells = [
            format_epsilon(epsilon),
            format_sigma(outcome.noise_multiplier) if private else "none",
            f"{outcome.utility:.3f}",
            *(f"{look.rebuilt} of {attack.attacked}" for look in (attack.looks[0], attack.looks[-1])),
            f"{format_count(member.at_001[0])} of {format_count(member.members)}",
            *(limits(settings, outcome.num_train)),
        ]
        found.append((epsilon, cells))
    return [cells for _, cells in sorted(found, key=lambda pair: pair[0])]


def limits(settings: RunSettings, num_train: int) -> tuple[str, str]:
    """Returns the proven limits against who holds a record and who does not, as people of 1,000."""
    if not settings.is_private:
        return "no limit", "no limit"
    proof = prove(settings, num_train)
    holds, lacks = (
        "not available" if curve is None else of_thousand(float(curve.gamma(1 / num_train)))
        for curve in (proof.worst_case, proof.relaxed)
    )
    return holds, lacks


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "no DP" if math.isinf(value) else f"{value:.4g}"
    return str(value)
