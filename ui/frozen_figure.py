"""A finished figure that Streamlit need not copy and encode anew at every run."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go


class FrozenFigure(go.Figure):
    """A figure as it stood when it was made; later changes do not show.

    A fifth of a page's time went into plotly's deep copy of arrays that never change.
    """

    def __init__(self, figure: go.Figure) -> None:
        super().__init__(figure, skip_invalid=True)
        self._written = super().to_dict()

    def to_dict(self) -> dict[str, Any]:
        """Returns the same dictionary each time; not to be changed."""
        return self._written
