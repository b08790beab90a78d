"""The start page as one writes it at first: native blocks, the whole script anew at every move, Streamlit's defaults.

It shows the same content as the explorer's start page: the four numbers, the chart with the present budget, fifteen
pictures. Only `load` measures it, as what the explorer is compared with.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

FOLDER = Path(__file__).resolve().parents[1] / "precomputed"
DATASET = "ham10000"


@st.cache_data
def table(name: str) -> pd.DataFrame:
    """Returns a table of the precomputed results."""
    frame = pd.read_parquet(FOLDER / f"{name}.parquet")
    return frame[frame["dataset"] == DATASET] if "dataset" in frame else frame


def draw(points: pd.DataFrame, bounds: pd.DataFrame, epsilon: float) -> go.Figure:
    """Returns utility and both proven bounds over the budget, with the present one marked."""
    figure = go.Figure()
    figure.add_scatter(
        x=points["target_epsilon"],
        y=points["utility_mean"],
        error_y={"array": points["utility_sd"]},
        mode="lines+markers",
        name="MCC",
    )
    for column in ("worst_case", "relaxed"):
        figure.add_scatter(x=bounds["epsilon_rdp"], y=bounds[column], name=column)
    figure.add_vline(x=np.log10(epsilon), line_dash="dot")
    figure.update_xaxes(type="log", title="ε")
    return figure


def pictures(strips: pd.DataFrame, epsilon: float) -> None:
    """Shows the strips of five: the originals, what one look gives and what all looks give."""
    best = strips[(strips["choice"] == "best") & np.isclose(strips["target_epsilon"], epsilon)]
    for row in best.sort_values("looks").itertuples():
        st.image(str(FOLDER / str(row.file)), caption=f"{row.looks} looks")


st.set_page_config(page_title="Trade-off", layout="wide")
points = table("points").sort_values("target_epsilon")
points = points[np.isfinite(points["target_epsilon"])]
st.title("What does privacy cost, and whom does it stop?")
epsilon = st.select_slider("Privacy budget ε", points["target_epsilon"].tolist(), value=8.0, key="eps")
now = points[np.isclose(points["target_epsilon"], epsilon)].iloc[0]
for column, (name, value) in zip(
    st.columns(4),
    {
        "MCC": f"{now['utility_mean']:.2f} ± {now['utility_sd']:.2f}",
        "Holds your image": f"{now['worst_case']:.2%}",
        "Does not hold it": f"{now['relaxed']:.2%}",
        "Noise σ": f"{now['noise_multiplier']:.3g}",
    }.items(),
    strict=True,
):
    column.metric(name, value)
st.plotly_chart(draw(points, table("bounds"), epsilon))
pictures(table("gallery"), epsilon)
