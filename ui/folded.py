"""A part of a page that is closed at first, and made only when it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.elements.lib.mutable_expander_container import ExpanderContainer

#: Ends the keys of all folded parts.
SUFFIX = "_open"


def folded(label: str, *, icon: str, key: str) -> ExpanderContainer:
    """Returns a closed part to be filled if its `open` is true.

    What nobody sees is not made: every visitor's browser would lay it out, and compare it after each move of a slider.
    """
    return st.expander(label, icon=icon, key=key + SUFFIX, on_change="rerun")
