"""The blocks of the page of risk bounds."""

from __future__ import annotations

import html
import math
from pathlib import Path

import streamlit as st

from dpcore.errors import DpcoreError
from ui import glossary, risk_charts, risk_controls, risk_loaders, risk_text
from ui.blocks import missing, stress
from ui.captions import attack_words
from ui.chart_blocks import download, draw, table
from ui.epsilon import format_epsilon, name_budget
from ui.folded import folded
from ui.numbers import format_sigma
from ui.risk_controls import Risk
from ui.risk_plot import icons_html
from ui.risk_proof import Recounted
from ui.risk_setting import FIELDS
from ui.text import HOPELESS

_STYLE = Path(__file__).with_name("risks.css")


def style() -> None:
    """Brings the style sheet of the two pages."""
    st.html(_STYLE)


def answer(risk: Risk) -> None:
    """Shows the page's answer in one paragraph."""
    words = risk_text.summary(risk.finding, risk.proof, risk.setting)
    training = html.escape(risk_controls.training_words(risk.setting))
    said = glossary.explain(training, poisson="(q)")
    st.html(
        f'<p class="pp-summary" {_at(risk)} role="status">{stress(words)}</p><p class="rk-faint pp-said">{said}</p>'
    )


def attacker(risk: Risk) -> None:
    """Shows who attacks: what was chosen, and all limits side by side with that one marked."""
    risk_controls.attacker_facts(risk)
    beforehand = bool(st.session_state.get("risk_beforehand"))
    words = risk_text.attacker_sentence(risk.view.attacker, risk.finding.evidence, beforehand=beforehand)
    note = "" if risk.finding.is_no_dp else risk_text.persistence_sentence(risk.proof, risk.setting)
    cards = "".join(_card(risk, who) for who in risk_text.NAMES)
    st.html(
        f'<p class="rk-who">{stress(words)}</p><div class="pp-cards rk-cards" {_at(risk)}>{cards}</div>'
        f'<p class="pp-note pp-wide rk-faint">{stress(note)}</p>'
    )


def bounds(risk: Risk) -> None:
    """Shows the proven limits over ε, with their table."""
    try:
        shown = _bounds(risk)
    except DpcoreError as error:
        st.error(f"The curves could not be computed, so nothing is promised. {error}")
        return
    finding = risk.finding
    if problem := finding.evidence.bounds_problem:
        st.html(missing(f"{problem} The limits below are computed now."))
    chart = risk_charts.bounds_chart(finding, shown, risk.proof, kappa=risk.setting.kappa, attacker=risk.view.attacker)
    draw("bounds", chart, f'class="rk-bounds" {_at(risk)}')
    table(
        "bounds",
        lambda: risk_charts.bounds_table(shown, finding.counted),
        lambda: risk_charts.to_csv(*risk_charts.bounds_rows(shown)),
        page="risk",
    )


def frequencies(risk: Risk) -> None:
    """Shows the limit as people of 1,000, and a question on how to read it."""
    gamma = risk_text.bound_of(risk.proof, risk.view.attacker, risk.setting.kappa)
    if math.isnan(gamma):
        st.error("There is no limit to show here. Treat it as unprotected.")
        return
    noun = risk.finding.evidence.spec.record_noun
    words = risk_text.icon_words(gamma, risk.setting.kappa, noun)
    filled = risk_text.icons_filled(gamma)
    who = risk_text.NAMES[risk.view.attacker]
    real = " (the proven limit, not what a real attack got)" if risk.view.attacker == "real" else ""
    alt = f"{risk_text.ICONS} dots for as many patients, {filled} of them filled: {risk_text.of_thousand(gamma)}."
    icons = icons_html(filled=filled, total=risk_text.ICONS, ring=filled == 0, alt=alt)
    budget = "Without DP" if risk.finding.is_no_dp else f"At {name_budget(risk.finding.epsilon)}"
    st.html(
        f'<figure class="rk-people" {_at(risk)}>{icons}<figcaption><div class="rk-big">{stress(words)}</div>'
        f'<div class="rk-faint">Attacker: {html.escape(who)}{real}. {budget}.</div>'
        "</figcaption></figure>"
    )
    _reading_check(gamma)


