"""The blocks of a page. Each is one element, so that a moved slider repaints few."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from dpcore.errors import ResultsUnavailable
from ui import captions, charts, glossary, loaders, overlay, text
from ui.drag import place
from ui.everyone import for_everyone
from ui.evidence import Strip
from ui.finding import Finding
from ui.kept import kept
from ui.numbers import format_error, format_spread
from ui.show import show

#: Budgets whose blocks are kept: those of all datasets, and some that were typed.
_KEPT = 512
_STYLE = Path(__file__).with_name("style.css")


def page_header(question: str, beside: Callable[[], None] | None = None) -> None:
    """Shows the app's name, the page's question and the words used, and brings the style sheet and its script.

    `beside` shows more beside the words.
    """
    st.html(_STYLE)
    with st.container(key="page_head"):
        st.html(f'<p class="pp-brand">A Pinch of Privacy</p><h1 class="pp-question">{html.escape(question)}</h1>')
        with st.container(key="page_tools"):
            if beside:
                beside()
            with st.popover("Words used here", icon=":material/dictionary:", type="tertiary"):
                st.html(glossary.words_html())
    for_everyone()


def section(question: str) -> None:
    """Shows the heading of a part of the page."""
    show(section_html(question))


def section_html(question: str) -> str:
    """Returns the heading of a part of the page."""
    return f'<h2 class="pp-section">{html.escape(question)}</h2>'


def results_missing(error: ResultsUnavailable) -> None:
    """Shows why there is nothing to show, and what to do about it."""
    remedy = "" if "dpcore sweep" in str(error) else " Run “python -m dpcore sweep --plan default” to make them again."
    st.error(f"{error}{remedy}")


def moving(finding: Finding) -> tuple[str, ...]:
    """Returns every block of the start page that carries the budget, for the slider while it moves."""
    return (
        summary_html(finding),
        cards_html(finding),
        overlay.cursor_html(finding),
        gallery_html(finding),
        person_html(finding),
    )


def context_html(finding: Finding) -> str:
    """Returns what the model is for."""
    return f'<p class="pp-context">{stress(text.context(finding.evidence))}</p>'


@kept(max_entries=_KEPT)
def summary_html(finding: Finding) -> str:
    """Returns the paragraph in plain words."""
    return f'<p class="pp-summary" {place("summary", finding)} role="status">{stress(text.summary(finding))}</p>'


@kept(max_entries=_KEPT)
def cards_html(finding: Finding) -> str:
    """Returns the four numbers: utility, worst case, relaxed, realistic."""
    made = [_utility_card(finding), *_proof_cards(finding), _attack_card(finding)]
    return f'<div class="pp-cards" {place("cards", finding)}>{"".join(made)}</div>'


def trade_off_chart(finding: Finding) -> None:
    """Shows the chart with the present budget marked, its legend, and the same as a table."""
    evidence, counted = finding.evidence, finding.counted
    theme: charts.Theme = "dark" if st.context.theme.type == "dark" else "light"
    drawing = loaders.drawing(evidence.spec.name, counted, theme)
    with st.container(key="chart_frame"):
        st.html(drawing.drawn)
        with st.container(key="chart_overlay"):
            show(overlay.cursor_html(finding))
            # Apart from what moves: the browser has it already.
            show(drawing.names)
    show(drawing.legend)
    for problem in filter(None, (evidence.bounds_problem, evidence.attacks_problem)):
        show(missing(f"{problem} The chart is drawn without it."))


def gallery_html(finding: Finding) -> str:
    """Returns the originals, what one look gives and what all looks give, five pictures each; or why there are none."""
    evidence, point, at = finding.evidence, finding.nearest, place("gallery", finding)
    if evidence.spec.kind != "image":
        return f'<p class="pp-note pp-wide" {at}>{stress(captions.no_pictures(finding))}</p>'
    if evidence.pictures_problem:
        return missing(evidence.pictures_problem, at)
    best = [strip for strip in evidence.strips if strip.choice == "best"]
    strips = sorted((s for s in best if s.target_epsilon == point.target_epsilon), key=lambda s: s.looks)
    if not any(strip.looks == 0 for strip in strips):
        strips = [s for s in best if s.looks == 0][:1] + strips
    try:
        rows = "".join(_strip_row(strip, finding) for strip in strips)
    except ResultsUnavailable as error:
        return missing(str(error), at)
    caption = stress(captions.gallery_caption(finding, strips[0]))
    return f'<figure class="pp-gallery" {at}>{rows}<figcaption>{caption}</figcaption></figure>'


def missing(problem: str, attributes: str = "") -> str:
    """Returns why a part of the page cannot be shown, in its place."""
    return f'<p class="pp-note pp-wide" {attributes} role="alert">{html.escape(problem)}</p>'


@kept(max_entries=_KEPT)
def person_html(finding: Finding) -> str:
    """Returns what the numbers mean for one person."""
    points = "".join(f"<li>{stress(point)}</li>" for point in text.person_points(finding))
    return f'<ul class="pp-person" {place("person", finding)}>{points}</ul>'


def stress(words: str) -> str:
    """Returns text as HTML: escaped, with **double stars** as bold; a number stays beside its sign."""
    together = words.replace(" %", "\u00a0%").replace("ε = ", "ε\u00a0=\u00a0")
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html.escape(together))


def _card(*, title: str, tag: str, value: str, lines: list[str], explain: str, extra: str = "") -> str:
    tip = glossary.help_html(title, stress(explain))
    *words, last = html.escape(title).split(" ")
    heading = f'{" ".join(words)} <span class="pp-together">{last} {tip}</span>'
    body = "".join(f"<p>{stress(line)}</p>" for line in lines)
    return (
        f'<section class="pp-card pp-card-{tag}"><h3>{heading}</h3><span class="pp-tag pp-tag-{tag}">{tag}</span>'
        f'<p class="pp-value">{stress(value)}</p>{body}{extra}</section>'
    )


def _utility_card(finding: Finding) -> str:
    utility, measured = finding.utility, finding.is_measured
    return _card(
        title=utility.metric.title,
        tag="measured" if measured else "estimated",
        value=format_spread(utility.value, utility.sd) if measured else f"≈ {utility.value:.2f}",
        lines=captions.utility_words(utility),
        explain=f"**{utility.metric.short}.** {utility.metric.explain} {glossary.meaning('tests')}",
    )


def _proof_cards(finding: Finding) -> list[str]:
    evidence, proof = finding.evidence, finding.proof
    tag = "unavailable" if proof.problem else "proven"
    made = []
    for title, explain, bound in (
        (f"Attacker who holds the {text.noun(evidence)}", captions.explain_worst_case(evidence), proof.worst_case),
        ("Attacker who does not", captions.explain_relaxed(evidence), proof.relaxed),
    ):
        value, lines = captions.proof_words(finding, bound)
        made.append(_card(title=title, tag=tag, value=value, lines=lines, explain=explain))
    return made


def _attack_card(finding: Finding) -> str:
    value, lines = captions.attack_words(finding)
    return _card(
        title="Real attack, one look",
        tag="measured" if finding.one_look else "unavailable",
        value=value,
        lines=lines,
        explain=captions.explain_attack(finding.evidence),
        extra=_looks_table(finding),
    )


def _looks_table(finding: Finding) -> str:
    attacks = finding.nearest.attacks
    if not attacks:
        return ""
    head = "".join(f'<th scope="col">{"one look" if a.looks == 1 else f"all {a.looks}"}</th>' for a in attacks)
    rows = (
        f'<tr><th scope="row">{verb}</th>{"".join(f"<td>{count}</td>" for count in counts)}</tr>'
        for verb, counts in (("rebuilt", (a.rebuilt for a in attacks)), ("recognised", (a.matched for a in attacks)))
    )
    return f'<table><tr><th scope="col">of {attacks[0].records}</th>{head}</tr>{"".join(rows)}</table>'


def _strip_row(strip: Strip, finding: Finding) -> str:
    title, explain = captions.strip_words(strip)
    named = glossary.explain(html.escape(title), look="one look")
    errors = "".join(f"<span>{format_error(error)}</span>" for error in strip.errors) if strip.looks else ""
    return (
        f'<div class="pp-row"><div class="pp-row-name pp-said"><strong>{named}</strong>'
        f"<span>{html.escape(explain)}</span></div>"
        f'<div class="pp-row-strip"><img src="{loaders.picture_address(strip.file)}" decoding="sync" '
        f'alt="{html.escape(captions.strip_alt(strip, finding))}"><div class="pp-errors">{errors}</div></div></div>'
    )
