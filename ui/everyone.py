"""Brings the script that mends, for keys and screen readers, what neither settings nor CSS can."""

from __future__ import annotations

from pathlib import Path

import streamlit as st


def for_everyone() -> None:
    """Runs everyone.js once a visit; the page is complete without it."""
    _component()(key="for_everyone", height=1)


@st.cache_resource(show_spinner=False)
def _component():  # type: ignore[no-untyped-def]
    return st.components.v2.component(
        "pinch_everyone", js=Path(__file__).with_name("everyone.js").read_text(encoding="utf-8")
    )
