"""Live lab: train with settings of one's own, here and now, and attack the very model that comes out."""

import streamlit as st

from dpcore.errors import ResultsUnavailable
from ui import blocks, lab_blocks, navigation

navigation.guard()


# A fragment: a moved slider runs only this, not the runs below it.
@st.fragment
def setup() -> None:
    """Controls, settings, limits, cost, advice, start."""
    try:
        plan = lab_blocks.plan_bar()
    except ResultsUnavailable as error:
        blocks.results_missing(error)
        return

    blocks.section("Which training?")
    lab_blocks.settings(plan)

    blocks.section("What would it cost, and what would it protect?")
    lab_blocks.before(plan)


blocks.page_header("What happens when I train it myself?")
lab_blocks.style()
setup()

mine = lab_blocks.my_jobs()
blocks.section("What comes out?")
lab_blocks.at_work(mine)
lab_blocks.result(mine)

blocks.section("My runs")
lab_blocks.my_runs(mine)

lab_blocks.limits()
