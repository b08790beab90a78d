"""What moves with the slider on the page of reconstruction, as HTML; the same for the page and for a dragged slider."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from dpcore.errors import ResultsUnavailable
from ui import recon_charts, recon_loaders, recon_pictures, recon_text
from ui.blocks import stress
from ui.captions import attack_words, explain_attack, explain_relaxed, explain_worst_case, proof_words
from ui.evidence import Attack
from ui.finding import Finding
from ui.kept import Memory, kept
from ui.recon_charts import Appearance
from ui.recon_controls import Recon
from ui.recon_evidence import Outcomes, looks_of
from ui.risk_plot import Chart
from ui.text import HOPELESS, name_looks, not_attacked

#: Views whose blocks are kept.
_KEPT = 512
_CHARTS: Memory[Chart] = Memory(max_entries=_KEPT)
_ESTIMATE = "estimate: a pixel as strong as the noise"


def moving(recon: Recon) -> tuple[str, ...]:
    """Returns every block of the page that carries the budget, for the slider while it moves."""
    blocks = [
        answer_html(recon),
        attackers_html(recon),
        recon_pictures.gallery_html(recon),
        errors_html(recon),
    ]
    if outcomes_here(recon.finding):
        blocks += [errors_layer_html(recon), measures_html(recon)]
    if recon.finding.evidence.spec.kind == "image":
        blocks.append(appearance_layer_html(recon))
    return tuple(blocks)


@kept(max_entries=_KEPT)
def answer_html(recon: Recon) -> str:
    """Returns the page's answer in one paragraph."""
    words = stress(recon_text.summary(recon.finding))
    return f'<p class="pp-summary" {recon.place("recon-summary")} role="status">{words}</p>'


@kept(max_entries=_KEPT)
def attackers_html(recon: Recon) -> str:
    """Returns the cards of the three attackers."""
    finding = recon.finding
    evidence, proof = finding.evidence, finding.proof
    titles = recon_text.attacker_titles(evidence)
    attacks = finding.nearest.attacks[:: max(1, len(finding.nearest.attacks) - 1)] if finding.nearest.attacks else ()
    holds = _proof_card(recon, titles[0], proof.worst_case, explain_worst_case(evidence), _bars(attacks, "named"))
    lacks = _proof_card(recon, titles[1], proof.relaxed, explain_relaxed(evidence), "")
    one = finding.one_look
    value = f"{one.rebuilt} of {one.records}" if one else attack_words(finding)[0]
    tag = "measured" if one else "unavailable"
    real = _card(titles[2], tag, value, [explain_attack(evidence)], _bars(attacks, "rebuilt"))
    return f'<div class="pp-cards rk-cards rc-attackers" {recon.place("recon-attackers")}>{holds}{lacks}{real}</div>'


def errors_html(recon: Recon) -> str:
    """Returns how many fall below the threshold at the present budget, or that nothing was attacked."""
    outcomes, at = outcomes_here(recon.finding), recon.place("recon-errors")
    if outcomes is None:
        why = html.escape(not_attacked(recon.finding.evidence))
        return f'<p class="pp-note pp-wide" {at}>{why} So there are no errors to show.</p>'
    looks, eta = recon.measured_looks, recon.view.eta / 100
    words = recon_text.curve_sentence(recon.finding, outcomes, looks=looks, eta=eta)
    if recon.view.looks == "five":
        words += " All records were attacked with one look and with all; shown here: one look."
    return f'<p class="rk-who" {at}>{stress(words)}</p>'


@kept(max_entries=_KEPT)
def errors_layer_html(recon: Recon) -> str:
    """Returns what lies over the curves of errors; raises ResultsUnavailable."""
    outcomes = _attacked(recon.finding)
    looks, eta = recon.measured_looks, recon.view.eta / 100
    over = recon_charts.errors_over(recon.finding, outcomes, looks=looks, eta=eta)
    return f'<div class="rc-errors" {recon.place("recon-errors-layer")}>{over}</div>'


@kept(max_entries=_KEPT)
def appearance_layer_html(recon: Recon) -> str:
    """Returns what lies over the chart of budgets at which pictures appear."""
    over = recon_charts.appear_cursor(recon.finding, appearances(recon))
    return f'<div class="rc-appear" {recon.place("recon-appearance-layer")}>{over}</div>'


def appear_chart(found: Sequence[Appearance]) -> Chart:
    """Returns the chart of budgets at which pictures appear, without the present one."""
    return _CHARTS.get(tuple(found), lambda: recon_charts.appear_chart(found))


