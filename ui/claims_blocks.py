"""The blocks of the page of published claims."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple

import streamlit as st

from dpcore.claims import EXPANSION_NOTE, OUTCOMES, UNRESOLVED, Card, ClaimRow, Variant
from ui import claims_live, glossary, risk_loaders
from ui.blocks import stress
from ui.captions import COUNTED
from ui.risk_charts import table_html, to_csv

#: What a verdict says, in a few words.
MEANINGS = {
    "holds": "our value reads as printed",
    "depends": "comparable only under conditions, which we name",
    "differs": "our value does not read as printed",
    "unchecked": "nothing is measured here to compare with",
}
_GROUPS = {
    "all": "all",
    "bounds": "proven bounds",
    "steps": "steps",
    "utility": "quality of the model",
    "attack": "real attack",
}
_CAPTION = glossary.explain(
    "δ = 8e-7; ε counted as in the paper. A worst case of 1\u00a0% reads: of 1,000 patients like you, at most 10 could "
    "be recognised. The score of a diagnosis is MCC, of an outline Dice; no DP is training without noise σ.",
    delta="δ = 8e-7", epsilon="ε counted", accountant="as in the paper", mcc="MCC", dice="Dice", dp="no DP",
    noise="noise σ",
)  # fmt: skip
_GROUP, _OUTCOMES = "claims_group", "claims_outcomes"


def summary() -> None:
    """Shows how many of the numbers hold, depend and differ."""
    counts = Counter(row.outcome for row in risk_loaders.claim_rows())
    total = sum(counts.values())
    items = "".join(f"<li>{_badge(o)} {counts[o]} · {MEANINGS[o]}</li>" for o in OUTCOMES if counts[o])
    unchecked = f"; {counts['unchecked']} could not be checked" if counts["unchecked"] else ""
    words = (
        f"Of {total} numbers in Ziller et al. (2024), **{counts['holds']} hold** to the printed digits, "
        f"**{counts['depends']} depend** on conditions that are different here, and **{counts['differs']} "
        f"{'differs' if counts['differs'] == 1 else 'differ'}**{unchecked}. Every verdict is computed when you open "
        "this page."
    )
    st.html(f'<p class="pp-summary" role="status">{stress(words)}</p><ul class="cl-counts">{items}</ul>')
    if problem := risk_loaders.claims_problem():
        st.error(problem)


def table() -> None:
    """Shows the numbers, those of one kind or verdict if asked."""
    with st.container(horizontal=True):
        group = st.segmented_control(
            "Show", list(_GROUPS), format_func=lambda g: _GROUPS.get(g, ""), default="all", required=True, key=_GROUP
        )
        wanted = st.pills("Verdicts", OUTCOMES, selection_mode="multi", default=list(OUTCOMES)[:3], key=_OUTCOMES)
    rows = [r for r in risk_loaders.claim_rows() if r.outcome in wanted and group in ("all", r.group)]
    if rows:
        st.html(_rows_html(rows))
    else:
        st.info("No number has that verdict. Choose another above.", icon=":material/info:")
    st.download_button(
        "Download all rows (CSV)",
        lambda: to_csv(list(ClaimRow.__dataclass_fields__), [astuple(r) for r in risk_loaders.claim_rows()]),
        file_name="claims.csv",
        mime="text/csv",
        key="claims_csv",
        on_click="ignore",
        icon=":material/download:",
    )


def unresolved() -> None:
    """Shows RadImageNet at ε = 32 under each reading."""
    variants = risk_loaders.claim_variants()
    st.html(f'<p class="rk-text">{stress(_unresolved_words(variants))}</p>{_variants_html(variants)}')


def cards() -> None:
    """Shows each claim of the field with its calculation; first those whose numbers a visitor may change."""
    st.html(
        '<p class="rk-text">Change the numbers on the first four cards: each is calculated anew, verdict and all.</p>'
    )
    with st.container(key="cl_live"):
        for name in claims_live.KNOBS:
            with st.container(key=f"cl_live_{name}"):
                claims_live.live_card(name, card_html)
    made = "".join(card_html(card) for card in risk_loaders.claim_cards() if card.name not in claims_live.KNOBS)
    st.html(f'<div class="pp-cards cl-cards">{made}</div>')


def sources() -> None:
    """Shows where published values come from, and how to print all this."""
    with st.expander("Sources, and how the verdicts are made", icon=":material/menu_book:"):
        st.markdown(
            "**Published:** Ziller, Mueller, Stieger and others: “Reconciling privacy and accuracy in AI for medical "
            "imaging”, *Nature Machine Intelligence* 6, 764–774 (2024), "
            "[doi:10.1038/s42256-024-00858-y](https://doi.org/10.1038/s42256-024-00858-y).\n\n"
            f"**Verdicts:** *holds* if our value, rounded to as many digits, reads as printed. {EXPANSION_NOTE} "
            "Measured numbers never *hold*: another model, image size and split would make agreement a coincidence, so "
            "they *depend*; so do numbers from other data than the paper's, which are named beside the number."
        )
        st.code(
            "python -m dpcore claims          # this page as a table; --json for programs",
            language="bash",
            wrap_lines=True,
        )


def _unresolved_words(variants: Sequence[Variant]) -> str:
    ours = next(v for v in variants if v.num_train == UNRESOLVED.training.num_train and v.accountant == "rdp")
    same = sorted({f"{v.method} and counted {COUNTED[v.accountant]}" for v in variants if v.agrees})
    held, total = risk_loaders.bounds_held_when_counted_tightly()
    agreeing = (
        f" The printed digits appear only if composed {' or '.join(same)}; but counted that way only {held} of the "
        f"{total} printed bounds would hold."
        if same
        else " No reading gives the printed digits."
    )
    return (
        f"RadImageNet at ε = {UNRESOLVED.epsilon:g}, worst case: the paper prints **{UNRESOLVED.printed} %**, we get "
        f"**{ours.value:.2f} %**, and **{_expanded(variants).value:.1f} %** with the paper's own approximation. "
        "How many records were used is not printed, but any number that gives the printed steps changes little."
        f"{agreeing} "
        "**Unresolved**, and shown as such."
    )


def _expanded(variants: Sequence[Variant]) -> Variant:
    return next(
        v
        for v in variants
        if (v.num_train, v.accountant, v.method) == (UNRESOLVED.training.num_train, "rdp", "Edgeworth")
    )


def _variants_html(variants: Sequence[Variant]) -> str:
    body = [
        [
            f"{v.num_train:,}",
            COUNTED[v.accountant],
            v.method if v.method == "exact" else "Edgeworth, 5 cumulants",
            f"{v.noise_multiplier:.4f}",
            f"{v.value:.2f} %",
            f"{v.difference:+.2f}",
            "reads as printed" if v.agrees else "differs",
        ]
        for v in variants
    ]
    headings = ["N", "ε counted", "composed", "noise σ", "worst case", "points off", "printed 15 %"]
    return table_html("RadImageNet, ε = 32, δ = 8e-7, 15,250 steps", headings, body)


def _rows_html(rows: list[ClaimRow]) -> str:
    body = "".join(
        f'<tr><th scope="row">{html.escape(r.dataset)}: {html.escape(r.what)}</th>'
        f'<td data-label="published">{html.escape(r.published)}</td><td data-label="ours">{html.escape(r.ours)}</td>'
        f"<td>{_badge(r.outcome)}</td><td>{html.escape(r.reason)}</td></tr>"
        for r in rows
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("number", "published", "ours", "verdict", "why"))
    return (
        f'<table class="cl-table"><caption class="pp-said">{_CAPTION}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def card_html(card: Card) -> str:
    """Returns a card: verdict, claim, what it shows, the calculation, and what only specialists ask."""
    lines = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(value)}</td></tr>' for name, value in card.lines
    )
    exact = (
        f"<details><summary>For specialists</summary><p>{html.escape(card.exact)}</p></details>" if card.exact else ""
    )
    finding = glossary.explain(html.escape(card.finding), odds="the odds", delta="δ")
    return (
        f'<section class="cl-card" data-card="{html.escape(card.name)}">{_badge(card.outcome)}'
        f'<h3>“{html.escape(card.claim)}”</h3><p class="pp-said">{finding}</p><table>{lines}</table>{exact}</section>'
    )


def _badge(outcome: str) -> str:
    signs = {"holds": "✓", "depends": "~", "differs": "≠", "unchecked": "–"}
    return f'<span class="cl-verdict cl-{outcome}">{signs[outcome]} {outcome}</span>'
