"""Trade-off, the start page: what does this budget cost, and whom does it stop?"""

import streamlit as st

from dpcore.errors import ResultsUnavailable
from ui import blocks, controls, drag_blocks, navigation, sources, tour, warm_start
from ui.show import show

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

    numbers = '<h2 class="pp-unseen">In four numbers</h2>' + blocks.cards_html(finding)
    show(blocks.context_html(finding), blocks.summary_html(finding), numbers)
    blocks.trade_off_chart(finding)
    sources.table_and_downloads(finding, page="tradeoff")

    show(
        blocks.section_html("What could an attacker see?"),
        blocks.gallery_html(finding),
        blocks.section_html("What does it mean for a person?"),
        blocks.person_html(finding),
    )

    sources.sources(finding)
    drag_blocks.follow_slider(finding, blocks.moving, page="tradeoff")


blocks.page_header("What does privacy cost, and whom does it stop?", beside=tour.tour)
story()
warm_start.page_answered()
