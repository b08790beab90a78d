"""Several releases about the same patients: a ledger to fill, to save and to load, and what it adds up to."""

from __future__ import annotations

import datetime
import html
from dataclasses import replace
from typing import Any

import streamlit as st

from dpcore import planner
from dpcore.errors import DpcoreError, InvalidValue
from dpcore.planner import Ledger
from dpcore.planner.documents import parse_document, to_json
from ui import plan_loaders, plan_state, plan_totals
from ui.captions import COUNTED
from ui.fields import Field, format_value
from ui.plan_setting import in_words
from ui.plan_upload import uploader
from ui.text import plain

_LEDGER, _BEFORE, _NOTICE, _KEY = "plan_ledger", "plan_ledger_before", "plan_ledger_notice", "plan_ledger_"
#: Of Ziller et al. 2024, for all their datasets.
_PAPER_DELTA = 8e-7
KINDS = {"training": "Training", "gaussian": "Gaussian query", "laplace": "Laplace query"}
FIELDS = {
    field.name: field
    for field in (
        Field(name="budget_epsilon", label="Budget in all, ε", help="", low=0.01, high=1e15, whole=False),
        Field(name="delta", label="δ of the ledger", help="", low=1e-100, high=0.5, whole=False),
        Field(name="images_per_patient", label="Records of one patient", help="", low=1, high=1000, whole=True),
        Field(name="noise_multiplier", label="Noise σ of the release", help="", low=1e-9, high=1e9, whole=False),
        Field(name="sample_rate", label="Sample rate q", help="Batch / N.", low=1e-9, high=1, whole=False),
        Field(name="steps", label="Steps of the release", help="", low=1, high=1e9, whole=True),
        Field(name="times", label="Times asked", help="", low=1, high=1e9, whole=True),
        Field(name="epsilon", label="ε of each query", help="", low=1e-9, high=1e9, whole=False),
    )
}
_HEAD = ("budget_epsilon", "delta", "images_per_patient")
_OF_KIND = {
    "training": ("noise_multiplier", "sample_rate", "steps"),
    "gaussian": ("noise_multiplier", "times"),
    "laplace": ("epsilon", "times"),
}


def ledger(*, has_plan: bool) -> None:
    """Shows the ledger, what it comes to, and its file; without results there is no plan above to begin with."""
    if _LEDGER not in st.session_state:
        st.session_state[_LEDGER] = _begun(has_plan=has_plan)
    now = shown()
    _head(now)
    _rows(now)
    _new(has_plan=has_plan)
    if sentence := st.session_state.get(_NOTICE, ""):
        st.warning(plain(sentence), icon=":material/info:")
    try:
        found = plan_loaders.ledger(now)
    except DpcoreError as error:
        st.error(f"The ledger could not be added up, so nothing is promised. {error}")
    else:
        st.html(plan_totals.totals_html(found))
    st.html('<p class="rk-faint">The ledger stays in this tab only, and goes with it: save it to keep it.</p>')
    with st.container(key="plan_ledger_buttons"):
        st.download_button(
            "Save the ledger (JSON)",
            lambda: to_json(planner.ledger_document(now)),
            file_name="ledger.json",
            mime="application/json",
            key="plan_ledger_save",
            on_click="ignore",
            icon=":material/download:",
        )
        st.button(
            "Undo the last change",
            key="plan_ledger_undo",
            icon=":material/undo:",
            disabled=_BEFORE not in st.session_state,
            help="The ledger as it was before a release was added or removed, a number changed or a file loaded.",
            on_click=_undo,
        )
    uploader("Load a ledger", key="plan_ledger_open", take=take_file)


def shown() -> Ledger:
    """Returns the session's ledger."""
    found: Ledger = st.session_state[_LEDGER]
    return found


def _begun(*, has_plan: bool) -> Ledger:
    """An empty ledger, which counts as the plan does, or with the paper's δ where there is none."""
    empty = Ledger(name="Ledger", budget_epsilon=10.0, delta=_PAPER_DELTA, accountant="tight", images_per_patient=1)
    if not has_plan:
        return empty
    setting = plan_state.current_setting()
    return replace(
        empty, delta=setting.delta, accountant=setting.accountant, images_per_patient=setting.images_per_patient
    )


def take_file(data: bytes) -> str:
    """Takes a ledger's file over; returns a sentence. Raises InvalidValue for what is none."""
    document = parse_document(data)
    if not planner.is_ledger(document):
        raise InvalidValue("The file must be a ledger, but holds plans: open it further up.")
    found = planner.ledger_from_document(document)
    _keep(found)
    count = len(found.releases)
    return f"Loaded the ledger “{found.name}” with {count} release{'' if count == 1 else 's'}."


