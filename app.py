"""The app: page configuration and navigation, nothing else. Run with `streamlit run app.py`."""

from pathlib import Path

import streamlit as st

from ui import navigation

st.set_page_config(
    page_title="A Pinch of Privacy",
    page_icon=Path(__file__).with_name("ui") / "favicon.svg",
    layout="wide",
    initial_sidebar_state=210,
)
navigation.run()
