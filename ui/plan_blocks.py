"""The blocks of the planner, in the order of its story."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_FOLDER = Path(__file__).parent


def style() -> None:
    """Brings the style sheets of this page."""
    for name in ("risks.css", "lab.css", "plan.css"):
        st.html(_FOLDER / name)


def sources() -> None:
    """Shows how the numbers are made and what they cannot say."""
    with st.expander("How it works, and what it cannot say", icon=":material/menu_book:"):
        st.markdown(
            "- **Proven** risks are read off the exact trade-off curve of all steps (Hayes, Mahloujifar and Balle "
            "2023; Kaissis and others 2023). For a patient with several records it is composed with itself (Dong, Roth "
            "and Su 2022, Theorem 2.14) or bounded by group privacy (Vadhan 2017), whichever is smaller.\n"
            "- **Utility is an estimate** by total noise to signal, σ / (batch · √steps), from the nearest shipped "
            "sweep. Where N, batch or epochs differ from it, the interval widens; outside it the page says “no "
            "basis”.\n"
            "- **The real attack is measured**, on other records, at no more noise than yours. A better attack may "
            "come.\n"
            "- **Going backwards** the roots are found on the safe side: at the ends of a range the limits hold.\n"
            "- **A ledger** composes trainings and Gaussian queries exactly, Laplace queries by valid upper bounds, "
            "for patients who are in every release. What is not entered is not counted.\n"
            "- **Tuning costs too.** Every training on real patients that is looked at spends budget: enter it."
        )
