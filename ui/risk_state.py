"""The visitor's own numbers and attacker on the page of risk bounds: in the session and in the URL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import streamlit as st

from dpcore.errors import InvalidValue
from ui.epsilon import quoted
from ui.evidence import Point
from ui.risk_setting import FIELDS, Setting, apply, fitting, link_overrides, read_overrides

#: How the URL spells who attacks.
ATTACKERS = ("worst", "relaxed", "real")
#: Limits of the prior belief in per cent.
PRIOR_LIMITS = (1, 99)
DEFAULT_PRIOR = 50
PARAMETERS = (*FIELDS, "attacker", "prior")

_VIEW, _WRITTEN, _NOTICE, _TOUCHED = "risk_view", "risk_link", "risk_notice", "risk_touched"

Sent = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class RiskView:
    """What this page shows beyond the control bar."""

    overrides: Mapping[str, float] = field(default_factory=dict)
    attacker: str = "worst"
    prior: int = DEFAULT_PRIOR


def link_parameters(view: RiskView) -> dict[str, str]:
    """Returns the query parameters that lead back to the view; defaults are left out."""
    wanted = link_overrides(view.overrides)
    if view.attacker != RiskView.attacker:
        wanted["attacker"] = view.attacker
    if view.prior != DEFAULT_PRIOR:
        wanted["prior"] = str(view.prior)
    return wanted


def read_link(sent: Sent, view: RiskView, point: Point) -> tuple[RiskView, list[str]]:
    """Returns the view a link asks for, and a sentence for each part that cannot be used."""
    overrides, problems = read_overrides(sent, point)
    if any(name in sent for name in FIELDS):
        view = replace(view, overrides=overrides)
    for name in ("attacker", "prior"):
        values = sent.get(name, ())
        if len(values) > 1:
            problems.append(f"In the link: {name} must be given once, but is given {len(values)} times.")
        elif values and name == "attacker":
            if values[0] in ATTACKERS:
                view = replace(view, attacker=values[0])
            else:
                problems.append(
                    f"In the link: attacker must be one of {', '.join(ATTACKERS)}, but is {quoted(values[0])}."
                )
        elif values:
            low, high = PRIOR_LIMITS
            # isdecimal alone would let other scripts' digits and endless numbers through.
            if len(values[0]) <= 2 and values[0].isascii() and values[0].isdecimal() and low <= int(values[0]) <= high:
                view = replace(view, prior=int(values[0]))
            else:
                problems.append(
                    f"In the link: prior must be a whole number from {low} to {high}, but is {quoted(values[0])}."
                )
    return view, problems


def sent_parameters() -> dict[str, list[str]]:
    """Returns this page's part of the URL. Read it before the control bar, which may rewrite the URL."""
    return {name: st.query_params.get_all(name) for name in PARAMETERS if name in st.query_params}


def current(sent: Sent, point: Point) -> RiskView:
    """Returns the session's view, after the URL if the visitor came by a link."""
    state = st.session_state
    view: RiskView = state.get(_VIEW, RiskView())
    if not state.pop(_TOUCHED, False) and sent and sent != state.get(_WRITTEN):
        view, problems = read_link(sent, view, point)
        state[_NOTICE] = " ".join([*problems, "That part of the link was ignored."]) if problems else ""
    kept, problems = fitting(view.overrides, point)
    if problems:
        state[_NOTICE] = f"{problems[0]} So your numbers were set back to this dataset's."
    view = replace(view, overrides=kept)
    state[_VIEW] = view
    return view


def setting(view: RiskView, point: Point) -> Setting:
    """Returns the training that the view describes."""
    return apply(view.overrides, point)


def shown() -> RiskView:
    """Returns the view of the last run; for callbacks."""
    view: RiskView = st.session_state.get(_VIEW, RiskView())
    return view


def change(view: RiskView) -> None:
    """Takes over a view that a widget asked for; for callbacks."""
    st.session_state[_VIEW] = view
    st.session_state[_NOTICE] = ""
    st.session_state[_TOUCHED] = True


def take_number(name: str, text: str, point: Point) -> None:
    """Takes a typed number over, or keeps the last good one and says why; for callbacks."""
    view = shown()
    try:
        value = FIELDS[name].parse(text)
        kept, problems = fitting({**view.overrides, name: value}, point)
        if problems:
            raise InvalidValue(problems[0])
    except InvalidValue as error:
        refuse(f"{error} Nothing was changed.")
        return
    change(replace(view, overrides=kept))


def refuse(sentence: str) -> None:
    """Keeps the last good view and says why; for callbacks."""
    st.session_state[_NOTICE] = sentence
    st.session_state[_TOUCHED] = True


def notice() -> str:
    """Returns the sentence about the last refused input, or nothing."""
    return str(st.session_state.get(_NOTICE, ""))


def write_link(view: RiskView) -> None:
    """Puts the view into the URL beside what the control bar put there."""
    wanted = link_parameters(view)
    present = {name: st.query_params.get_all(name) for name in PARAMETERS if name in st.query_params}
    written = {name: [value] for name, value in wanted.items()}
    if present != written:
        others = {name: st.query_params.get_all(name) for name in st.query_params if name not in PARAMETERS}
        st.query_params.from_dict({**others, **written})
    st.session_state[_WRITTEN] = written