def _head(now: Ledger) -> None:
    refused = st.session_state.get(_NOTICE, "")
    for name in _HEAD:
        text = format_value(getattr(now, name), FIELDS[name])
        if (not refused or _KEY + name not in st.session_state) and st.session_state.get(_KEY + name) != text:
            st.session_state[_KEY + name] = text
    if st.session_state.get(_KEY + "accountant") != now.accountant:
        st.session_state[_KEY + "accountant"] = now.accountant
    with st.container(key="plan_ledger_head"):
        for name in _HEAD:
            field = FIELDS[name]
            st.text_input(
                field.label,
                key=_KEY + name,
                max_chars=40,
                help=f"{field.rule.capitalize()}.",
                on_change=_take_head,
                args=(name,),
            )
        st.segmented_control(
            "Budget counted",
            list(COUNTED),
            format_func=lambda counted: COUNTED[counted],
            required=True,
            key=_KEY + "accountant",
            on_change=_take_accountant,
        )


def _rows(now: Ledger) -> None:
    if not now.releases:
        st.html('<p class="rk-faint pl-ledger">Nothing was entered yet. What is not here is not counted.</p>')
    for i, release in enumerate(now.releases):
        with st.container(key=f"plan_release_{i}"):
            state = "planned" if release.planned else "made"
            st.html(
                f'<div class="lb-run pl-ledger"><strong>{html.escape(release.label)}</strong> '
                f'<span class="lb-state{"" if release.planned else " lb-state-finished"}">{state}</span><br>'
                f"{release.date.isoformat()}: {html.escape(plan_totals.describe(release))}</div>"
            )
            st.button("Remove", key=f"plan_release_remove_{i}", on_click=_remove, args=(i,))


def _new(*, has_plan: bool) -> None:
    with st.container(key="plan_release_new"):
        kind = st.selectbox("Kind", list(KINDS), format_func=lambda k: KINDS[k], key=_KEY + "kind")
        st.text_input("Label", key=_KEY + "label", max_chars=80, placeholder="such as: model of 2025")
        st.date_input("Date", key=_KEY + "date", value="today")
        for name in _OF_KIND.get(str(kind), ()):
            field = FIELDS[name]
            st.text_input(
                field.label, key=_KEY + "new_" + name, max_chars=40, help=f"{field.help} {field.rule.capitalize()}."
            )
        st.checkbox("only planned", key=_KEY + "planned")
    with st.container(key="plan_release_buttons"):
        st.button("Add to the ledger", key="plan_release_add", icon=":material/add:", on_click=_add)
        st.button(
            "Add the plan above as planned",
            key="plan_release_add_plan",
            icon=":material/event:",
            disabled=not has_plan,
            on_click=_add_plan,
        )


def _change(make: Any) -> bool:
    """Keeps what `make` returns, or says why not; returns whether it was kept."""
    try:
        _keep(make())
    except DpcoreError as error:
        st.session_state[_NOTICE] = f"{in_words(str(error))} Nothing was changed."
        return False
    return True


def _keep(found: Ledger) -> None:
    st.session_state[_BEFORE] = shown()
    st.session_state[_LEDGER] = found
    st.session_state[_NOTICE] = ""


def _undo() -> None:
    """Takes back the last change; once more, and it is made again."""
    _keep(st.session_state.get(_BEFORE, shown()))


def _with(**changes: Any) -> Ledger:
    """Returns the ledger with changes, checked as a file would be."""
    return planner.ledger_from_document({**planner.ledger_document(shown()), **changes})


def _take_head(name: str) -> None:
    _change(lambda: _with(**{name: _number(name, _KEY + name)}))


def _take_accountant() -> None:
    _change(lambda: _with(accountant=st.session_state[_KEY + "accountant"]))


def _number(name: str, key: str) -> float | int:
    value = FIELDS[name].parse(str(st.session_state.get(key) or ""))
    return int(value) if FIELDS[name].whole else value


def _add() -> None:
    def make() -> Ledger:
        state = st.session_state
        kind, day = str(state.get(_KEY + "kind")), state.get(_KEY + "date")
        if not isinstance(day, datetime.date):
            raise InvalidValue("Date must be a day such as 2026-11-24, but is empty.")
        release = {
            "kind": kind,
            "label": str(state.get(_KEY + "label") or ""),
            "date": day.isoformat(),
            "planned": bool(state.get(_KEY + "planned")),
            **{name: _number(name, _KEY + "new_" + name) for name in _OF_KIND.get(kind, ())},
        }
        return _with(releases=[*planner.ledger_document(shown())["releases"], release])

    if _change(make):
        st.session_state[_KEY + "label"] = ""


def _add_plan() -> None:
    def make() -> Ledger:
        plan = plan_state.current_plan()
        if plan is None:
            raise InvalidValue("ε must be a number for a planned training, but is “no DP”.")
        mechanism = plan_loaders.answer(plan).mechanism
        release = {
            "kind": "training",
            "label": f"Plan of {plan.num_train:,} records, batch {plan.expected_batch_size:,}",
            "date": datetime.date.today().isoformat(),
            "planned": True,
            "noise_multiplier": mechanism.noise_multiplier,
            "sample_rate": mechanism.sample_rate,
            "steps": mechanism.steps,
        }
        return _with(releases=[*planner.ledger_document(shown())["releases"], release])

    _change(make)


def _remove(index: int) -> None:
    rest = planner.ledger_document(shown())["releases"]
    _change(lambda: _with(releases=[release for i, release in enumerate(rest) if i != index]))
