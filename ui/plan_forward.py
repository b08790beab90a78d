"""Forwards: what a plan costs and protects, as cards."""

from __future__ import annotations

import html
import math

import streamlit as st

from dpcore import datasets
from dpcore.planner import LevelRisks, NoBasis, PlanAnswer
from dpcore.planner.rows import describe_seconds
from dpcore.results.metrics import get_metric_from_name, get_model_words_from_name
from ui import lab_text
from ui.blocks import stress
from ui.epsilon import format_epsilon
from ui.lab_before import card
from ui.numbers import format_count, format_share, format_sigma
from ui.plan_controls import Planned
from ui.plan_setting import FIELDS
from ui.risk_plot import icons_html
from ui.risk_text import ICONS, format_risk, icons_filled, of_thousand, one_in
from ui.text import HOPELESS

_NO_DP = "Without DP **nothing is proven** about anyone. Choose a budget above, or type a noise σ, to plan with."


def forwards(planned: Planned) -> None:
    """Shows the answer in a paragraph, both levels of risk, utility, effort, the real attack, and warnings."""
    if planned.answer is None:
        words = f"**This plan could not be computed.** {planned.problem}" if planned.problem else _NO_DP
        st.html(f'<p class="pp-summary" {at(planned)} role="status">{stress(words)}</p><div class="pp-cards"></div>')
        return
    found = planned.answer
    cards = [_utility(found), _effort(found), _attack(found)]
    warnings = "".join(f"<li>{stress(warning)}</li>" for warning in _warnings(planned, found))
    st.html(
        f'<p class="pp-summary" {at(planned)} role="status">{stress(summary(planned, found))}</p>'
        f'<p class="rk-faint">{html.escape(training_words(found))}</p>'
        + (f'<ul class="lb-warnings">{warnings}</ul>' if warnings else "")
        + f'<div class="pp-cards pl-levels" {at(planned)}>{_level(found.record)}{_level(found.patient)}</div>'
        f'<div class="pp-cards pl-rest" {at(planned)}>{"".join(cards)}</div>'
    )
    _people(planned, found)


def summary(planned: Planned, found: PlanAnswer) -> str:
    """Returns the answer in one paragraph; **double stars** mark what to stress."""
    noun = planned.finding.evidence.spec.record_noun
    epsilon = _epsilon(planned.epsilon)
    sigma = format_sigma(found.mechanism.noise_multiplier)
    record = f"an attacker who holds the {noun} and must only recognise it succeeds with {_chance(found.record)}"
    if found.patient.records > 1:
        many = f"all {found.patient.records:,} {noun}s of a patient"
        record += f", one who holds {many} with {_chance(found.patient)}"
    if isinstance(found.utility, NoBasis):
        useful = "For its utility there is **no basis**"
    else:
        useful = f"It would keep **about {format_share(round(found.utility.share, 2))}** of the utility without DP"
    return f"{epsilon} with noise σ = {sigma} buys this: {record}. {useful}."


def training_words(found: PlanAnswer) -> str:
    """Returns the training in one line."""
    plan = found.plan
    rate = f"{100 * plan.sample_rate:.3g} %"
    single = plan.num_patients is None and plan.images_per_patient == 1
    whose = "counted as one for each patient" if single else f"of {format_count(plan.patients)} patients"
    return (
        f"{format_count(plan.num_train)} records {whose}, batch {format_count(plan.expected_batch_size)}, "
        f"{plan.epochs or plan.passes:,.4g} epochs → {format_count(plan.num_steps)} steps, q = {rate}, "
        f"δ = {FIELDS['delta'].show(plan.delta)}."
    )


def at(planned: Planned) -> str:
    """What the browser test waits for: which plan a block shows."""
    shown = f"{format_epsilon(planned.finding.epsilon)} {planned.setting.num_train} {planned.setting.num_steps}"
    return f'data-epsilon="{format_epsilon(planned.finding.epsilon)}" data-plan="{shown}"'


def _warnings(planned: Planned, found: PlanAnswer) -> list[str]:
    warnings = list(found.warnings)
    given = planned.view.overrides
    if "patients" in given and "images" not in given:
        warnings.append(
            f"Counted with at most {found.plan.images_per_patient:,} records of one patient, the mean rounded up. "
            "If one patient has more, type that number: the promise to this patient is weaker."
        )
    return warnings


def _epsilon(epsilon: float) -> str:
    return "No finite ε" if math.isinf(epsilon) else f"ε = {format_epsilon(float(f'{epsilon:.4g}'))}"


def _chance(level: LevelRisks) -> str:
    hopeless = level.worst_case >= HOPELESS
    return "**practical certainty**" if hopeless else f"a chance of **at most {one_in(level.worst_case)}**"


