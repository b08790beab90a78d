"""What a visitor chooses before a training: the control bar, the training's settings, and the buttons."""

from __future__ import annotations

import streamlit as st

from dpcore.errors import DpcoreError
from dpcore.jobs import ProfileTask, Task, curve_tasks, run_tasks
from dpcore.jobs.rows import JobKind
from dpcore.results.metrics import get_model_words_from_name
from dpcore.settings import models_for
from ui import echo, glossary, lab_loaders, lab_state, loaders, state
from ui.controls import control_bar
from ui.field_row import number_fields
from ui.finding import Finding
from ui.lab_plan import Plan, base_of, make_plan
from ui.lab_setting import FIELDS, Base
from ui.lab_state import LINK
from ui.lab_visitor import visitor
from ui.text import plain

_FIELD = "lab_field_"
_MODEL, _ALLOWED = "lab_model", "lab_look_allowed"
#: Set by a button; the page then runs whole, so that what is below the fragment shows the new job.
_STARTED = "lab_started"
_REFUSED = "lab_refused"
#: Whether a field holds something that was refused and is still there to be mended.
_UNMENDED = "lab_unmended"


def lab_bar() -> Plan:
    """Shows the control bar with σ of the visitor's own training; raises ResultsUnavailable."""
    sent = LINK.sent()
    found: list[Plan] = []

    def noise_of(finding: Finding) -> float:
        base = base_of(finding)
        found.append(make_plan(finding, lab_state.current(sent, base), base))
        return found[-1].proof.noise_multiplier

    control_bar(noise_of=noise_of)
    LINK.write(lab_state.link_parameters(found[-1].view))
    return found[-1]


def settings_form(plan: Plan) -> None:
    """Offers the model and the numbers of the training to change, and a way back."""
    refused = LINK.notice()
    base = plan.base
    echo.put(_MODEL, plan.settings.training.model)
    texts = {name: field.show(plan.view.overrides.get(name, base.value(name))) for name, field in FIELDS.items()}
    fields = [field for name, field in FIELDS.items() if name != "views" or base.spec.kind == "image"]
    with st.container(key="lab_fields"):
        st.selectbox(
            "Model",
            models_for(base.spec),
            format_func=get_model_words_from_name,
            key=_MODEL,
            help=f"What learns. Larger models need more time, and more noise drowns them. {glossary.meaning('models')}",
            on_change=_take_model,
        )
        number_fields(fields, texts, prefix=_FIELD, keep_typed=bool(refused), take=_take_field)
        st.button(
            "Reset",
            key="lab_reset",
            on_click=lab_state.reset,
            disabled=not plan.view.overrides and not plan.view.model and not refused,
            icon=":material/undo:",
            help="Back to the settings of the precomputed curve.",
        )
    if refused:
        st.warning(plain(refused), icon=":material/info:")


def buttons(plan: Plan) -> None:
    """Offers to start one training or a whole curve, and says what stands in the way."""
    if plan.problem:
        st.warning(plain(plan.problem), icon=":material/info:")
    with st.container(key="lab_buttons"):
        st.button(
            "Start training",
            key="lab_start",
            type="primary",
            disabled=bool(plan.problem),
            icon=":material/play_arrow:",
            on_click=_submit,
            args=("run",),
        )
        st.button(
            "Train a whole curve",
            key="lab_curve",
            disabled=bool(plan.problem),
            icon=":material/show_chart:",
            help="Nine trainings with these settings: without DP, and at eight budgets.",
            on_click=_submit,
            args=("curve",),
        )
    if sentence := st.session_state.pop(_REFUSED, ""):
        st.error(plain(sentence))


def look_button(plan: Plan) -> None:
    """Offers a look at gradient norms; of real records only who says so looks, because no budget pays for it."""
    allowed = plan.base.spec.synthetic
    if not allowed:
        allowed = st.checkbox(
            "These are real records, and no privacy budget pays for this look. I may look at them all the same.",
            key=_ALLOWED,
        )
    st.button(
        "Look at gradient norms",
        key="lab_look",
        disabled=not allowed or bool(plan.problem),
        icon=":material/bar_chart:",
        help="Trains one epoch without DP and measures how strongly single records pull.",
        on_click=_submit,
        args=("profile",),
    )


def take_clip_norm(value: float) -> None:
    """Takes a clip norm over into the settings; for callbacks."""
    lab_state.take_number("clip", f"{value:.3g}", _base())


def restart_if_started() -> None:
    """Runs the whole page once after a job was asked for; call it inside the fragment, before anything is drawn."""
    if st.session_state.pop(_STARTED, False):
        st.rerun()


def _take_field(name: str) -> None:
    if echo.is_echo(_FIELD + name):
        return
    lab_state.take_number(name, str(st.session_state[_FIELD + name] or ""), _base())
    st.session_state[_UNMENDED] = bool(LINK.notice())


def _take_model() -> None:
    if not echo.is_echo(_MODEL):
        lab_state.take_model(str(st.session_state[_MODEL]), _base())


def _finding() -> Finding:
    view = state.shown()
    return loaders.finding(view.dataset, view.epsilon, view.counted)


def _base() -> Base:
    return base_of(_finding())


def _take_typed() -> bool:
    """Takes over what was typed without pressing Enter; returns whether all fields hold a value that can be used."""
    for name, field in FIELDS.items():
        base, view, typed = _base(), LINK.shown(), st.session_state.get(_FIELD + name)
        if typed is not None and typed != field.show(view.overrides.get(name, base.value(name))):
            _take_field(name)
    return not (st.session_state.get(_UNMENDED) and LINK.notice())


def _submit(kind: JobKind) -> None:
    """Writes the job down and looks at it; a refusal keeps everything as it was."""
    if not _take_typed():
        st.session_state[_REFUSED] = f"Nothing was started. {LINK.notice()}"
        return
    try:
        plan = make_plan(_finding(), LINK.shown(), _base())
        job = lab_loaders.store().submit(visitor(), kind, _tasks(kind, plan))
    except DpcoreError as error:
        st.session_state[_REFUSED] = f"{error} Your settings are as you left them."
        return
    if kind != "profile":
        lab_state.show_run(job)
    st.session_state[_STARTED] = True


def _tasks(kind: JobKind, plan: Plan) -> tuple[Task, ...]:
    if kind == "run":
        return run_tasks(plan.settings)
    if kind == "curve":
        return curve_tasks(plan.settings)
    settings, real = plan.settings, not plan.base.spec.synthetic
    allowed = real and bool(st.session_state.get(_ALLOWED))
    return (ProfileTask(dataset=settings.dataset, training=settings.training, on_private_data=allowed),)
