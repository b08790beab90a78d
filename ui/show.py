"""Shows HTML of our own, as few elements as can be: each costs a third of a millisecond a move."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st


@dataclass(frozen=True)
class AsIs:
    """HTML that Streamlit shows as it is: in a plain text it would look for an indentation, 2 ms for a gallery."""

    html: str

    def _repr_html_(self) -> str:
        return self.html


def show(*parts: str) -> None:
    """Shows HTML as one element of the page; several parts stand as far apart as elements do, each on a line."""
    if len(parts) > 1:
        parts = ('<div class="pp-parts">', *(f"<div>{part}</div>" for part in parts), "</div>")
    st.html(AsIs("\n".join(parts)))
