"""The cache of what a dragged slider shows; read-only, shared by all visitors."""

from __future__ import annotations

import streamlit as st

from ui import loaders
from ui.controls import slider_label
from ui.drag import Blocks, Frame, pack_frames
from ui.evidence import Counted


def frames(page: str, dataset: str, counted: Counted, view: str, make: Blocks) -> bytes:
    """Returns a page at every measured budget, packed; `page` and `view` stand for `make` in the cache."""
    key = (page, dataset, counted, view, loaders.version(), make)
    whole = loaders.pictures_are_whole(dataset)
    found = _frames(*key)
    if not whole:
        _frames.clear(*key)  # A file that is restored is seen at the next look.
    return found


@st.cache_resource(max_entries=256, show_spinner=False)
def _frames(
    page: str,  # noqa: ARG001, part of the key
    dataset: str,
    counted: Counted,
    view: str,  # noqa: ARG001
    version: loaders.Version,  # noqa: ARG001
    _make: Blocks,
) -> bytes:
    made = {}
    for point in loaders.evidence(dataset).points:
        finding = loaders.finding(dataset, point.epsilon(counted), counted)
        made[finding.epsilon] = Frame(label=slider_label(finding), blocks=_make(finding))
    return pack_frames(made)
