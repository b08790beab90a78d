"""The controls of the page of reconstruction beyond the control bar."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import streamlit as st

from ui import recon_state
from ui.drag import place
from ui.finding import Finding
from ui.page_link import linked_bar
from ui.recon_state import BATCH_SIZES, DENOISERS, LINK, LOOKS, SIDES, ReconView, link_parameters, read_link

_LOOKS_WORDS = {"one": "one look", "five": "5 looks", "all": "all looks"}
_SIDE_WORDS = {28: "28 px", 64: "64 px", 128: "128 px", 224: "224 px"}
_DENOISE_WORDS = {"none": "none", "non-local means": "non-local means", "wavelet": "wavelets"}
_HELP_LOOKS = "How many noisy gradients of the same picture the attacker averages. A training gives one look an epoch."
_HELP_TOGETHER = "Pictures whose gradients are added up before the noise. The attacker’s server would ask for 1."
_HELP_SIDE = "Height and width of the attacked pictures. The larger the picture, the less of it each noisy value tells."
_HELP_DENOISE = "Whether the attacker cleans the picture afterwards, as any camera phone does."


@dataclass(frozen=True, kw_only=True)
class Recon:
    """What the visitor looks at: the finding at the budget, and this page's own view."""

    finding: Finding
    view: ReconView

    @property
    def every(self) -> int:
        """All the looks a training gives; 1 where nothing was attacked."""
        return self.finding.all_looks.looks if self.finding.all_looks else 1

    @property
    def measured_looks(self) -> int:
        """One or all: the looks that were measured on all records."""
        return self.every if self.view.looks == "all" else 1

    @property
    def view_name(self) -> str:
        """This page's own view in short, for what is kept of it."""
        return " ".join(map(str, astuple(self.view)))

    def place(self, block: str) -> str:
        """Returns the attributes by which the browser finds a block that carries the budget."""
        return place(block, self.finding, self.view_name)


def recon_bar() -> Recon:
    """Shows the control bar and returns the view; raises ResultsUnavailable."""
    finding, view = linked_bar(LINK, read_link, link_parameters)
    return Recon(finding=finding, view=view)


def picture_controls(view: ReconView, finding: Finding) -> None:
    """Shows looks, batch, size and denoising; of a table of patients only looks make sense."""
    if finding.evidence.spec.kind != "image":
        with st.container(key="recon_controls"):
            _choice("looks", "Looks", LOOKS, _LOOKS_WORDS, view.looks, _HELP_LOOKS)
        return
    with st.container(key="recon_controls"):
        _choice("looks", "Looks", LOOKS, _LOOKS_WORDS, view.looks, _HELP_LOOKS)
        _choice("together", "Pictures a batch", BATCH_SIZES, {}, view.together, _HELP_TOGETHER)
        _choice("side", "Picture size", SIDES, _SIDE_WORDS, view.side, _HELP_SIDE)
        _choice("denoise", "Denoising", DENOISERS, _DENOISE_WORDS, view.denoise, _HELP_DENOISE)
        if not view.is_stored:
            st.button("Back to the stored pictures", key="recon_reset", on_click=recon_state.reset)


def threshold(view: ReconView) -> None:
    """Shows the slider of η."""
    key = "recon_eta"
    if st.session_state.get(key) != view.eta / 100:
        st.session_state[key] = view.eta / 100
    low, high = recon_state.ETA_LIMITS
    st.slider(
        "Threshold η: an error below this counts as rebuilt",
        min_value=low / 100,
        max_value=high / 100,
        step=0.01,
        key=key,
        on_change=lambda: recon_state.take("eta", round(100 * st.session_state[key])),
    )


def _choice(
    name: str, label: str, options: Sequence[str | int], words: Mapping[Any, str], value: object, explain: str
) -> None:
    key = f"recon_{name}"
    if st.session_state.get(key) != value:
        st.session_state[key] = value
    st.segmented_control(
        label,
        list(options),
        format_func=lambda option: words.get(option, str(option)),
        required=True,
        key=key,
        help=explain,
        on_change=functools.partial(_take, name, key),
    )


def _take(name: str, key: str) -> None:
    recon_state.take(name, st.session_state[key])
