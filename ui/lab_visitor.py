"""Who a visitor is: a random token that finds their runs again after a reload, and nothing else.

It lives in the session and in a first-party cookie, because an address is passed on and a session ends. It is written
by the one script below, which reads nothing; the browser sends it back when the page connects. It is no password: it
says whose runs may be cancelled or deleted, not who somebody is.
"""

from __future__ import annotations

import re
import secrets

import streamlit as st

COOKIE = "pinch_visitor"
_KEY = "pinch_visitor"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
_DAYS = 30
_SCRIPT = f"""
export default function ({{ data }}) {{
  document.cookie = `{COOKIE}=${{data}}; SameSite=Strict; path=/; max-age={_DAYS * 24 * 3600}`;
}}
"""


def visitor() -> str:
    """Returns the visitor's token: the session's, else the cookie's, else a new one."""
    if _KEY not in st.session_state:
        sent = _sent_cookie()
        st.session_state[_KEY] = sent if is_token(sent) else secrets.token_urlsafe(16)
    return str(st.session_state[_KEY])


def remember() -> None:
    """Has the browser keep the token for thirty days from now."""
    _component()(data=visitor(), key="lab_remember", height=1)


def is_token(text: str) -> bool:
    """Whether a cookie holds a token as this app makes them."""
    return _TOKEN.fullmatch(text) is not None


def _sent_cookie() -> str:
    return str(st.context.cookies.get(COOKIE, ""))


@st.cache_resource(show_spinner=False)
def _component():  # type: ignore[no-untyped-def]
    return st.components.v2.component("pinch_remember", js=_SCRIPT)
