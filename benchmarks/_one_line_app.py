"""The least that a Streamlit page can be: what remains of a start is Streamlit's own and the browser's."""

import streamlit as st

st.html("<p class='one-line'>One line.</p>")
