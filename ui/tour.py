"""A tour of the start page in under a minute: offered quietly on the first visit, never forced, and always there.

It lives in a fragment of its own, so a step costs no redrawn numbers and a moved slider no redrawn tour.
"""

from __future__ import annotations

import html
from dataclasses import dataclass

import streamlit as st

_STEP = "tour_step"
#: What the session says where there is no step: not yet asked, or declined, ended, or seen to the end.
_UNASKED, _DONE = -1, -2


@dataclass(frozen=True, kw_only=True)
class Step:
    """One stop: its words, and the part of the page that it is about."""

    words: str
    target: str


STEPS = (
    Step(
        words="<strong>The question.</strong> Noise protects the people whose records train a medical model, and makes "
        "the model worse. How much of each is on this page.",
        target=".pp-question",
    ),
    Step(
        words="<strong>The slider.</strong> Left: much noise. Right: little. At the far right: none. Move it, by mouse "
        "or with the arrow keys; everything below follows.",
        target=".st-key-control_bar",
    ),
    Step(
        words="<strong>The sentence.</strong> The whole finding in plain words. If you read one thing, read this.",
        target=".pp-summary",
    ),
    Step(
        words="<strong>Proven or measured.</strong> Blue labels: a limit that no attack can pass. Green labels: what "
        "one attack or model really got. They may lie far apart.",
        target=".pp-cards",
    ),
    Step(
        words="<strong>The pictures.</strong> What the attacker was after, and what came back. Move the slider and "
        "watch them dissolve.",
        target=".pp-gallery, .pp-note.pp-wide[data-epsilon]",
    ),
    Step(
        words="<strong>Your link.</strong> The address in your browser holds what you see. Copy it here and send it: "
        "whoever opens it sees the same.",
        target=".st-key-downloads",
    ),
)


@st.fragment
def tour() -> None:
    """Shows the invitation, a step, or the button that opens the tour again."""
    step = st.session_state.setdefault(_STEP, _UNASKED)
    if step == _UNASKED:
        with st.container(key="tour_invitation"):
            st.html('<p class="pp-new">New here?</p>')
            st.button("Show me in under a minute", key="tour_begin", on_click=_go, args=(0,))
            st.button("No, thanks", key="tour_decline", type="tertiary", on_click=_go, args=(_DONE,))
    elif step == _DONE:
        st.button("Tour", key="tour_again", icon=":material/tour:", type="tertiary", on_click=_go, args=(0,))
    else:
        _stop(step)


def _stop(step: int) -> None:
    """One step, at the lower edge of the window, with the part it is about outlined and in sight."""
    with st.container(key="tour_panel"):
        st.html(
            f'<p class="pp-tour" role="status"><span class="pp-tour-count">{step + 1} of {len(STEPS)}</span> '
            f"{STEPS[step].words}</p>"
        )
        with st.container(key="tour_buttons"):
            st.button("Back", key="tour_back", disabled=step == 0, on_click=_go, args=(step - 1,))
            if step + 1 < len(STEPS):
                st.button("Next", key="tour_next", type="primary", on_click=_go, args=(step + 1,))
            with st.container(key="tour_end"):
                label = "Skip" if step + 1 < len(STEPS) else "Done"
                st.button(label, key="tour_leave", on_click=_go, args=(_DONE,))
        st.html(
            f"<style>:is({STEPS[step].target}) {{ outline: 3px solid var(--pp-here); outline-offset: 5px; "
            f"border-radius: .4rem; scroll-margin: 11rem 0 13rem; }}</style>"
        )
        st.html(f'<i hidden data-tour-target="{html.escape(STEPS[step].target)}"></i>')


def _go(step: int) -> None:
    st.session_state[_STEP] = step
