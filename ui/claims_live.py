"""Cards that run: a visitor changes a number, and the card's calculation and verdict follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from dpcore.claims import Card
from dpcore.errors import DpcoreError
from ui import risk_loaders
from ui.fields import Field, format_value
from ui.risk_setting import FIELDS
from ui.text import plain

#: Whole numbers up to here are chosen on a slider, which cannot go wrong; others are typed.
_SLIDER_UP_TO = 100


@dataclass(frozen=True, kw_only=True)
class Knob:
    """One number of a card; `field.name` is the argument of the card's calculation."""

    field: Field
    start: float


def _knob(name: str, label: str, help: str, *, low: float, high: float, start: float, whole: bool = True) -> Knob:
    return Knob(field=Field(name=name, label=label, help=help, low=low, high=high, whole=whole), start=start)


#: The numbers of each card that has some.
KNOBS: dict[str, tuple[Knob, ...]] = {
    "odds": (
        _knob("prior_percent", "Sure before, %", "How sure the attacker was.", low=1, high=99, start=50),
        _knob("epsilon", "ε", "The privacy budget.", low=0.01, high=100, start=10, whole=False),
    ),
    "delta": (
        _knob("num_train", "Your own records N", FIELDS["n"].help, low=2, high=1e8, start=10_000),
        _knob("delta", "δ", FIELDS["delta"].help, low=1e-15, high=0.1, start=8e-7, whole=False),
    ),
    "refresh": (_knob("months", "Months", "How often the budget is refreshed.", low=1, high=60, start=12),),
    "group": (_knob("images", "Images of one patient", "All of them in the training.", low=1, high=10, start=5),),
}


@st.fragment
def live_card(name: str, draw: Callable[[Card], str]) -> None:
    """Shows one card with its widgets; a number that cannot be used keeps the last good calculation, and says why."""
    good = st.session_state.setdefault(f"claims_good_{name}", {k.field.name: k.start for k in KNOBS[name]})
    with st.container(key=f"cl_knobs_{name}"):
        typed = {knob.field.name: _widget(name, knob) for knob in KNOBS[name]}
    problem = ""
    try:
        wanted = {k.field.name: k.field.parse(str(typed[k.field.name] or "")) for k in KNOBS[name]}
        card = risk_loaders.adjusted_card(name, tuple(wanted.items()))
        st.session_state[f"claims_good_{name}"] = wanted
    except DpcoreError as error:
        problem = f"{error} Still shown: {_shown(name, good)}."
        card = risk_loaders.adjusted_card(name, tuple(good.items()))
    if problem:
        st.warning(plain(problem), icon=":material/info:")
    st.html(draw(card))


def _widget(name: str, knob: Knob) -> object:
    field, key = knob.field, f"claims_{name}_{knob.field.name}"
    if field.whole and field.high <= _SLIDER_UP_TO:
        return st.slider(field.label, int(field.low), int(field.high), int(knob.start), key=key, help=field.help)
    start = format_value(knob.start, field)
    return st.text_input(field.label, start, key=key, max_chars=40, help=f"{field.help} {field.rule.capitalize()}.")


def _shown(name: str, values: dict[str, float]) -> str:
    return ", ".join(f"{k.field.label} = {format_value(values[k.field.name], k.field)}" for k in KNOBS[name])
