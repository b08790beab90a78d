"""The blocks of the membership page."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from dpcore.errors import NotMeasured, ResultsUnavailable
from ui import glossary, loaders, member_audit, member_groups, member_roc, member_state, member_text
from ui.blocks import results_missing, stress
from ui.chart_blocks import draw, table
from ui.epsilon import format_epsilon
from ui.finding import Finding
from ui.folded import folded
from ui.member_evidence import STRICT, USUAL, Exposure, nearest_audits, nearest_exposure
from ui.member_state import BEFORE, CHOICES, LINK, MemberView, link_parameters, read_link
from ui.page_link import linked_bar
from ui.risk_charts import to_csv
from ui.risk_plot import icons_html
from ui.text import HOPELESS

_STYLE = Path(__file__).with_name("member.css")
_AXES = {"log": "logarithmic", "linear": "plain"}
_ALARMS = {"1": "1 in 100", "0.1": "1 in 1,000"}


@dataclass(frozen=True, kw_only=True)
class Member:
    """Everything this page shows but the audits."""

    finding: Finding
    view: MemberView
    #: At the nearest measured budget; None where membership was not measured, and `problem` says so.
    exposure: Exposure | None
    problem: ResultsUnavailable | None = None

    @property
    def at(self) -> str:
        """What the browser test waits for: which view a block shows."""
        return f'data-epsilon="{format_epsilon(self.finding.epsilon)}"'


def style() -> None:
    """Brings the page's own style sheet."""
    st.html(_STYLE)


def member_bar() -> Member:
    """Shows the control bar and returns what is known; raises ResultsUnavailable where there are no results at all."""
    finding, view = linked_bar(LINK, read_link, link_parameters)
    try:
        exposure = nearest_exposure(loaders.exposures(finding.evidence.spec.name), finding)
    except ResultsUnavailable as error:
        return Member(finding=finding, view=view, exposure=None, problem=error)
    return Member(finding=finding, view=view, exposure=exposure)


def answer(member: Member, exposure: Exposure) -> None:
    """Shows the page's answer in one paragraph, and the three numbers behind it."""
    words = member_text.summary(exposure, member.finding.counted)
    near = member_text.where(exposure, member.finding)
    first = f'<p class="rk-who">{stress(near)}</p>' if near else ""
    st.html(
        f'{first}<p class="pp-summary" {member.at} role="status">{stress(words)}</p>'
        '<h2 class="pp-unseen">In three numbers</h2>'
        f'<div class="pp-cards rk-cards" {member.at}>{_cards(exposure)}</div>'
    )


def missing(member: Member) -> None:
    """Shows that membership was not measured here, or cannot be read."""
    if member.problem is None or isinstance(member.problem, NotMeasured):
        _not_measured(member, "Membership attacks were not run on this data.", part="membership")
    else:
        results_missing(member.problem)


def _not_measured(member: Member, what: str, *, part: str) -> None:
    """Says calmly what is missing: that nothing was measured is no fault of the results, and no comfort."""
    command = f"python -m dpcore sweep --part {part} --dataset {member.finding.evidence.spec.name}"
    st.html(
        f'<p class="pp-note pp-wide" {member.at}>{what} Not measured is not the same as safe. What is proven against '
        "every attacker does not need this measurement: see <strong>Risk bounds</strong>. To measure it: "
        f"<code>{command}</code></p>"
    )


def roc(member: Member, exposure: Exposure) -> None:
    """Shows the measured curves under the proven limit."""
    chart = member_roc.roc_chart(exposure, logarithmic=member.view.axes == "log")
    draw("member_roc", chart, f'class="mb-roc" {member.at}')
    _choice("Axes", "axes", _AXES, member.view.axes)
    gap = stress(member_text.gap_sentence(exposure))
    words = "The attacks: LiRA; loss threshold. The axes: true-positive rate; false-positive rate."
    kinds = glossary.explain(
        words, lira="LiRA", loss="loss threshold", tpr="true-positive rate", fpr="false-positive rate"
    )
    st.html(f'<p class="rk-faint pp-said">{kinds}</p><p class="rk-text">{gap}</p>')
    table(
        "membership",
        lambda: member_roc.roc_table(exposure),
        lambda: to_csv(*member_roc.roc_rows(exposure)),
        page="member",
    )


