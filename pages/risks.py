"""Risk bounds: what is proven, and against which attacker?"""

import streamlit as st

from dpcore.errors import ResultsUnavailable
from ui import blocks, navigation, risk_blocks, risk_controls

navigation.guard()


# A fragment: a moved slider runs only this, not the navigation around it.
@st.fragment
def story() -> None:
    """Question, controls, limits, people, membership, odds, accountants, sources."""
    try:
        risk = risk_controls.risk_bar()
    except ResultsUnavailable as error:
        blocks.results_missing(error)
        return

    risk_controls.training_numbers(risk)
    risk_blocks.answer(risk)

    blocks.section("What does the attacker know?")
    risk_blocks.attacker(risk)
    risk_blocks.bounds(risk)

    blocks.section("How many people is that?")
    risk_blocks.frequencies(risk)

    blocks.section("Could someone tell that I took part?")
    risk_blocks.membership(risk)

    blocks.section("What does ε do to a suspicion?")
    risk_blocks.odds(risk)

    blocks.section("Why are there two counts of ε?")
    risk_blocks.accountants(risk)

    risk_blocks.limits(risk)


blocks.page_header("What is proven, and against which attacker?")
risk_blocks.style()
story()
