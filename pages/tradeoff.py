import streamlit as st
from ui import navigation
navigation.guard()
st.title("hello")
st.write(str(st.context.theme.type), dict(st.query_params), st.context.url)
st.html("<p style='color:light-dark(green,red)'>hi</p>")
