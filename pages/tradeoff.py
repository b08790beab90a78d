"""Trade-off, the start page: what does this budget cost, and whom does it stop?"""

import streamlit as st

from dpcore.errors import ResultsUnavailable
from ui import blocks, controls, drag_blocks, navigation, sources, tour, warm_start

navigation.guard()


# A fragment: a moved slider runs only this, not the navigation around it.
@st.fragment
def story() -> None:
    """Question, controls, numbers, chart, pictures, what it means, sources."""
    try:
        finding = controls.control_bar()
    except ResultsUnavailable as error:
        blocks.results_missing(error)
        return

    blocks.context(finding)
    st.html(blocks.summary_html(finding))
    st.html('<h2 class="pp-unseen">In four numbers</h2>' + blocks.cards_html(finding))
    blocks.trade_off_chart(finding)
    sources.table_and_downloads(finding, page="tradeoff")

    blocks.section("What could an attacker see?")
    st.html(blocks.AsIs(blocks.gallery_html(finding)))

    blocks.section("What does it mean for a person?")
    st.html(blocks.person_html(finding))

    sources.sources(finding)
    drag_blocks.follow_slider(finding, blocks.moving, page="tradeoff")


blocks.page_header("What does privacy cost, and whom does it stop?", beside=tour.tour)
story()
warm_start.page_answered()
