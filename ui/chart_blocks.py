"""A drawing with its moving layer, and the same as a table to open and to download: the blocks of several pages."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ui.folded import folded
from ui.risk_plot import Chart
from ui.show import show


def draw(name: str, chart: Chart, attributes: str) -> None:
    """Shows a drawing, which has inline SVG that st.html would strip, and its layer. All in it is ours or escaped."""
    draw_layers(name, chart.drawn, f"<div {attributes}>{chart.over}</div>")


def draw_layers(name: str, drawn: str, *layers: str) -> None:
    """Shows a drawing and layers of HTML over it: what moves, apart from what the browser has already."""
    with st.container(key=f"rk_frame_{name}"):
        st.markdown(drawn.replace("\n", " "), unsafe_allow_html=True)
        for layer in layers:
            show(layer)


def table(name: str, make_html: Callable[[], str], make_csv: Callable[[], str], *, page: str) -> None:
    """Offers the chart as a table of HTML, and to download; `page` tells the keys of pages apart."""
    fold = folded("The chart as a table", icon=":material/table:", key=f"{page}_table_{name}")
    if fold.open:
        with fold:
            show(make_html())
            download(name, make_csv, page=page)


def download(name: str, make_csv: Callable[[], str], *, page: str) -> None:
    """Offers numbers as CSV, made only when asked for."""
    st.download_button(
        "Download the numbers (CSV)",
        make_csv,
        file_name=f"{name}.csv",
        mime="text/csv",
        key=f"{page}_csv_{name}",
        on_click="ignore",
        icon=":material/download:",
    )
