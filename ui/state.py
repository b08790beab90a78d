"""What the visitor looks at: dataset, budget and how it is counted. Lives in the session and in the URL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from dpcore.errors import InvalidValue
from ui.epsilon import link_epsilon, parse_epsilon, quoted, refuse_epsilon
from ui.evidence import Counted

DEFAULT_EPSILON = 8.0
#: How the URL spells the two ways of counting.
COUNTED_WORDS: dict[str, Counted] = {"paper": "rdp", "tight": "tight"}
PARAMETERS = ("data", "eps", "counted")

_VIEW, _WRITTEN, _NOTICE, _TOUCHED = "pinch_view", "pinch_link", "pinch_notice", "pinch_touched"

#: Returns a budget as the dataset's sweep knows it; raises InvalidValue outside the range.
Settle = Callable[[str, float, Counted], float]


@dataclass(frozen=True, kw_only=True)
class View:
    """One view of the app; a link carries all of it."""

    dataset: str
    epsilon: float = DEFAULT_EPSILON
    counted: Counted = "rdp"


def link_parameters(view: View) -> dict[str, str]:
    """Returns the query parameters that lead back to the view."""
    spelled = {counted: word for word, counted in COUNTED_WORDS.items()}
    return {"data": view.dataset, "eps": link_epsilon(view.epsilon), "counted": spelled[view.counted]}


def read_link(
    sent: Mapping[str, Sequence[str]], view: View, datasets: Sequence[str], settle: Settle
) -> tuple[View, list[str]]:
    """Returns the view a link asks for, and a sentence for each part that could not be used; absent parts stay."""
    problems: list[str] = []
    words: dict[str, str] = {}
    for name in PARAMETERS:
        values = sent.get(name, ())
        if len(values) > 1:
            problems.append(f"The link's {name} must be given once, but is given {len(values)} times.")
        elif values:
            words[name] = values[0]
    if "data" in words:
        if words["data"] in datasets:
            view = replace(view, dataset=words["data"])
        else:
            problems.append(f"The link's data must be one of {', '.join(datasets)}, but is {quoted(words['data'])}.")
    if "counted" in words:
        if words["counted"] in COUNTED_WORDS:
            view = replace(view, counted=COUNTED_WORDS[words["counted"]])
        else:
            problems.append(f"The link's counted must be paper or tight, but is {quoted(words['counted'])}.")
    if "eps" in words:
        try:
            view = replace(view, epsilon=settle(view.dataset, parse_epsilon(words["eps"]), view.counted))
        except InvalidValue:
            problems.append(str(refuse_epsilon(words["eps"], field="The link's eps")))
    return view, problems


def current(datasets: Sequence[str], settle: Settle) -> View:
    """Returns the session's view, after the URL if the visitor came or went by a link."""
    state = st.session_state
    view: View = state.get(_VIEW, View(dataset=datasets[0]))
    if view.dataset not in datasets:
        view = replace(view, dataset=datasets[0])
    sent = {name: st.query_params.get_all(name) for name in PARAMETERS if name in st.query_params}
    # A widget moved just now knows better than the URL, which may be one move behind.
    if not state.pop(_TOUCHED, False) and sent and sent != state.get(_WRITTEN):
        view, problems = read_link(sent, view, datasets, settle)
        state[_NOTICE] = " ".join([*problems, "That part of the link was ignored."]) if problems else ""
    state[_VIEW] = view
    return view


def change(view: View) -> None:
    """Takes over a view that a widget asked for; for callbacks."""
    st.session_state[_VIEW] = view
    st.session_state[_NOTICE] = ""
    st.session_state[_TOUCHED] = True


def refuse(sentence: str) -> None:
    """Keeps the last good view and says why; for callbacks."""
    st.session_state[_NOTICE] = sentence
    st.session_state[_TOUCHED] = True


def was_touched() -> bool:
    """Returns whether a widget has been moved already in this message; for callbacks."""
    return bool(st.session_state.get(_TOUCHED))


def shown() -> View:
    """Returns the view of the last run; for callbacks."""
    view: View = st.session_state[_VIEW]
    return view


def notice() -> str:
    """Returns the sentence about the last refused input, or nothing."""
    return str(st.session_state.get(_NOTICE, ""))


def write_link(view: View) -> None:
    """Puts the view into the URL, so that the address is always a link to what is seen."""
    wanted = link_parameters(view)
    written = {name: [value] for name, value in wanted.items()}
    # The browser says which address it showed when it asked; one that was sent since may still be on its way there.
    on_its_way = st.session_state.get(_WRITTEN, written) != written
    if on_its_way or {name: st.query_params.get_all(name) for name in PARAMETERS} != written:
        st.query_params.from_dict(wanted)
    st.session_state[_WRITTEN] = written
