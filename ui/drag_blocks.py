"""Sends ahead what the slider's other stops look like, so that the browser repaints at every position of a drag."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ui import drag_loaders
from ui.drag import Blocks
from ui.finding import Finding

_DRAG = st.components.v2.component("pinch_drag", js=Path(__file__).with_name("drag.js").read_text(encoding="utf-8"))


def follow_slider(finding: Finding, make: Blocks, *, page: str, view: str = "") -> None:
    """Lets the blocks that `make` returns follow the slider while it moves; last on the page, which does without."""
    frames = drag_loaders.frames(page, finding.evidence.spec.name, finding.counted, view, make)
    _DRAG(key=f"drag_{page}", data=frames)
