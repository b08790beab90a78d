"""The pages of the app, by section. A page is listed once its file exists; add it to `pages`."""

from __future__ import annotations

import streamlit as st

#: Set in the session before a page runs.
_MARK = "pinch_started"


def pages() -> dict[str, list[st.Page]]:
    """Returns the pages by section, in the order of the menu. The hidden first one leads to the start page.

    No page has an icon: a browser would fetch it from the web for the tab.
    """
    return {
        "": [st.Page(_start, title="Start", url_path="", default=True, visibility="hidden")],
        "Explore": [
            st.Page(
                "pages/tradeoff.py",
                title="Trade-off",
                url_path="tradeoff",
                help="What a privacy budget costs in diagnostic quality, and which attackers it stops.",
            ),
            st.Page(
                "pages/risks.py",
                title="Risk bounds",
                url_path="risks",
                help="What is proven, against which attacker; with your own numbers if you like.",
            ),
            st.Page(
                "pages/reconstruction.py",
                title="Reconstruction",
                url_path="reconstruction",
                help="What a real attacker gets back of a picture, measured at every budget.",
            ),
            st.Page(
                "pages/membership.py",
                title="Membership",
                url_path="membership",
                help="Could someone tell that I was in the data? What attacks found, under what is proven.",
            ),
        ],
        "Try": [
            st.Page(
                "pages/lab.py",
                title="Live lab",
                url_path="lab",
                help="Train a model with your own settings, here and now, and attack it.",
            ),
            st.Page(
                "pages/planner.py",
                title="Planner",
                url_path="planner",
                help="From a plan to its risks, from limits to budgets, and a ledger of all releases.",
            ),
            st.Page(
                "pages/check.py",
                title="Really DP?",
                url_path="check",
                help="Paste the settings of a training; see whether its claim holds, and its true budget.",
            ),
        ],
        "Understand": [
            st.Page(
                "pages/claims.py",
                title="Published claims",
                url_path="claims",
                help="The paper's numbers and ours side by side: what holds, depends, differs.",
            )
        ],
    }


def run() -> None:
    """Runs the page the visitor asked for; app.py calls this."""
    st.session_state[_MARK] = True
    st.navigation(pages()).run()


def guard() -> None:
    """Starts the navigation if app.py has not run; every page calls this first.

    Because a folder `pages/` exists, Streamlit's first deep link of a process runs that page alone.
    """
    if _MARK not in st.session_state:
        st.navigation(pages(), position="hidden")
        st.session_state[_MARK] = True
        st.rerun()


def _start() -> None:
    """The bare address leads to the start page under its own address, so that every view has one link."""
    sent = {name: st.query_params.get_all(name) for name in st.query_params}
    st.switch_page("pages/tradeoff.py", query_params=sent)
