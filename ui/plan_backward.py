"""Backwards: limits, what they allow, and what would help where they allow nothing."""

from __future__ import annotations

import html
import math
from dataclasses import replace

import streamlit as st

from dpcore import planner
from dpcore.errors import DpcoreError, InvalidValue
from dpcore.planner import Feasible, Infeasible, Remedy
from ui import loaders, plan_loaders, plan_state, state
from ui.blocks import stress
from ui.chart_blocks import table
from ui.plan_band import band_html, band_rows
from ui.plan_controls import Planned
from ui.plan_forward import at
from ui.plan_limits import LIMITS, LimitField
from ui.plan_setting import overrides_of
from ui.plan_state import LINK
from ui.risk_charts import to_csv
from ui.text import plain

_ON, _VALUE, _NOTICE = "plan_limit_on_", "plan_limit_", "plan_limit_notice"


def backwards(planned: Planned) -> None:
    """Offers limits and shows the range of ε and σ that keeps them all, or the closest and what would help."""
    _limit_fields(planned)
    limits = tuple(LIMITS[name].limit(planned.view.limits[name]) for name in LIMITS if name in planned.view.limits)
    if not limits:
        st.html(f'<p class="rk-text pl-outcome" {at(planned)}>Set a limit to see which budgets keep it.</p>')
        return
    try:
        found = plan_loaders.outcome(planned.setting, limits)
    except DpcoreError as error:
        st.error(f"The limits could not be solved for, so nothing is promised. {error}")
        return
    first, *closest = planner.describe_outcome(found)
    points = "".join(f"<li>{stress(sentence)}</li>" for sentence in closest)
    possible = isinstance(found, Feasible)
    st.html(
        f'<p class="rk-big pl-outcome {"" if possible else "pl-not"}" {at(planned)} role="status">'
        f"<strong>{html.escape(first)}</strong></p>"
        + (f'<ul class="pp-person">{points}</ul>' if points else "")
        + band_html(found, epsilon=planned.epsilon, attributes=at(planned))
    )
    if isinstance(found, Feasible):
        _take_budget_button(found)
    else:
        _show_remedies(found)
    headings, rows = band_rows(found)
    table("limits", lambda: _table(headings, rows), lambda: to_csv(headings, rows), page="plan")


def _limit_fields(planned: Planned) -> None:
    refused = str(st.session_state.get(_NOTICE, ""))
    limits = planned.view.limits
    for name, field in LIMITS.items():
        on, text = name in limits, field.show(limits[name]) if name in limits else None
        if st.session_state.get(_ON + name) != on:
            st.session_state[_ON + name] = on
        if _VALUE + name not in st.session_state:
            st.session_state[_VALUE + name] = text or field.default
        elif text is not None and not refused and st.session_state[_VALUE + name] != text:
            st.session_state[_VALUE + name] = text
    with st.container(key="plan_limits"):
        for field in LIMITS.values():
            if not field.more:
                _limit_row(field)
    with st.expander("More limits", icon=":material/tune:"), st.container(key="plan_limits_more"):
        for field in LIMITS.values():
            if field.more:
                _limit_row(field)
    if refused:
        st.warning(plain(refused), icon=":material/info:")


def _limit_row(field: LimitField) -> None:
    name = field.name
    with st.container(key=f"plan_limit_row_{name}"):
        st.checkbox(field.label, key=_ON + name, on_change=_take_limit, args=(name,))
        st.text_input(
            f"Value of: {field.label}",
            key=_VALUE + name,
            max_chars=40,
            label_visibility="collapsed",
            on_change=_take_limit,
            args=(name, True),
        )


def _take_limit(name: str, typed: bool = False) -> None:
    """Sets or lifts a limit; a typed value sets it. A refused one changes nothing and stays to be mended."""
    limits = dict(LINK.shown().limits)
    if not typed and not st.session_state[_ON + name]:
        limits.pop(name, None)
    else:
        try:
            limits[name] = LIMITS[name].parse(str(st.session_state[_VALUE + name] or ""))
        except InvalidValue as error:
            st.session_state[_NOTICE] = f"{error} Nothing was changed."
            LINK.change(LINK.shown())
            return
    st.session_state[_NOTICE] = ""
    LINK.change(replace(LINK.shown(), limits=limits))


def _take_budget_button(found: Feasible) -> None:
    if not 0.1 <= found.epsilon_high < math.inf:
        return
    budget = _floor(found.epsilon_high)
    st.button(
        f"Take ε = {budget:g} over",
        key="plan_take_budget",
        icon=":material/check:",
        help="The largest budget that keeps all limits.",
        on_click=_take_budget,
        args=(budget,),
    )


def _show_remedies(found: Infeasible) -> None:
    try:
        remedies = plan_loaders.remedies(found)
    except DpcoreError as error:
        st.error(str(error))
        return
    if not remedies:
        st.html('<p class="rk-text">Nothing that was tried is known to help: loosen a limit.</p>')
        return
    st.html('<p class="rk-text"><strong>What would help?</strong></p>')
    for i, remedy in enumerate(remedies):
        with st.container(key=f"plan_remedy_{i}"):
            st.html(f'<p class="rk-text">{stress(remedy.text)}</p>')
            if remedy.helps:
                st.button(
                    "Take it over",
                    key=f"plan_take_{i}",
                    icon=":material/check:",
                    help=f"{remedy.kind.capitalize()} in the plan above.",
                    on_click=_take_remedy,
                    args=(remedy,),
                )


def _take_remedy(remedy: Remedy) -> None:
    view = LINK.shown()
    overrides = overrides_of(remedy.setting, plan_state.current_base(), view.overrides)
    LINK.change(replace(view, overrides=overrides))
    if remedy.helps and remedy.epsilon > 0 and math.isfinite(remedy.noise_multiplier):
        _take_budget(float(f"{remedy.epsilon:.6g}"))


def _take_budget(epsilon: float) -> None:
    """Takes a budget over into the bar, and lets it decide the noise."""
    bar, view = state.shown(), LINK.shown()
    try:
        state.change(replace(bar, epsilon=loaders.settle(bar.dataset, epsilon, bar.counted)))
    except DpcoreError as error:
        LINK.refuse(f"{error} Nothing was changed.")
        return
    LINK.change(replace(view, overrides={n: v for n, v in view.overrides.items() if n != "sigma"}))


def _floor(value: float) -> float:
    """Four digits, never more than the value."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 3)
    return float(f"{math.floor(value / unit) * unit:.4g}")


def _table(headings: list[str], rows: list[list[object]]) -> str:
    words = dict(zip(headings, ("Limit", "ε from", "ε to", "σ from", "σ to"), strict=True))
    head = "".join(f'<th scope="col">{words[name]}</th>' for name in headings)
    body = "".join(
        f'<tr><th scope="row">{html.escape(str(row[0]))}</th>'
        + "".join(f"<td>{'any' if v == math.inf else f'{v:.4g}'}</td>" for v in row[1:])
        + "</tr>"
        for row in rows
    )
    return f'<div class="pp-scroll" tabindex="0"><table class="pp-table"><tr>{head}</tr>{body}</table></div>'
