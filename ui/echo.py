"""Old values that a browser sends once more, told from what a visitor did.

A page that looks again by itself (`run_every`) sends the values of all widgets each time. Where it does so before the
browser has heard that the app put another value into a widget, Streamlit takes the old one for a change by the visitor.
"""

from __future__ import annotations

import time

import streamlit as st

#: A browser has the new value within a few tens of milliseconds; nobody types the old one again as quickly.
_SECONDS = 1.0
_LOOKS, _PUT, _REPLACED = "echo_looks", "echo_put", "echo_replaced"


def expect(looks: bool) -> None:
    """Says whether the page looks again by itself: without that, only what comes beside a moved widget is an echo."""
    st.session_state[_LOOKS] = looks


def put(key: str, value: object) -> None:
    """Puts a value into a widget; only where it differs, so that a slider being moved does not jump back."""
    state = st.session_state
    if state.get(key) == value:
        return
    if key in state:
        state[_REPLACED] = [*_replaced(), (key, state[key], time.monotonic())]
    state[_PUT] = {**state.get(_PUT, {}), key: value}
    state[key] = value


def is_echo(key: str, *, beside: bool = False) -> bool:
    """Whether a widget's value is one that the app has just replaced; the app's own value is then put back.

    For callbacks, before they believe what they are told. `beside` says that another widget was moved in the same
    message, which brings the values of all.
    """
    state = st.session_state
    if not (beside or state.get(_LOOKS)) or all(place != key or state[key] != value for place, value, _ in _replaced()):
        return False
    state[key] = state[_PUT][key]
    return True


def _replaced() -> list[tuple[str, object, float]]:
    """What was replaced a moment ago: widget, value, when."""
    now = time.monotonic()
    return [entry for entry in st.session_state.get(_REPLACED, ()) if now - entry[2] < _SECONDS]