def audit(member: Member) -> None:
    """Shows ε from below and from above."""
    try:
        audits = loaders.audits(member.finding.evidence.spec.name)
    except NotMeasured:
        _not_measured(member, "No training on this data was audited.", part="audit")
        return
    except ResultsUnavailable as error:
        results_missing(error)
        return
    found = nearest_audits(audits, member.finding)
    words, cap = member_text.floor_summary(found, member.finding), member_text.cap_sentence(audits, found)
    said = glossary.explain(stress(words), audit="the audit")
    st.html(f'<p class="rk-who mb-floor pp-said" {member.at}>{said}</p>')
    draw("member_audit", member_audit.audit_chart(audits, member.finding), f'class="mb-audit" {member.at}')
    st.html(
        f'<p class="rk-text">{stress(cap)} A floor at the bottom proves nothing, which is not a risk of zero. '
        "The ceilings leave the chart at the top and go on to 10¹⁵.</p>"
    )
    table(
        "audit",
        lambda: member_audit.audit_table(audits),
        lambda: to_csv(*member_audit.audit_rows(audits)),
        page="member",
    )


def groups(member: Member, exposure: Exposure) -> None:
    """Shows each class and subgroup with its interval."""
    found, everybody = member_groups.compared(exposure)
    if everybody is None:
        st.html(
            f'<p class="pp-note pp-wide mb-who" {member.at}>The records of this dataset have no class or subgroup that '
            "was attacked on its own.</p>"
        )
        return
    noun, limit = member.finding.evidence.spec.record_noun, exposure.limit[USUAL]
    words = member_text.exposed_sentence(found, everybody.found[USUAL])
    rows = member_groups.groups_html(exposure.groups, everybody, noun=noun, limit=limit)
    st.html(
        f'<p class="rk-text mb-who" {member.at}>{stress(words)}</p><figure class="mb-figure" role="group" '
        f'aria-label="Members found of 1,000 in each group, with 95 % intervals">{rows}</figure>'
        '<p class="rk-faint">Measured, not proven. Bars are 95 % intervals as if all scores were independent; the '
        "same record is scored by several models, so the true intervals are somewhat wider. The proven limit "
        "is the same for every group.</p>"
    )
    table(
        "groups",
        lambda: member_groups.groups_table(exposure.groups, everybody, noun=noun),
        lambda: to_csv(*member_groups.groups_rows(exposure)),
        page="member",
    )


def odds(member: Member, exposure: Exposure) -> None:
    """Shows what an alarm means for one person, given what was believed before."""
    before, rate = int(member.view.before), STRICT if member.view.alarm == "0.1" else USUAL
    with st.container(key="mb_odds"):
        _before_slider(member.view.before)
        _choice("Strangers wrongly accused", "alarm", _ALARMS, member.view.alarm)
    rows = member_text.odds_rows(exposure, 1 / before, rate)
    body = "".join(
        f'<tr><th scope="row">{html.escape(name)}<span>{html.escape(meaning)}</span></th>'
        f"<td>{html.escape(value)}</td></tr>"
        for name, value, meaning in rows
    )
    caption = "Of 100 people accused, so many were really in it"
    st.html(
        f'<p class="rk-who">{stress(member_text.odds_sentence(exposure, before, rate))}</p>'
        f'<div class="mb-odds" {member.at} data-view="{member.view.before} {member.view.alarm}">'
        f'<table class="rk-facts"><caption>{caption}</caption>{body}</table>{_icons(exposure, before, rate)}</div>'
    )


def limits(member: Member) -> None:
    """Shows sources, the attackers' means, and what the numbers cannot say."""
    spec = member.finding.evidence.spec
    shadows = member.exposure.attacks[0].shadows if member.exposure else None
    models = f"{shadows} models" if shadows else "several models"
    fold = folded("Sources, and what these numbers cannot say", icon=":material/menu_book:", key="member_sources")
    if not fold.open:
        return
    with fold:
        st.markdown(
            f"- **How it is measured.** {models} are trained like the real one, each on a random half of the training "
            "records, so that it is known who was in. The attacker knows the training algorithm and has data like "
            "yours; each model is attacked with the help of the others.\n"
            "- **Loss threshold:** a record the model fits well is called a member (Yeom, Giacomelli, Fredrikson and "
            "Jha 2018, [arXiv 1709.01604](https://arxiv.org/abs/1709.01604)). **LiRA:** compares the confidence with "
            "that of models trained with and without this very record (Carlini, Chien, Nasr and others 2022, "
            "[arXiv 2112.03570](https://arxiv.org/abs/2112.03570)). With more shadow models it gets stronger.\n"
            "- **Audit:** canaries are planted, each with probability 1/2, and guessed back; so many right guesses "
            "refute a small ε with 95 % confidence, each audit on its own (Steinke, Nasr and Jagielski 2023, "
            "[arXiv 2305.08846](https://arxiv.org/abs/2305.08846)). *Planted gradients* are seen through every noisy "
            "gradient, *mislabelled records* only through the finished model.\n"
            "- **The limit** over the measured curves is proven for the noise of the training, whatever the data: it "
            "holds for an attacker who has the record and sees every noisy gradient.\n"
            "- **Measured is not a guarantee.** A better attack may come, and one on the gradients sees more than one "
            "on the finished model.\n"
            f"- **Each {spec.record_noun} counts on its own**, and is called a patient here; several of one "
            f"{spec.group_noun} are exposed more. Intervals are exact (Clopper and Pearson 1934) but take scores as "
            "independent.\n"
            "- **Make the numbers yourself:**"
        )
        st.code(
            f"python -m dpcore attacks --dataset {spec.name} --table membership\n"
            f"python -m dpcore attacks --dataset {spec.name} --table audit",
            language=None,
            wrap_lines=True,
        )


