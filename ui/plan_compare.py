"""Plans side by side, and the privacy label to take along."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from dpcore import planner
from dpcore.errors import DpcoreError, InvalidValue
from dpcore.planner import MOST_PLANS, NoBasis, Plan, PlanAnswer, PlanFile, Row
from dpcore.planner.documents import parse_document
from ui import loaders, plan_loaders, plan_state
from ui.plan_controls import Planned
from ui.plan_forward import at
from ui.plan_limits import LIMITS
from ui.plan_setting import in_words
from ui.plan_state import LINK, LONGEST_PLANS
from ui.plan_upload import uploader
from ui.risk_plot import Axis
from ui.text import plain

_NAME, _NOTICE = "plan_new_name", "plan_compare_notice"
_NATURES = {"given": "given", "proven": "proven", "estimated": "estimated", "measured": "measured"}
_DOTS = (
    ("pl-guess", "by guessing, a record"),
    ("pl-lacks", "rebuilt by an attacker who does not hold it"),
    ("pl-holds", "record recognised by one who holds it"),
    ("pl-patient", "patient recognised by one who holds all records"),
)


def compare(planned: Planned) -> None:
    """Offers to put the plan beside others, and shows them in a chart and a table."""
    view = planned.view
    _add_row(planned)
    if sentence := st.session_state.get(_NOTICE, ""):
        st.warning(plain(sentence), icon=":material/info:")
    if not view.compared:
        st.html('<p class="rk-faint pl-compare">No plan yet: add this one, change it, and add it again.</p>')
        return
    if len(plan_state.plans_text(view.compared)) > LONGEST_PLANS:
        st.html('<p class="rk-faint">These plans are too long for the link; save them as a file below.</p>')
    try:
        answers = tuple(plan_loaders.answer(plan) for plan in view.compared)
    except DpcoreError as error:
        st.error(str(error))
        return
    st.html(chart_html(answers) + table_html(planner.get_rows(answers), view.compared))
    with st.container(key="plan_remove"):
        for i, plan in enumerate(view.compared):
            st.button(f"Remove {plain(plan.name)}", key=f"plan_remove_{i}", on_click=_remove, args=(plan.name,))


def label(planned: Planned) -> None:
    """Offers the privacy label of the compared plans, or of this one, each file made only when asked for."""
    plans = planned.view.compared or ((planned.plan,) if planned.plan else ())
    if not plans:
        st.html('<p class="rk-faint">A label needs a plan with DP.</p>')
        return
    limits = tuple(LIMITS[name].limit(v) for name, v in planned.view.limits.items())
    file = PlanFile(plans=plans, limits=limits)
    many = len(planned.view.compared)
    whose = f"the {many} compared plans" if many > 1 else "the compared plan" if many else "this plan"
    st.html(
        f'<p class="rk-text" {at(planned)}>One page about {whose}: odds, people, assumptions, sources, and a hash '
        f"(<code>{file.hash}</code>). Save the plan file and repeat it: "
        '<code class="pl-command">python -m dpcore plan FILE</code>.</p>'
    )
    made: tuple[tuple[str, str, str, str, Callable[[], str | bytes]], ...] = (
        ("Label (HTML)", "privacy-label.html", "text/html", "article", lambda: _html(file)),
        ("Label (PDF)", "privacy-label.pdf", "application/pdf", "picture_as_pdf", lambda: _pdf(file)),
        ("Plan file (JSON)", "plan.json", "application/json", "data_object", lambda: _json(file)),
        ("Numbers (CSV)", "plan.csv", "text/csv", "download", lambda: _csv(file)),
    )
    with st.container(key="plan_downloads"):
        for words, name, mime, icon, make in made:
            st.download_button(
                words,
                make,
                file_name=name,
                mime=mime,
                key=f"plan_get_{name}",
                on_click="ignore",
                icon=f":material/{icon}:",
            )
    uploader("Open a plan file", key="plan_open", take=take_file)


def take_file(data: bytes) -> str:
    """Takes a plan file's plans and limits over; returns a sentence. Raises InvalidValue for what is none."""
    document = parse_document(data)
    if planner.is_ledger(document):
        raise InvalidValue("The file must be a plan file, but is a ledger: load it further down.")
    file = planner.plans_from_document(document)
    known = {(field.kind, field.level): name for name, field in LIMITS.items()}
    limits = {known[x.kind, x.level]: x.value for x in file.limits}
    LINK.change(replace(LINK.shown(), compared=file.plans, limits=limits or LINK.shown().limits))
    return f"Loaded {len(file.plans)} of at most {MOST_PLANS} plans."


