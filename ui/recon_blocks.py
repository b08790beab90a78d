"""The blocks of the page of reconstruction."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from dpcore.errors import DpcoreError, NotMeasured, ResultsUnavailable
from ui import recon_charts, recon_controls, recon_loaders, recon_table, recon_text, risk_charts
from ui.blocks import stress
from ui.captions import explain_attack, explain_relaxed, explain_worst_case, proof_words
from ui.chart_blocks import download, draw, table
from ui.epsilon import format_epsilon
from ui.evidence import Attack
from ui.finding import Finding
from ui.recon_charts import Appearance
from ui.recon_controls import Recon
from ui.recon_evidence import Outcomes, budgets, looks_of
from ui.recon_state import SIDES
from ui.risk_plot import Chart
from ui.text import HOPELESS, name_looks

_FOLDER = Path(__file__).parent
_ESTIMATE = "estimate: a pixel as strong as the noise"


def style() -> None:
    """Brings the style sheets of this page."""
    st.html(_FOLDER / "risks.css")
    st.html(_FOLDER / "recon.css")


def answer(recon: Recon) -> None:
    """Shows the page's answer in one paragraph."""
    st.html(f'<p class="pp-summary" {_at(recon)} role="status">{stress(recon_text.summary(recon.finding))}</p>')


def attackers(recon: Recon) -> None:
    """Shows the three attackers side by side: what is proven about two of them, what was measured of two."""
    finding = recon.finding
    evidence, proof = finding.evidence, finding.proof
    titles = recon_text.attacker_titles(evidence)
    attacks = finding.nearest.attacks[:: max(1, len(finding.nearest.attacks) - 1)] if finding.nearest.attacks else ()
    holds = _proof_card(recon, titles[0], proof.worst_case, explain_worst_case(evidence), _bars(attacks, "named"))
    lacks = _proof_card(recon, titles[1], proof.relaxed, explain_relaxed(evidence), "")
    one = finding.one_look
    value = f"{one.rebuilt} of {one.records}" if one else "not measured"
    tag = "measured" if one else "unavailable"
    real = _card(titles[2], tag, value, [explain_attack(evidence)], _bars(attacks, "rebuilt"))
    st.html(
        f'<div class="pp-cards rk-cards rc-attackers" {_at(recon)}>{holds}{lacks}{real}</div>'
        f'<p class="rk-who">{stress(recon_text.HOW_IT_WORKS)}</p>'
    )


def errors(recon: Recon) -> None:
    """Shows the errors of all records at all budgets under a movable threshold, and the other measures."""
    finding = recon.finding
    outcomes = _outcomes(finding)
    if outcomes is None or (finding.nearest.target_epsilon, 1) not in outcomes:
        st.html('<p class="pp-note pp-wide">No real attack was run on this data, so there are no errors to show.</p>')
        return
    looks, eta = recon.measured_looks, recon.view.eta / 100
    recon_controls.threshold(recon.view)
    words = recon_text.curve_sentence(finding, outcomes, looks=looks, eta=eta)
    if recon.view.looks == "five":
        words += " All records were attacked with one look and with all; shown here: one look."
    st.html(f'<p class="rk-who" {_at(recon)}>{stress(words)}</p>')
    with st.container(key="rk_two_errors"):
        over = recon_charts.errors_over(finding, outcomes, looks=looks, eta=eta)
        draw("errors", Chart(drawn=_drawn(finding, looks), over=over), f'class="rc-errors" {_at(recon)}')
        st.html(recon_charts.colours(len(budgets(outcomes))) + _measures(finding, outcomes))
    headings, rows = recon_charts.errors_table(finding.evidence, outcomes, finding.counted)
    _table("errors", "Reconstructions by error; measured, not proven", headings, rows)


def appearance(recon: Recon) -> None:
    """Shows from which budget on pictures of a size appear, measured and estimated."""
    finding = recon.finding
    if finding.evidence.spec.kind != "image":
        st.html('<p class="pp-note pp-wide">This data has no pictures, so size plays no part.</p>')
        return
    rows = _variations(finding)
    measured = recon_charts.measured_appearance(rows, finding.evidence, finding.counted, every=recon.every)
    if not any(line.places for line in measured):
        st.html(
            '<p class="pp-note pp-wide">Other picture sizes are not among these results: run '
            f"“{_command(finding)}” to measure them. The lines below are estimates only.</p>"
        )
    found = [line for line in measured if line.places] + _estimates(recon)
    draw("appear", recon_charts.appear_chart(finding, found), f'class="rc-appear" {_at(recon)}')
    st.html(
        '<p class="rk-faint">Points left of the mark: pictures of that size already appear at this budget. The '
        "estimates say where one pixel is as strong as the noise (signal-to-noise ratio 1): √looks / (σ·√pixels). They "
        "are no measurement: shapes show before, details after. The same pictures need another ε in another training, "
        "because ε counts its steps.</p>"
    )
    _table(
        "appearance", "Budgets at which pictures appear: each line says what it is", *recon_charts.appear_table(found)
    )


