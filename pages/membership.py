"""Membership: could someone tell that I was in the data? Measured attacks under the proven limit."""

import streamlit as st

from dpcore.errors import ResultsUnavailable
from ui import blocks, member_blocks, navigation, risk_blocks

navigation.guard()


# A fragment: a moved slider runs only this, not the navigation around it.
@st.fragment
def story() -> None:
    """Question, controls, answer, curves, ε from both sides, groups, one person, sources."""
    try:
        member = member_blocks.member_bar()
    except ResultsUnavailable as error:
        blocks.results_missing(error)
        return

    if member.exposure is None:
        member_blocks.missing(member)
    else:
        member_blocks.answer(member, member.exposure)
        blocks.section("How much of what the proof allows did an attack reach?")
        member_blocks.roc(member, member.exposure)

    blocks.section("How large is ε really?")
    member_blocks.audit(member)

    if member.exposure is not None:
        blocks.section("Who is more exposed?")
        member_blocks.groups(member, member.exposure)

        blocks.section("What does it mean for one person?")
        member_blocks.odds(member, member.exposure)

    member_blocks.limits(member)


blocks.page_header("Could someone tell that I was in the data?")
risk_blocks.style()
member_blocks.style()
story()
