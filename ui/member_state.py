"""What a visitor chooses on the membership page beyond the control bar: in the session and in the URL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from ui.epsilon import quoted

#: The attacker's belief beforehand, as “1 in so many”.
BEFORE = (1000, 500, 200, 100, 50, 20, 10, 5, 3, 2)
#: What the URL may say; the first is the default and left out.
CHOICES: dict[str, tuple[str, ...]] = {
    "axes": ("log", "linear"),
    "alarm": ("1", "0.1"),
    "before": ("10", *(str(n) for n in BEFORE if n != 10)),
}

_VIEW, _WRITTEN, _NOTICE, _TOUCHED = "member_view", "member_link", "member_notice", "member_touched"

Sent = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class MemberView:
    """What this page shows beyond the control bar, spelled as in the URL."""

    axes: str = "log"
    #: False-positive rate of the alarm, per cent.
    alarm: str = "1"
    #: One in so many was the belief beforehand.
    before: str = "10"


def link_parameters(view: MemberView) -> dict[str, str]:
    """Returns the query parameters that lead back to the view; defaults are left out."""
    wanted = {name: str(getattr(view, name)) for name in CHOICES}
    return {name: value for name, value in wanted.items() if value != CHOICES[name][0]}


def read_link(sent: Sent, view: MemberView) -> tuple[MemberView, list[str]]:
    """Returns the view a link asks for, and a sentence for each part that cannot be used."""
    problems: list[str] = []
    for name, values in sent.items():
        allowed = CHOICES[name]
        if len(values) > 1:
            problems.append(f"In the link: {name} must be given once, but is given {len(values)} times.")
        elif values and values[0] in allowed:
            view = replace(view, **{name: values[0]})
        elif values:
            problems.append(f"In the link: {name} must be one of {', '.join(allowed)}, but is {quoted(values[0])}.")
    return view, problems


def sent_parameters() -> dict[str, list[str]]:
    """Returns this page's part of the URL. Read it before the control bar, which may rewrite the URL."""
    return {name: st.query_params.get_all(name) for name in CHOICES if name in st.query_params}


def current(sent: Sent) -> MemberView:
    """Returns the session's view, after the URL if the visitor came by a link."""
    state = st.session_state
    view: MemberView = state.get(_VIEW, MemberView())
    if not state.pop(_TOUCHED, False) and sent and sent != state.get(_WRITTEN):
        view, problems = read_link(sent, view)
        state[_NOTICE] = " ".join([*problems, "That part of the link was ignored."]) if problems else ""
    state[_VIEW] = view
    return view


def change(name: str, value: object) -> None:
    """Takes a choice over if it is one; for callbacks, whose values come from the client."""
    if isinstance(value, str) and value in CHOICES[name]:
        st.session_state[_VIEW] = replace(st.session_state.get(_VIEW, MemberView()), **{name: value})
    st.session_state[_NOTICE] = ""
    st.session_state[_TOUCHED] = True


def notice() -> str:
    """Returns the sentence about the last refused link, or nothing."""
    return str(st.session_state.get(_NOTICE, ""))


def write_link(view: MemberView) -> None:
    """Puts the view into the URL beside what the control bar put there."""
    written = {name: [value] for name, value in link_parameters(view).items()}
    if sent_parameters() != written:
        others = {name: st.query_params.get_all(name) for name in st.query_params if name not in CHOICES}
        st.query_params.from_dict({**others, **written})
    st.session_state[_WRITTEN] = written
