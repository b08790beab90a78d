"""The app: page configuration and navigation, nothing else. Run with `streamlit run app.py`."""

import streamlit as st

from ui import navigation

st.set_page_config(page_title="A Pinch of Privacy", page_icon=":material/balance:", layout="wide")
navigation.run()