def changes(recon: Recon) -> None:
    """Shows what an attacker, or a hospital, may change, and whom it helps."""
    finding = recon.finding
    rows = _variations(finding)
    if finding.evidence.spec.kind != "image":
        st.html('<p class="pp-note pp-wide">Batches, sizes and denoising were varied on pictures only.</p>')
        return
    if not rows:
        st.html(
            '<p class="pp-note pp-wide rc-changes-missing">Variations of the attack were not measured on this data. '
            f"Run “{_command(finding)}” to measure them.</p>"
        )
        return
    st.html(f'<p class="rk-who">{stress(recon_table.helps(rows, every=recon.every))}</p>')
    with st.expander("All measured settings", icon=":material/table:", expanded=True):
        st.html(recon_table.table_html(rows, finding.evidence, finding.counted, every=recon.every))
        download("attack-settings", lambda: recon_table.table_csv(rows), page="recon")


def where_it_holds(recon: Recon) -> None:
    """Shows where the paper's “0 %” holds and where not."""
    outcomes = _outcomes(recon.finding)
    if outcomes is None:
        st.html('<p class="pp-note pp-wide">No real attack was run on this data: nothing can be compared.</p>')
        return
    points = recon_text.where_it_holds(recon.finding, outcomes, _variations(recon.finding))
    st.html(f'<ul class="pp-person rc-holds">{"".join(f"<li>{stress(point)}</li>" for point in points)}</ul>')


def sources(recon: Recon) -> None:
    """Shows what was attacked, how, and what that cannot say."""
    evidence = recon.finding.evidence
    attacked = evidence.attacked or "nothing"
    with st.expander("Sources and limits", icon=":material/menu_book:"):
        st.markdown(
            f"- **Attacked:** `{attacked}`, under the noise of the {evidence.spec.title} trainings. Numbers come from "
            "those records; pictures of real patients are never shown: phantoms and pictures that come with "
            "scikit-image stand in.\n"
            "- **Measured, not proven.** It shows what these attacks got. A better one may come; the proven limits "
            "hold against it, these numbers do not.\n"
            "- **Batches:** the attacker tells pictures apart by brightness, whose spread is known from other pictures "
            "of the same data. Mixed pictures count as not rebuilt; a better way to part them may exist.\n"
            "- **Per picture, not per person.** Several pictures of one patient give an attacker more looks.\n"
            "- **SSIM is one measure among several.** It understates what people see in noise, so correlation, PSNR "
            "and recognising stand beside it.\n"
            "- **The planted layer:** Fowl and others 2022, “Robbing the Fed”; Boenisch and others 2023, “When the "
            "curious abandon honesty”. **Honest servers:** Zhu and others 2019, “Deep leakage from gradients”; Geiping "
            "and others 2020, “Inverting gradients”. **Setting:** Ziller and others 2024, *Nature Machine "
            "Intelligence* 6.\n"
            "- **Intervals:** exact 95 % intervals after Clopper and Pearson."
        )
        st.code(f"python -m dpcore attacks --dataset {evidence.spec.name}", language=None, wrap_lines=True)


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


def _measures(finding: Finding, outcomes: Outcomes) -> str:
    budget = finding.nearest.target_epsilon
    head = "".join(f'<th scope="col">{name_looks(looks)}</th>' for looks in looks_of(outcomes))
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>{"".join(f"<td>{value}</td>" for value in values)}</tr>'
        for name, values in recon_text.measure_rows(outcomes, budget)
    )
    return (
        '<table class="rk-facts rc-measures"><caption>Other measures at the same budget; measured, not proven</caption>'
        f"<tr><td></td>{head}</tr>{rows}</table>"
    )


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
        places = []
        for side in SIDES:
            try:
                epsilon = recon_loaders.epsilon_at_snr(
                    pixels=side * side * channels, looks=looks, steps=training_steps, sample_rate=rate, delta=limit,
                    counted=counted,
                )  # fmt: skip
            except DpcoreError:
                continue
            places.append((side, epsilon))
        found.append(Appearance(style=style, words=f"{_ESTIMATE}, {words}", places=tuple(places), estimated=True))
    return found


def _command(finding: Finding) -> str:
    return f"python -m dpcore sweep --part reconstruction --dataset {html.escape(finding.evidence.spec.name)}"


def _drawn(finding: Finding, looks: int) -> str:
    return recon_loaders.curves(finding.evidence.spec.name, finding.evidence.model, looks, finding.counted)


def _outcomes(finding: Finding) -> Outcomes | None:
    try:
        return recon_loaders.outcomes(finding.evidence.spec.name, finding.evidence.model)
    except ResultsUnavailable:
        return None


def _variations(finding: Finding) -> Sequence[Mapping[str, Any]]:
    try:
        return recon_loaders.variations(finding.evidence.spec.name)
    except NotMeasured:
        return ()
    except ResultsUnavailable as error:
        st.error(str(error))
        return ()


def _table(name: str, caption: str, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    cells = [[str(cell) for cell in row] for row in rows]
    shown = risk_charts.table_html(caption, headings, cells)
    table(name, shown, lambda: risk_charts.to_csv(headings, rows), page="recon")


def _at(recon: Recon) -> str:
    """What the browser waits for: which budget a block shows."""
    return f'data-epsilon="{format_epsilon(recon.finding.epsilon)}"'
