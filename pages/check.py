"""Is this really DP? Paste a training's configuration; find what voids its claim, and its true ε."""

import streamlit as st

from ui import blocks, check_blocks, check_state, navigation

navigation.guard()


# A fragment: checking anew runs only this.
@st.fragment
def story() -> None:
    """Input, verdict, what it means, findings, what is missing and understood, downloads."""
    check_blocks.configuration()
    reading = check_state.reading()
    if reading is None:
        check_blocks.nothing_yet()
        return
    if reading.verdict is None:
        check_blocks.refused(reading)
        return
    check_blocks.verdict(reading.verdict)

    blocks.section("Why?")
    check_blocks.findings(reading)

    if reading.verdict.missing:
        blocks.section("What is missing?")
        check_blocks.missing(reading.verdict)

    blocks.section("What is spent, and for whom?")
    check_blocks.statements(reading.verdict)

    blocks.section("How were the settings understood?")
    check_blocks.understood(reading)

    blocks.section("Take it along")
    check_blocks.downloads(reading)


blocks.page_header("Is this really DP?")
check_blocks.style()
story()
check_blocks.limits()
