"""What a visitor knows before a training starts: limits, cost, queue, advice."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from dpcore.errors import DpcoreError
from dpcore.jobs import curve_tasks, run_tasks
from ui import lab_loaders, lab_text
from ui.blocks import stress
from ui.epsilon import format_epsilon
from ui.lab_plan import Plan, watts_per_core
from ui.numbers import at_most
from ui.risk_text import format_risk
from ui.text import HOPELESS
from ui.text import noun as noun_of

if TYPE_CHECKING:
    from dpcore.privacy import TradeOff
    from dpcore.settings.advice import Advice

_NO_COPY = "nothing can be trained without your copy of the data"
_UNTIMED = "unknown until this machine has been timed, a few seconds"


def before(plan: Plan) -> None:
    """Shows noise, proven limits and cost of the training that would start."""
    words = lab_text.noise_sentence(plan.settings, plan.proof, plan.num_train)
    st.html(
        f'<p class="pp-summary lb-plan" {_at(plan)} role="status">{stress(words)}</p>'
        f'<p class="rk-faint">{stress(_comparable(plan))}</p>'
        f'<div class="pp-cards lb-before" {_at(plan)}>{"".join(_cards(plan))}</div>'
    )


def advice(plan: Plan) -> None:
    """Shows what is known to help: warnings at once, notes on request."""
    model = plan.facts.models.get(plan.settings.training.model) if plan.facts else None
    if plan.facts is None or model is None:
        return
    said, problem = lab_loaders.advice(plan.settings, plan.num_train, model.num_parameters, plan.facts.prevalence)
    warnings = [a for a in said if a.severity == "warning"]
    notes = [a for a in said if a.severity == "note"]
    if problem:
        st.html(f'<p class="rk-faint lb-advice" {_at(plan)}>No advice could be computed: {html.escape(problem)}</p>')
    elif warnings:
        st.html(f'<ul class="lb-warnings lb-advice" {_at(plan)}>{_points(warnings)}</ul>')
    else:
        st.html(f'<p class="rk-faint lb-advice" {_at(plan)}>None of the known warnings applies to these settings.</p>')
    if notes:
        with st.expander("What usually helps, in numbers", icon=":material/lightbulb:"):
            st.html(f'<ul class="pp-person">{_points(notes)}</ul>')


def _points(said: Sequence[Advice]) -> str:
    return "".join(f"<li>{stress(a.text)}</li>" for a in said)


def _comparable(plan: Plan) -> str:
    if plan.is_comparable:
        return (
            "These are the settings of the precomputed curve: your run will be **comparable** with it, and may land "
            "beside it by chance."
        )
    return (
        "These settings differ from those of the precomputed curve: a distance between your run and the curve is "
        "**not the cost of privacy alone**. The training without DP beside it has your settings."
    )


def _cards(plan: Plan) -> list[str]:
    proof, noun = plan.proof, noun_of(plan.finding.evidence)
    kappa = 1 / plan.num_train
    members = "participants found, if 1 stranger in 100 may be accused"
    tpr = math.nan if proof.worst_case is None else proof.worst_case.tpr_at_fpr(0.01)
    no_dp = not plan.settings.is_private
    made = [
        _limit(
            f"Attacker who holds the {noun}", _gamma(proof.worst_case, kappa), "must only recognise it", no_dp=no_dp
        ),
        _limit("Attacker who does not", _gamma(proof.relaxed, kappa), "must rebuild it", no_dp=no_dp),
    ]
    value, tag = (f"at most {format_risk(tpr)}", "proven") if tpr == tpr else ("not available", "unavailable")
    if no_dp:
        value = "no limit"
    made.append(card("Who took part?", tag, value, [members]))
    made.append(_cost(plan))
    return made


def _gamma(curve: TradeOff | None, kappa: float) -> float:
    return math.nan if curve is None else float(curve.gamma(kappa))


def _limit(title: str, gamma: float, task: str, *, no_dp: bool) -> str:
    if no_dp:
        return card(title, "proven", "no limit", [f"{task}; nothing is promised"])
    if math.isnan(gamma):
        return card(title, "unavailable", "not available", ["Treat it as unprotected."])
    if gamma >= HOPELESS:
        return card(title, "proven", "practically all", [f"{task}; nothing is promised"])
    return card(title, "proven", at_most(gamma), [f"patients; {task}"])


def _cost(plan: Plan) -> str:
    run, curve = plan.seconds(run_tasks(plan.settings)), plan.seconds(curve_tasks(plan.settings))
    queue = _queue()
    if run is None or curve is None:
        why = _NO_COPY if lab_loaders.data_missing(plan.settings.dataset) else _UNTIMED
        return card("Time and energy", "estimated", "unknown yet", [why, queue])
    watts = watts_per_core()
    lines = [
        f"{lab_text.energy(run, watts)} at {watts:g} W a core, with the training without DP beside it",
        f"whole curve: about {lab_text.duration(curve)} of one core, {lab_text.energy(curve, watts)}",
        queue,
    ]
    return card("Time and energy", "estimated", f"about {lab_text.duration(run)}", lines)


def _queue() -> str:
    """What one would wait for."""
    try:
        found = lab_loaders.laboratory()
        running, waiting = lab_loaders.store().traffic()
    except DpcoreError:
        return ""
    if found is None or not found.alive:
        return "The laboratory is starting."
    if found.problem:
        return found.problem
    if found.workers == 0:
        return "Its workers are starting."
    if waiting or running >= found.workers:
        queue = {0: "nothing waits", 1: "1 task waits"}.get(waiting, f"{waiting} tasks wait")
        return f"All workers are busy; {queue}."
    return "A worker is free."


def card(title: str, tag: str, value: str, lines: Sequence[str], extra: str = "") -> str:
    """Returns one number as a card; lines may stress words with double stars, `extra` is HTML."""
    body = "".join(f"<p>{stress(line)}</p>" for line in lines if line)
    return (
        f'<section class="pp-card pp-card-{tag}"><h3>{html.escape(title)}</h3>'
        f'<span class="pp-tag pp-tag-{tag}">{tag}</span><p class="pp-value">{stress(value)}</p>{body}{extra}</section>'
    )


def _at(plan: Plan) -> str:
    """What the browser test waits for: which budget a block shows."""
    return f'data-epsilon="{format_epsilon(plan.finding.epsilon)}"'
