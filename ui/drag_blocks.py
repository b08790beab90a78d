"""Sends ahead what the slider's other stops look like, so that the browser repaints at every position of a drag."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from ui import drag_loaders
from ui.drag import Blocks
from ui.finding import Finding

_SENT = "drag_sent"
#: The browser keeps pictures, so they are sent once. A run may drop what the run before it had just sent; for so many
#: seconds they are therefore sent again, which costs nothing where the browser has them.
_AGAIN = 5.0
_DRAG = st.components.v2.component("pinch_drag", js=Path(__file__).with_name("drag.js").read_text(encoding="utf-8"))


def follow_slider(finding: Finding, make: Blocks, *, page: str, view: str = "") -> None:
    """Lets the blocks that `make` returns follow the slider while it moves; last on the page, which does without."""
    frames = drag_loaders.frames(page, finding.evidence.spec.name, finding.counted, view, make)
    _DRAG(key=f"drag_{page}", data=frames.packed)
    if files := _not_there_yet(frames.files):
        _DRAG(key="drag_pictures", data=drag_loaders.pictures(files))


def _not_there_yet(files: Sequence[str]) -> list[str]:
    now, sent = time.monotonic(), st.session_state.setdefault(_SENT, {})
    return [file for file in files if now - sent.setdefault(file, now) < _AGAIN]
