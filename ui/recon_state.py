"""What the page of reconstruction shows beyond the control bar: in the session and in the URL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from dpcore.results.schema import ETA
from ui.epsilon import quoted

LOOKS = ("one", "five", "all")
BATCH_SIZES = (1, 8, 16)
SIDES = (28, 64, 128, 224)
DENOISERS = ("none", "non-local means", "wavelet")
#: Limits of the threshold η, in hundredths.
ETA_LIMITS = (1, 100)
PARAMETERS = ("looks", "together", "side", "denoise", "eta")

_VIEW, _WRITTEN, _NOTICE, _TOUCHED = "recon_view", "recon_link", "recon_notice", "recon_touched"

Sent = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class ReconView:
    """One view of this page; the defaults are the paper's setting, whose pictures are stored."""

    looks: str = "one"
    together: int = 1
    side: int = 128
    denoise: str = "none"
    #: Hundredths of 1 − SSIM below which a picture counts as rebuilt.
    eta: int = round(100 * ETA)

    @property
    def is_stored(self) -> bool:
        """Whether the pictures of this view are among the precomputed ones."""
        stored = ReconView(looks=self.looks, eta=self.eta)
        return self == stored and self.looks != "five"

    def count_looks(self, every: int) -> int:
        """Returns the number of looks, where a training gives `every` of them."""
        return {"one": 1, "five": 5, "all": every}[self.looks]


#: What each parameter may be, as written in the URL, and what it means.
_CHOICES: dict[str, dict[str, str | int]] = {
    "looks": {word: word for word in LOOKS},
    "together": {str(size): size for size in BATCH_SIZES},
    "side": {str(side): side for side in SIDES},
    "denoise": {word.replace(" ", "-"): word for word in DENOISERS},
    "eta": {f"{hundredths / 100:.2f}": hundredths for hundredths in range(ETA_LIMITS[0], ETA_LIMITS[1] + 1)},
}


def link_parameters(view: ReconView) -> dict[str, str]:
    """Returns the query parameters that lead back to the view; defaults are left out."""
    wanted = {}
    for name, choices in _CHOICES.items():
        value = getattr(view, name)
        if value != getattr(ReconView(), name):
            wanted[name] = next(word for word, meaning in choices.items() if meaning == value)
    return wanted


def read_link(sent: Sent, view: ReconView) -> tuple[ReconView, list[str]]:
    """Returns the view a link asks for, and a sentence for each part that cannot be used."""
    problems = []
    for name, choices in _CHOICES.items():
        values = sent.get(name, ())
        if len(values) > 1:
            problems.append(f"In the link: {name} must be given once, but is given {len(values)} times.")
        elif values and values[0] in choices:
            view = _with(view, name, choices[values[0]])
        elif values:
            rule = "0.01 to 1.00 with two decimals" if name == "eta" else f"one of {', '.join(choices)}"
            problems.append(f"In the link: {name} must be {rule}, but is {quoted(values[0])}.")
    return view, problems


def _with(view: ReconView, name: str, value: Any) -> ReconView:
    return replace(view, **{name: value})


def sent_parameters() -> dict[str, list[str]]:
    """Returns this page's part of the URL. Read it before the control bar, which may rewrite the URL."""
    return {name: st.query_params.get_all(name) for name in PARAMETERS if name in st.query_params}


def current(sent: Sent) -> ReconView:
    """Returns the session's view, after the URL if the visitor came by a link."""
    state = st.session_state
    view: ReconView = state.get(_VIEW, ReconView())
    if not state.pop(_TOUCHED, False) and sent and sent != state.get(_WRITTEN):
        view, problems = read_link(sent, view)
        state[_NOTICE] = " ".join([*problems, "That part of the link was ignored."]) if problems else ""
    state[_VIEW] = view
    return view


def take(name: str, value: object) -> None:
    """Takes one field over from its widget, if it is one of its choices; for callbacks."""
    state = st.session_state
    if value in _CHOICES[name].values():
        state[_VIEW] = _with(state.get(_VIEW, ReconView()), name, value)
        state[_NOTICE] = ""
    state[_TOUCHED] = True


def reset() -> None:
    """Goes back to the paper's setting of the pictures; the threshold stays. For callbacks."""
    state = st.session_state
    state[_VIEW] = ReconView(eta=state.get(_VIEW, ReconView()).eta)
    state[_NOTICE] = ""
    state[_TOUCHED] = True


def notice() -> str:
    """Returns the sentence about the last refused input, or nothing."""
    return str(st.session_state.get(_NOTICE, ""))


def write_link(view: ReconView) -> None:
    """Puts the view into the URL beside what the control bar put there."""
    wanted = link_parameters(view)
    present = {name: st.query_params.get_all(name) for name in PARAMETERS if name in st.query_params}
    written = {name: [value] for name, value in wanted.items()}
    if present != written:
        others = {name: st.query_params.get_all(name) for name in st.query_params if name not in PARAMETERS}
        st.query_params.from_dict({**others, **written})
    st.session_state[_WRITTEN] = written