@kept(max_entries=_KEPT)
def measures_html(recon: Recon) -> str:
    """Returns the other measures at the present budget; raises ResultsUnavailable."""
    outcomes = _attacked(recon.finding)
    budget = recon.finding.nearest.target_epsilon
    head = "".join(f'<th scope="col">{name_looks(looks)}</th>' for looks in looks_of(outcomes))
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>{"".join(f"<td>{value}</td>" for value in values)}</tr>'
        for name, values in recon_text.measure_rows(outcomes, budget)
    )
    return (
        f'<table class="rk-facts rc-measures" {recon.place("recon-measures")}>'
        "<caption>Other measures at the same budget; measured, not proven</caption>"
        f"<tr><td></td>{head}</tr>{rows}</table>"
    )


def appearances(recon: Recon) -> list[Appearance]:
    """Returns the budgets at which pictures of a size appear: measured ones that there are, and estimates."""
    finding = recon.finding
    rows = variations(finding)
    measured = recon_charts.measured_appearance(rows, finding.evidence, finding.counted, every=recon.every)
    return [line for line in measured if line.places] + _estimates(recon)


def outcomes_here(finding: Finding) -> Outcomes | None:
    """Returns the attack on every record; None where nothing was attacked at this budget."""
    outcomes = outcomes_of(finding)
    return outcomes if outcomes and (finding.nearest.target_epsilon, 1) in outcomes else None


def outcomes_of(finding: Finding) -> Outcomes | None:
    """Returns the attack on every record at every budget; None where nothing was attacked."""
    try:
        return _attacked(finding)
    except ResultsUnavailable:
        return None


def _attacked(finding: Finding) -> Outcomes:
    return recon_loaders.outcomes(finding.evidence.spec.name, finding.evidence.model)


def variations(finding: Finding) -> Sequence[Mapping[str, Any]]:
    """Returns what was measured in other settings; empty where nothing was."""
    try:
        return recon_loaders.variations(finding.evidence.spec.name)
    except ResultsUnavailable:
        return ()


def _proof_card(recon: Recon, title: str, bound: float, explain: str, extra: str) -> str:
    finding = recon.finding
    tag = "unavailable" if finding.proof.problem else "proven"
    value, lines = proof_words(finding, bound)
    if not finding.proof.problem and not finding.is_no_dp and bound < HOPELESS:
        value, lines = recon_text.at_most_of_thousand(bound), [f"patients like you; {lines[-1]}"]
    return _card(title, tag, value, [*lines, explain], extra)


def _card(title: str, tag: str, value: str, lines: Sequence[str], extra: str) -> str:
    body = "".join(f"<p>{stress(line)}</p>" for line in lines)
    return (
        f'<section class="pp-card pp-card-{tag}"><h3>{html.escape(title)}</h3>'
        f'<span class="pp-tag pp-tag-{tag}">{tag}</span><p class="pp-value">{stress(value)}</p>{body}{extra}</section>'
    )


def _bars(attacks: Sequence[Attack], verb: str) -> str:
    """Measured rates as bars under a card."""
    if not attacks:
        return ""
    made = []
    for attack in attacks:
        share = (attack.matched if verb == "named" else attack.rebuilt) / attack.records
        words = stress(recon_text.bar_words(attack, verb=verb))
        made.append(f'<div class="rc-bar"><i style="width:{100 * share:.1f}%"></i></div><p>{words}</p>')
    chance = f" among {attacks[0].candidates}; guessing: 1 of {attacks[0].candidates}" if verb == "named" else ""
    tag = (
        '<span class="pp-tag pp-tag-measured">measured, not proven</span>'
        if verb == "named"
        else "measured, not proven"
    )
    return f'<div class="rc-bars"><p>{tag}{chance}</p>{"".join(made)}</div>'


def _estimates(recon: Recon) -> list[Appearance]:
    evidence, point, counted = recon.finding.evidence, recon.finding.nearest, recon.finding.counted
    channels = evidence.spec.record_shape[0]
    here = (point.steps, point.sample_rate, point.delta)
    wanted = [
        ("rc-guess-one", "this training, one look", 1, here),
        ("rc-guess-all", "this training, all looks", recon.every, here),
    ]
    steps, sample_rate, delta = recon_loaders.PAPER_MSD
    paper = f"the paper’s liver training ({steps:,} steps), one look"
    wanted.append(("rc-guess-paper", paper, 1, (steps, sample_rate, delta)))
    found = []
    for style, words, looks, (training_steps, rate, limit) in wanted:
        places = recon_loaders.epsilons_at_snr(
            channels=channels, looks=looks, steps=training_steps, sample_rate=rate, delta=limit, counted=counted
        )
        found.append(Appearance(style=style, words=f"{_ESTIMATE}, {words}", places=places, estimated=True))
    return found
