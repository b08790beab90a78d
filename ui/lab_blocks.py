"""The blocks of the live lab, in the order of its story."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dpcore.errors import DpcoreError
from ui import lab_after, lab_before, lab_controls, lab_jobs, lab_live, lab_loaders, lab_profile, lab_runs
from ui.blocks import section
from ui.lab_jobs import Mine
from ui.lab_plan import Plan
from ui.lab_state import LINK
from ui.lab_visitor import remember

_FOLDER = Path(__file__).parent
#: The dataset of the last run of the whole page.
_DATASET = "lab_dataset"


def style() -> None:
    """Brings the style sheets of this page, and has the browser remember whose runs are whose."""
    st.html(_FOLDER / "risks.css")
    st.html(_FOLDER / "lab.css")
    remember()


def plan_bar() -> Plan:
    """Shows the control bar and returns the run it asks for; raises ResultsUnavailable."""
    lab_controls.restart_if_started()
    plan = lab_controls.lab_bar()
    dataset, before = plan.settings.dataset, st.session_state.get(_DATASET)
    st.session_state[_DATASET] = dataset
    if before not in (None, dataset):
        st.rerun()  # What is below waits for the speed of this machine on the new data.
    return plan


def settings(plan: Plan) -> None:
    """Offers the training's settings, and a look at gradient norms to choose the clip norm by."""
    lab_controls.settings_form(plan)
    lab_profile.profile(plan)


def before(plan: Plan) -> None:
    """Shows limits, cost and advice, and the buttons."""
    lab_before.before(plan)
    lab_before.advice(plan)
    lab_controls.buttons(plan)


def my_jobs() -> Mine:
    """Returns the visitor's jobs, after seeing to it that a laboratory is at work."""
    if sentence := lab_loaders.start_laboratory():
        st.warning(sentence, icon=":material/info:")
    return lab_jobs.load(LINK.shown().run)


def at_work(mine: Mine) -> None:
    """Shows what is at work, and looks again by itself while something is."""
    dataset = str(st.session_state.get(_DATASET, ""))
    lab_live.watch(mine, dataset, timed=not dataset or _is_timed(dataset))


@lab_loaders.or_a_sentence
def result(mine: Mine) -> None:
    """Shows what came out of the run that is looked at, and how to repeat it."""
    lab_after.result(mine)
    lab_runs.repeat(mine)


@lab_loaders.or_a_sentence
def my_runs(mine: Mine) -> None:
    """Shows the visitor's runs and compares them."""
    lab_runs.my_runs(mine)
    section("Side by side")
    lab_runs.compare(mine)


def limits() -> None:
    """Shows how runs are made and what they cannot say."""
    with st.expander("How it works, and what it cannot say", icon=":material/menu_book:"):
        st.markdown(
            "- **A process of its own trains:** the laboratory takes all visitors’ jobs in turn; whoever has been "
            "served least comes next. A closed page or a restart of the app loses nothing that was asked for.\n"
            "- **One training is one draw of chance.** The precomputed curve is a mean over several seeds; repeat with "
            "other seeds before you believe a difference.\n"
            "- **The attacks are those of this project:** a planted layer under this run’s noise (Fowl and others "
            "2022; Boenisch and others 2023) and the loss threshold (Yeom and others 2018) on this very model. "
            "Measured, not proven: a better attack may come.\n"
            "- **The limits are proven** for every attack of their kind, per record, by the exact trade-off curves of "
            "*Risk bounds*.\n"
            "- **Looking is not free.** Whoever tries many settings on real patients spends a budget each time; here "
            "nobody counts over several runs, so use real data only where that does no harm.\n"
            "- **Energy** is an estimate: 10 W for each busy core, nothing else counted."
        )


def _is_timed(dataset: str) -> bool:
    """Whether nothing is to be waited for: the speed is known, or cannot become known."""
    if lab_loaders.data_missing(dataset):
        return True
    try:
        return lab_loaders.store().facts(dataset) is not None
    except DpcoreError:
        return True
