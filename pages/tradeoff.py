"""Trade-off, the start page: what does this budget cost, and whom does it stop?"""

import streamlit as st

from dpcore.errors import ResultsUnavailable
from ui import blocks, controls, loaders, navigation, sources, tour

navigation.guard()
loaders.warm_up()


# A fragment: a moved slider runs only this, not the navigation around it.
@st.fragment
def story() -> None:
    """Question, controls, numbers, chart, pictures, what it means, sources."""
    try:
        finding = controls.control_bar()
    except ResultsUnavailable as error:
        blocks.results_missing(error)
        return

    blocks.summary(finding)
    blocks.cards(finding)
    blocks.trade_off_chart(finding)
    sources.table_and_downloads(finding, page="tradeoff")

    blocks.section("What could an attacker see?")
    blocks.gallery(finding)

    blocks.section("What does it mean for a person?")
    blocks.person(finding)

    sources.sources(finding)


blocks.page_header("What does privacy cost, and whom does it stop?", beside=tour.tour)
story()