def _cards(exposure: Exposure) -> str:
    usual, strict = exposure.best(USUAL), exposure.best(STRICT)
    limit = exposure.limit
    if not exposure.noise_multiplier:
        proven, lines = "no limit", ["Without DP nothing is proven."]
    elif limit[STRICT] >= HOPELESS:
        proven, lines = "practically all", ["nothing is promised here"]
    else:
        proven = f"at most {member_text.people_at_most(limit[USUAL])} of 1,000"
        lines = [
            f"accusing only 1: at most {member_text.people_at_most(limit[STRICT])} of 1,000",
            "against every attack, whatever the data",
        ]
    found, few = usual.found[USUAL], strict.found[STRICT]
    measured = [
        f"95 %: {member_text.interval_words(found)}; by {usual.attack}",
        f"accusing only 1: {member_text.people(few.value)} of 1,000 ({member_text.interval_words(few)})",
    ]
    value = f"{member_text.people(found.value)} of 1,000"
    guess = ["accusing only 1: 1 of 1,000", "an attack that learned nothing"]
    return (
        _card("Best attack, accusing 10 of 1,000 wrongly", "measured", value, measured)
        + _card("Any attack, accusing 10 of 1,000 wrongly", "proven", proven, lines)
        + _card("By guessing", "", "10 of 1,000", guess)
    )


def _card(title: str, tag: str, value: str, lines: Sequence[str]) -> str:
    label = f'<span class="pp-tag pp-tag-{tag}">{tag}</span>' if tag else '<span class="pp-tag">for comparison</span>'
    body = "".join(f"<p>{stress(line)}</p>" for line in lines)
    return (
        f'<section class="pp-card pp-card-{tag or "plain"}"><h3>{html.escape(title)}</h3>{label}'
        f'<p class="pp-value">{stress(value)}</p>{body}</section>'
    )


def _icons(exposure: Exposure, before: int, rate: float) -> str:
    measured = member_text.posterior(1 / before, exposure.best(rate).found[rate].value, rate)
    most = member_text.accused_at_most(member_text.posterior(1 / before, exposure.limit[rate], rate))
    shown = [("measured", round(member_text.ACCUSED * measured)), ("proven limit", most)]
    made = ""
    for name, filled in shown:
        alt = f"100 dots for as many people accused, {filled} of them filled: {name}."
        dots = icons_html(filled=filled, total=member_text.ACCUSED, ring=filled == 0, alt=alt)
        made += f"<figure><figcaption>{name}</figcaption>{dots}</figure>"
    return f'<div class="mb-icons">{made}</div>'


def _before_slider(before: str) -> None:
    key = "member_before"
    if st.session_state.get(key) != before:
        st.session_state[key] = before
    st.select_slider(
        "How sure was the attacker beforehand that you took part?",
        [str(n) for n in BEFORE],
        format_func=lambda n: f"1 in {int(n):,}",
        key=key,
        on_change=_take,
        args=("before",),
    )


def _choice(label: str, name: str, options: dict[str, str], chosen: str) -> None:
    key = f"member_{name}"
    if st.session_state.get(key) != chosen:
        st.session_state[key] = chosen
    st.segmented_control(
        label,
        list(CHOICES[name]),
        format_func=options.__getitem__,
        required=True,
        key=key,
        on_change=_take,
        args=(name,),
    )


def _take(name: str) -> None:
    member_state.change(name, st.session_state.get(f"member_{name}"))
