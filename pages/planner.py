"""Planner: from a plan to its risks, from limits to budgets, and a ledger of releases."""

import streamlit as st

from dpcore.errors import ResultsUnavailable
from ui import (
    blocks,
    navigation,
    plan_backward,
    plan_blocks,
    plan_compare,
    plan_controls,
    plan_forward,
    plan_ledger,
)

navigation.guard()


# A fragment: a moved slider runs only this, not the ledger below it.
@st.fragment
def story() -> bool:
    """Controls, plan, risks, limits, comparison, label; returns whether there are results to plan with."""
    try:
        planned = plan_controls.plan_bar()
    except ResultsUnavailable as error:
        blocks.results_missing(error)
        return False

    blocks.section("What do you plan?")
    plan_controls.plan_fields(planned)

    blocks.section("What does it buy?")
    plan_forward.forwards(planned)

    blocks.section("What would your limits need?")
    plan_backward.backwards(planned)

    blocks.section("Which plan is better?")
    plan_compare.compare(planned)

    blocks.section("Take it along: the privacy label")
    plan_compare.label(planned)
    return True


@st.fragment
def releases(*, has_plan: bool) -> None:
    """Everything released about the same patients."""
    blocks.section("What else was, or will be, released about these patients?")
    plan_ledger.ledger(has_plan=has_plan)


blocks.page_header("What would my training cost, and whom would it protect?")
plan_blocks.style()
releases(has_plan=story())
plan_blocks.sources()
