"""What a visitor changes on the planner's page: the control bar and the plan's own numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import streamlit as st

from dpcore.errors import DpcoreError
from dpcore.planner import Plan, PlanAnswer, Setting
from ui import plan_loaders, plan_state
from ui.controls import control_bar
from ui.field_row import number_fields
from ui.finding import Finding
from ui.plan_setting import FIELDS, Base, base_of, make_plan, make_setting, values
from ui.plan_state import LINK, PLAN_NAME, PlanView
from ui.text import plain

_FIELD = "plan_field_"


@dataclass(frozen=True, kw_only=True)
class Planned:
    """Everything this page shows."""

    finding: Finding
    view: PlanView
    base: Base
    setting: Setting
    #: None without DP.
    plan: Plan | None
    #: None without DP, or where `problem` says why there is none.
    answer: PlanAnswer | None
    problem: str = ""

    @property
    def epsilon(self) -> float:
        """The record's ε as counted; infinite without DP or a bound, NaN where nothing could be computed."""
        if self.answer is None:
            return math.nan if self.problem else math.inf
        record = self.answer.record
        return record.epsilon_rdp if self.setting.accountant == "rdp" else record.epsilon_tight


def plan_bar() -> Planned:
    """Shows the control bar with σ of the visitor's own plan; raises ResultsUnavailable."""
    sent = LINK.sent()
    found: list[Planned] = []

    def noise_of(finding: Finding) -> float:
        found.append(_planned(finding, sent))
        answer = found[-1].answer
        if answer is not None:
            return answer.mechanism.noise_multiplier
        return math.nan if found[-1].problem else 0.0

    control_bar(noise_of=noise_of)
    LINK.write(plan_state.link_parameters(found[-1].view))
    return found[-1]


def plan_fields(planned: Planned) -> None:
    """Offers the plan's numbers to change, and a way back."""
    refused = LINK.notice()
    now = values(planned.view.overrides, planned.base)
    texts = {name: field.show(now[name]) for name, field in FIELDS.items()}
    with st.container(key="plan_fields"):
        number_fields(FIELDS.values(), texts, prefix=_FIELD, keep_typed=bool(refused), take=_take_field)
        st.button(
            "Reset",
            key="plan_reset",
            on_click=_reset,
            disabled=not planned.view.overrides and not refused,
            icon=":material/undo:",
            help="Back to the training that was measured.",
        )
    if refused:
        st.warning(plain(refused), icon=":material/info:")


def _planned(finding: Finding, sent: dict[str, list[str]]) -> Planned:
    base = base_of(finding.evidence)
    view = plan_state.current(sent, base)
    counted = finding.counted
    setting = make_setting(view.overrides, base, counted)
    plan = make_plan(view.overrides, base, epsilon=finding.epsilon, counted=counted, name=PLAN_NAME)
    answer, problem = None, ""
    try:
        answer = plan_loaders.answer(plan) if plan else None
    except DpcoreError as error:
        problem = str(error)
    return Planned(finding=finding, view=view, base=base, setting=setting, plan=plan, answer=answer, problem=problem)


def _take_field(name: str) -> None:
    plan_state.take_number(name, str(st.session_state[_FIELD + name] or ""))


def _reset() -> None:
    LINK.change(replace(LINK.shown(), overrides={}))