def chart_html(answers: tuple[PlanAnswer, ...]) -> str:
    """Returns the small chart: chances of each plan on one logarithmic line."""
    axis = Axis(
        low=1e-6,
        high=1.0,
        ticks=[(10.0**k, words) for k, words in ((-6, "10⁻⁶"), (-4, "1 in 10,000"), (-2, "1 in 100"), (0, "all"))],
        title="proven chance, at most: safer ← → riskier",
        logarithmic=True,
    )
    rows = []
    for a in answers:
        chances = (a.record.kappa, a.record.relaxed, a.record.worst_case, a.patient.worst_case)
        dots = "".join(
            f'<i class="pl-dot {style}" style="left:{axis.place(value):.2f}%"></i>'
            for (style, _), value in zip(_DOTS, chances, strict=True)
            if value is not None
        )
        useful = "no basis for utility"
        if not isinstance(a.utility, NoBasis):
            useful = f"utility about {100 * a.utility.share:.0f} % of that without DP"
        alt = f"{a.plan.name}: record at most {a.record.worst_case:.3g}, patient at most {a.patient.worst_case:.3g}"
        rows.append(
            f'<div class="pl-row" role="img" aria-label="{html.escape(alt)}"><span class="pl-name">'
            f"{html.escape(a.plan.name)} <b>{useful}</b></span>"
            f'<div class="pl-track">{dots}</div></div>'
        )
    ticks = "".join(f'<span class="rk-tick-x" style="left:{axis.place(v):.2f}%">{t}</span>' for v, t in axis.ticks)
    legend = "".join(f'<li><i class="pl-dot {style}"></i>{words}</li>' for style, words in _DOTS)
    return (
        f'<div class="pl-band pl-compare"><div class="pl-plot">{"".join(rows)}{ticks}</div>'
        f'<div class="rk-title-x">{axis.title}</div><ul class="pl-legend">{legend}</ul></div>'
    )


def table_html(rows: tuple[Row, ...], plans: tuple[Plan, ...]) -> str:
    """Returns the table: what differs first, then what is the same in all."""
    several = len(plans) > 1
    differ = [row for row in rows if several and len(set(row.texts)) > 1]
    same = [row for row in rows if row not in differ]
    head = "".join(f'<th scope="col">{html.escape(plan.name)}</th>' for plan in plans)
    parts = [("What differs", differ), ("The same in all" if several else "All numbers", same)]
    body = ""
    for title, part in parts:
        if part:
            body += f'<tr class="lb-part"><th scope="rowgroup" colspan="{len(plans) + 1}">{title}</th></tr>'
            body += "".join(_line(row) for row in part)
    return (
        f'<div class="pp-scroll" tabindex="0" role="region" aria-label="Plans side by side">'
        f'<table class="lb-compare"><tr><td></td>{head}</tr>{body}</table></div>'
    )


def _line(row: Row) -> str:
    cells = "".join(f"<td>{html.escape(text)}</td>" for text in row.texts)
    tag = "" if row.nature == "given" else f' <span class="pp-tag pp-tag-{row.nature}">{_NATURES[row.nature]}</span>'
    return f'<tr><th scope="row">{html.escape(row.label)}{tag}</th>{cells}</tr>'


def _add_row(planned: Planned) -> None:
    full = len(planned.view.compared) >= MOST_PLANS
    if _NAME not in st.session_state:
        st.session_state[_NAME] = _free_name()
    with st.container(key="plan_add"):
        st.text_input("Name", key=_NAME, max_chars=80, help="What the plan is called in table, label and file.")
        st.button(
            "Add this plan",
            key="plan_add_button",
            icon=":material/add:",
            disabled=full or planned.plan is None,
            help=f"Up to {MOST_PLANS} plans side by side.",
            on_click=_add,
        )


def _add() -> None:
    name = str(st.session_state.get(_NAME) or "")
    try:
        plan_state.add_plan(name)
    except DpcoreError as error:
        st.session_state[_NOTICE] = f"{in_words(str(error))} Nothing was changed."
        return
    st.session_state[_NOTICE] = ""
    st.session_state[_NAME] = _free_name()


def _free_name() -> str:
    taken = {plan.name for plan in LINK.shown().compared}
    return next(name for name in (f"Plan {letter}" for letter in "ABCDE") if name not in taken)


def _remove(name: str) -> None:
    plan_state.take_plans(tuple(plan for plan in LINK.shown().compared if plan.name != name))
    st.session_state[_NOTICE] = ""


def _html(file: PlanFile) -> str:
    from dpcore.planner.label_html import to_html

    return to_html(planner.make_label(file, *planner.answer_file(file, loaders.store())))


def _pdf(file: PlanFile) -> bytes:
    from dpcore.planner.label_pdf import to_pdf  # Brings fpdf2: only who wants a PDF waits for it.

    return to_pdf(planner.make_label(file, *planner.answer_file(file, loaders.store())))


def _json(file: PlanFile) -> str:
    return planner.make_label(file, *planner.answer_file(file, loaders.store())).document


def _csv(file: PlanFile) -> str:
    return planner.to_csv(planner.answer_file(file, loaders.store())[0])