def _level(level: LevelRisks) -> str:
    """One card: proven risks of a record or a patient."""
    title = "One record"
    if level.level == "patient":
        title = "One patient" if level.records == 1 else f"One patient with {level.records:,} records"
    hopeless = level.worst_case >= HOPELESS
    value = "practically all" if hopeless else f"at most {one_in(level.worst_case)}"
    lines = [f"recognised by an attacker who holds it; by guessing {one_in(level.kappa)}"]
    relaxed = "not known" if level.relaxed is None else format_risk(level.relaxed)
    rows = (
        ("recognised, attacker holds it", format_risk(level.worst_case)),
        ("rebuilt, attacker does not", relaxed),
        ("membership advantage", format_risk(level.advantage)),
        ("found at 1 % false alarms", format_risk(level.tpr_at_fpr_0_01)),
        ("found at 0.1 % false alarms", format_risk(level.tpr_at_fpr_0_001)),
        ("right guesses, even odds", format_risk(level.best_guess_accuracy)),
        ("ε as in the paper", _bare(level.epsilon_rdp)),
        ("ε counted tightly", _bare(level.epsilon_tight)),
    )
    body = "".join(f'<tr><th scope="row">{name}</th><td>{html.escape(shown)}</td></tr>' for name, shown in rows)
    return card(title, "proven", value, lines, extra=f"<table>{body}</table>")


def _bare(epsilon: float) -> str:
    return "no bound" if math.isinf(epsilon) else format_epsilon(float(f"{epsilon:.4g}"))


def _utility(found: PlanAnswer) -> str:
    utility = found.utility
    if isinstance(utility, NoBasis):
        return card("Expected utility", "unavailable", "no basis", [utility.reason])
    high = "more than 100 %" if utility.high > 1 else format_share(round(utility.high, 3))
    lines = [
        f"of the utility without DP; {format_share(round(utility.low, 3))} to {high} for one new training",
        f"± {format_share(round(utility.spread, 3))} from seeds of the sweep on {_title(utility.dataset)}",
        *([_transfer_words(utility.transfer)] if utility.transfer else []),
        f"about {utility.utility:.2f} {get_metric_from_name(utility.metric).short}, "
        f"{get_model_words_from_name(utility.model)}",
    ]
    return card("Expected utility", "estimated", f"about {format_share(round(utility.share, 2))}", lines)


def _transfer_words(transfer: float) -> str:
    return f"± {format_share(round(transfer, 3))} because N, batch or epochs differ from it"


def _title(dataset: str) -> str:
    return datasets.spec(dataset).title


def _effort(found: PlanAnswer) -> str:
    effort = found.effort
    if isinstance(effort, NoBasis):
        return card("Time and energy", "unavailable", "no basis", [effort.reason])
    whose = {
        "here": "at the speed this machine was timed with",
        "shipped": "at the speed of the machine that made the results; open the Live lab once to time this one",
    }[effort.speed_of]
    lines = [f"one core, {whose}", f"{lab_text.energy(effort.seconds, effort.watts)} at {effort.watts:g} W"]
    return card("Time and energy", "estimated", f"about {describe_seconds(effort.seconds)}", lines)


def _attack(found: PlanAnswer) -> str:
    attack = found.realistic
    if isinstance(attack, NoBasis):
        return card("Real attack", "unavailable", "no basis", [attack.reason])
    low, high = attack.rebuilt.interval
    looks = "one look" if attack.looks == 1 else f"{attack.looks:,} looks"
    lines = [
        f"of pictures or records rebuilt after {looks} (95 %: {format_share(low)} to {format_share(high)})",
        f"{format_share(attack.matched.value)} recognised among {attack.candidates} candidates",
        f"on {attack.rebuilt.trials} records of {_title(attack.dataset)} at no more noise than yours; no guarantee",
    ]
    return card("Real attack", "measured", format_share(attack.rebuilt.value), lines)


def _people(planned: Planned, found: PlanAnswer) -> None:
    """The worst case for a patient as people of 1,000."""
    gamma, kappa = found.patient.worst_case, found.patient.kappa
    filled = icons_filled(gamma)
    guess = f"By guessing: {one_in(kappa)}."
    records = "the record" if found.patient.records == 1 else f"all {found.patient.records:,} records"
    words = (
        f"Of **1,000 patients** whose attacker holds {records} and must only recognise which is theirs, "
        f"**{of_thousand(gamma)}** are found out. {guess}"
    )
    alt = f"{ICONS} dots for as many patients, {filled} of them filled: {of_thousand(gamma)}."
    icons = icons_html(filled=filled, total=ICONS, ring=filled == 0, alt=alt)
    st.html(
        f'<figure class="rk-people" {at(planned)}>{icons}<figcaption><div class="rk-big">{stress(words)}</div>'
        '<div class="rk-faint">Proven limit, against every attacker of this kind.</div></figcaption></figure>'
    )
