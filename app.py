"""The app: page configuration and navigation, nothing else. Run with `streamlit run app.py`.

Streamlit's server imports this file once, as a module, for the application around all pages; then it runs it as a
script for every visitor.
"""

from pathlib import Path

import streamlit as st

from ui import navigation, server, warm_start

if __name__ == "__main__":
    server.tell_if_bare()
    st.set_page_config(
        page_title="A Pinch of Privacy",
        page_icon=Path(__file__).with_name("ui") / "favicon.svg",
        layout="wide",
        initial_sidebar_state=210,
    )
    navigation.run()
else:
    app = st.App(__file__, lifespan=warm_start.lifespan, middleware=server.middleware())