def membership(risk: Risk) -> None:
    """Shows the trade-off curve and the numbers read off it."""
    who = "worst" if risk.view.attacker == "worst" else "relaxed"
    curve = risk_text.curve_of(risk.proof, who)
    if curve is None:
        st.error("The trade-off curve could not be computed, so nothing is promised.")
        return
    logarithmic = st.session_state.get("risk_roc_axes") == "logarithmic"
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}<span>{html.escape(meaning)}</span></th>'
        f"<td>{html.escape(value)}</td></tr>"
        for name, value, meaning in risk_text.membership_rows(curve)
    )
    chart = risk_charts.roc_chart(risk.proof, attacker=risk.view.attacker, logarithmic=logarithmic)
    caption = f"Proven limits, attacker {html.escape(risk_text.NAMES[who])}"
    with st.container(key="rk_two_membership"):
        draw("membership", chart, f'class="rk-membership" {_at(risk)}')
        st.html(f'<table class="rk-facts"><caption>{caption}</caption>{rows}</table>')
    st.segmented_control("Axes", ["plain", "logarithmic"], default="plain", required=True, key="risk_roc_axes")
    table(
        "membership",
        lambda: risk_charts.roc_table(risk.proof),
        lambda: risk_charts.to_csv(*risk_charts.roc_rows(risk.proof)),
        page="risk",
    )


def odds(risk: Risk) -> None:
    """Shows what ε does to a belief: it multiplies odds."""
    risk_controls.prior_slider(risk)
    prior, epsilon = risk.view.prior / 100, risk.finding.epsilon
    curve = risk.proof.worst_case if not risk.finding.is_no_dp else None
    rows = "".join(
        f'<tr><th scope="row">{stress(name)}</th><td>{stress(value)}</td></tr>'
        for name, value in risk_text.odds_rows(prior, epsilon, curve)
    )
    note = (
        f"{risk_text.naive_sentence(prior, epsilon)} The factor holds but for an event of probability about "
        f"δ = {FIELDS['delta'].show(risk.setting.delta)}; it is a ceiling, and the exact curve lies below it."
    )
    st.html(f'<table class="rk-facts rk-odds" {_at(risk)}>{rows}</table><p class="rk-faint">{stress(note)}</p>')


def accountants(risk: Risk) -> None:
    """Shows both counts of the present noise, and of the nominal budgets."""
    proof, setting = risk.proof, risk.setting
    try:
        rows = _recounted(risk)
    except DpcoreError as error:
        st.error(f"The budgets could not be counted. {error}")
        return
    here = ""
    if not risk.finding.is_no_dp and not proof.problem:
        here = (
            f"At σ = {format_sigma(proof.noise_multiplier)}: **ε = {_short(proof.epsilon_rdp)} as in the paper, "
            f"ε = {_short(proof.epsilon_tight)} counted tightly.** "
        )
    steps = f"1.1·T/(2σ²) with T = {setting.steps:,}"
    why = (
        f"{here}Both are correct upper limits for the same noise; neither changes what an attacker can do. The paper "
        f"counts with Rényi DP, whose smallest order is 1.1: at large budgets it charges {steps}, as if every step had "
        "used your record. The tight count knows that most steps did not."
    )
    paper = "; ".join(
        f"{r.dataset} {format_epsilon(r.nominal)} is really {format_epsilon(float(f'{r.tight:.3g}'))}"
        for r in risk_loaders.paper_recounts()
    )
    said = glossary.explain(stress(why), accountant="Rényi DP")
    st.html(f'<div class="rk-text pp-said" {_at(risk)}>{said}</div>')
    with st.container(key="rk_two_accountants"):
        draw("accountants", risk_charts.accountants_chart(rows), 'class="rk-small"')
        st.html(risk_charts.accountants_table(rows))
    st.html(f'<div class="rk-text">{stress(f"**The paper’s nominal budgets:** {paper}.")}</div>')
    headings = ["epsilon_rdp", "noise_multiplier", "epsilon_tight"]
    download(
        "accountants",
        lambda: risk_charts.to_csv(headings, [[r.nominal, r.noise_multiplier, r.tight] for r in rows]),
        page="risk",
    )


