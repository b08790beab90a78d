"""The control bar, the same on every page: dataset, budget on a slider and typed, and how ε is counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from dpcore import datasets
from dpcore.errors import DpcoreError
from ui import echo, loaders, state
from ui.captions import COUNTED
from ui.epsilon import format_epsilon, name_budget, parse_epsilon, refuse_epsilon
from ui.evidence import Counted, Evidence
from ui.finding import Finding
from ui.glossary import meaning
from ui.numbers import format_sigma
from ui.state import View
from ui.text import plain

_DATASET, _SLIDER, _TYPED, _COUNTED = "bar_dataset", "bar_slider", "bar_typed", "bar_counted"

_HELP_EPSILON = (
    f"**ε:** {meaning('epsilon')} **σ:** {meaning('noise')} **DP:** {meaning('dp')} The stops are the measured budgets."
)
_HELP_COUNTED = f"{meaning('accountant')} The noise σ, the risks and the pictures stay the same."
_HELP_TYPED = "Any budget from 0.1 to 10¹⁵, such as 12.5, 1e6, 10⁶ or 1,000,000, or “no DP”. Press Enter."


def control_bar(noise_of: Callable[[Finding], float] | None = None) -> Finding:
    """Shows the bar and returns what is known at the chosen view; raises ResultsUnavailable.

    `noise_of` gives the σ to show where a page counts with another training than the measured one.
    """
    names = loaders.dataset_names()
    view = state.current(names, loaders.settle)
    evidence = loaders.evidence(view.dataset)
    view = replace(view, epsilon=evidence.settle(view.epsilon, view.counted))
    finding = loaders.finding(view.dataset, view.epsilon, view.counted)
    _prepare(view)
    with st.container(key="control_bar"):
        st.selectbox("Data", names, format_func=_title, key=_DATASET, on_change=_take_dataset)
        st.select_slider(
            slider_label(finding, noise_of(finding) if noise_of else None),
            _stops(evidence, view),
            format_func=format_epsilon,
            key=_SLIDER,
            help=_HELP_EPSILON,
            on_change=_take_slider,
        )
        st.text_input("or type ε", key=_TYPED, max_chars=40, help=_HELP_TYPED, on_change=_take_typed)
        st.segmented_control(
            "ε counted",
            list(COUNTED),
            format_func=lambda counted: COUNTED[counted],
            required=True,
            key=_COUNTED,
            help=_HELP_COUNTED,
            on_change=_take_counted,
        )
    if sentence := state.notice():
        st.warning(plain(sentence), icon=":material/info:")
    state.write_link(view)
    return finding


def _title(name: str) -> str:
    return datasets.spec(name).title


def _stops(evidence: Evidence, view: View) -> list[float]:
    """The sweep's budgets, and a typed one between them."""
    return sorted({*(point.epsilon(view.counted) for point in evidence.points), view.epsilon})


def slider_label(finding: Finding, noise_multiplier: float | None = None) -> str:
    """Returns what stands over the slider: the budget and σ, by default the measured training's."""
    sigma = finding.proof.noise_multiplier if noise_multiplier is None else noise_multiplier
    return f"Privacy budget {name_budget(finding.epsilon)}, noise σ = {format_sigma(sigma)}"


def _prepare(view: View) -> None:
    """Sets the widgets to the view; only where they differ, so that a slider being moved does not jump back."""
    wanted = {_DATASET: view.dataset, _SLIDER: view.epsilon, _COUNTED: view.counted}
    if not state.notice() or _TYPED not in st.session_state:
        wanted[_TYPED] = format_epsilon(view.epsilon)
    for key, value in wanted.items():
        echo.put(key, value)


def _take_dataset() -> None:
    """Keeps the nominal budget: the same stop of the other dataset's sweep."""
    view, name = state.shown(), st.session_state[_DATASET]
    if echo.is_echo(_DATASET):
        return None
    if name not in loaders.dataset_names():
        return state.refuse("Data must be one of the datasets on offer.")
    try:
        epsilon = _same_stop(view, name)
    except DpcoreError as error:
        return state.refuse(f"{error} Still shown: {_title(view.dataset)}.")
    return state.change(replace(view, dataset=name, epsilon=epsilon))


def _same_stop(view: View, dataset: str) -> float:
    here = loaders.evidence(view.dataset).point_at(view.epsilon, view.counted)
    there = [p for p in loaders.evidence(dataset).points if here and p.target_epsilon == here.target_epsilon]
    return there[0].epsilon(view.counted) if there else view.epsilon


def _take_slider() -> None:
    if not echo.is_echo(_SLIDER):
        _take_epsilon(st.session_state[_SLIDER])


def _take_typed() -> None:
    # A slider that moves on at once brings along what the field said before the first move.
    if not echo.is_echo(_TYPED, beside=state.was_touched()):
        _take_epsilon(st.session_state[_TYPED])


def _take_epsilon(asked: object) -> None:
    """Takes a budget over as typed or as a stop of the slider; otherwise keeps the last good one and says why."""
    view = state.shown()
    try:
        epsilon = asked if isinstance(asked, float) else parse_epsilon(str(asked or ""))
        settled = loaders.settle(view.dataset, epsilon, view.counted)
    except DpcoreError:
        kept = name_budget(view.epsilon)
        return state.refuse(f"{refuse_epsilon(asked or '')} Still shown: {kept}.")
    return state.change(replace(view, epsilon=settled))


def _take_counted() -> None:
    """Keeps the mechanism: the same σ gets the other accountant's ε."""
    view: View = state.shown()
    if echo.is_echo(_COUNTED):
        return None
    counted: Counted = st.session_state[_COUNTED]
    if counted not in COUNTED:
        return state.refuse("ε counted must be as in the paper or tightly.")
    try:
        epsilon = loaders.recount(view.dataset, view.epsilon, old=view.counted, new=counted)
    except DpcoreError as error:
        return state.refuse(f"{error} Still counted {COUNTED[view.counted]}.")
    return state.change(replace(view, epsilon=epsilon, counted=counted))
