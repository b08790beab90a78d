"""Published claims: which of the paper's numbers hold, which depend, which differ?"""

import streamlit as st

from ui import blocks, claims_blocks, navigation, risk_blocks

navigation.guard()


@st.fragment
def story() -> None:
    """Question, count of verdicts, table, the one that differs, cards, sources."""
    claims_blocks.summary()

    blocks.section("The paper’s numbers and ours")
    claims_blocks.table()

    blocks.section("The one that differs")
    claims_blocks.unresolved()

    blocks.section("Claims that a calculation settles")
    claims_blocks.cards()

    claims_blocks.sources()


blocks.page_header("Do the published numbers hold?")
risk_blocks.style()
story()