def limits(risk: Risk) -> None:
    """Shows how the numbers are made and what they cannot say."""
    errors = [curve.error for curve in (risk.proof.worst_case, risk.proof.relaxed) if curve is not None]
    error = f"{max(errors):.0e}" if errors and max(errors) > 0 else "none: closed forms"
    label = "How these limits are computed, and what they cannot say"
    fold = folded(label, icon=":material/menu_book:", key="risk_limits")
    if not fold.open:
        return
    with fold:
        st.markdown(
            "- **Worst case:** the exact trade-off curve of the composed likelihood ratio of all steps (Hayes, "
            "Mahloujifar and Balle 2023; Kaissis et al., arXiv 2307.03928). **Relaxed:** the same for an attacker who "
            "sees only the size of a signal, not its sign (Kaissis et al., arXiv 2210.13028). Composed by FFT; the "
            f"estimated relative error here is **{error}**. Below 1e-8 nothing is resolved, and the page says so.\n"
            "- **The paper** approximates these curves by five cumulants; ours are exact. See *Published claims*.\n"
            "- **Limits are per record.** Several records of one patient are protected less (group privacy).\n"
            "- **A limit is not a forecast.** It holds against every attacker of its kind; it does not say that anyone "
            "attacks.\n"
            "- **Real attacks are measured at the measured training only**; your own numbers do not move them."
        )


def _card(risk: Risk, who: str) -> str:
    chosen = " rk-card-chosen" if who == risk.view.attacker else ""
    noun = risk.finding.evidence.spec.record_noun
    titles = {
        "worst": f"Holds your {noun}",
        "relaxed": "Does not, rebuilds perfectly",
        "real": "Does not, a real attack",
    }
    if who == "real":
        value, lines = attack_words(risk.finding)
        tag = "measured" if risk.finding.one_look else "unavailable"
        if not risk.setting.is_measured:
            lines = [*lines, "at the measured training, not yours"]
    else:
        tag = "unavailable" if risk.proof.problem else "proven"
        gamma = risk_text.bound_of(risk.proof, who, risk.setting.kappa)
        limit = f"at most {risk_text.format_risk(gamma)}"
        value, lines = limit, [f"that is {risk_text.one_in(gamma)}"]
        if gamma >= HOPELESS:
            value, lines = "practically all", [f"{limit}: nothing is promised"]
        if risk.finding.is_no_dp:
            value, lines = "no limit", []
        lines.append(f"by guessing: {risk_text.one_in(risk.setting.kappa)}")
        if math.isnan(gamma):
            value, lines = "not available", ["Treat it as unprotected."]
    mark = '<span class="rk-here">chosen</span>' if chosen else ""
    body = "".join(f"<p>{stress(line)}</p>" for line in lines if line)
    return (
        f'<section class="pp-card pp-card-{tag}{chosen}"><h3>{html.escape(titles[who])} {mark}</h3>'
        f'<span class="pp-tag pp-tag-{tag}">{tag}</span><p class="pp-value">{stress(value)}</p>{body}</section>'
    )


def _reading_check(gamma: float) -> None:
    question, answers = risk_text.quiz(gamma)
    with st.container(key="risk_quiz"):
        picked = st.radio(f"**Check your reading.** {question}", list(answers), index=None, key="risk_quiz_answer")
        if picked in answers:
            right, words = answers[picked]
            (st.success if right else st.info)(words, icon=":material/check:" if right else ":material/lightbulb:")


def _bounds(risk: Risk) -> risk_charts.Bounds:
    """The stored curves for the measured training at its own κ, else or if unreadable live ones; raises DpcoreError."""
    setting, counted = risk.setting, risk.finding.counted
    if setting.is_measured and not risk.finding.evidence.bounds_problem:
        return risk_charts.bounds_of_evidence(risk.finding.evidence, counted)
    scheme = (setting.sample_rate, setting.steps, setting.delta)
    return risk_charts.bounds_of_curve(risk_loaders.curve(scheme, setting.kappa, counted))


def _recounted(risk: Risk) -> tuple[Recounted, ...]:
    setting = risk.setting
    if not setting.is_measured:
        return risk_loaders.recounted((setting.sample_rate, setting.steps, setting.delta))
    return tuple(
        Recounted(nominal=p.target_epsilon, noise_multiplier=p.noise_multiplier, tight=p.epsilon_tight)
        for p in risk.finding.evidence.measured
        if p.target_epsilon >= 1
    )


def _at(risk: Risk) -> str:
    """What the browser test waits for: which view a block shows."""
    shown = f"{format_epsilon(risk.finding.epsilon)} {risk.setting.steps} {risk.view.attacker}"
    return f'data-epsilon="{format_epsilon(risk.finding.epsilon)}" data-view="{html.escape(shown)}"'


def _short(epsilon: float) -> str:
    return format_epsilon(float(f"{epsilon:.3g}"))
