"""A visitor's own runs: name, keep, delete, compare, take along."""

from __future__ import annotations

import html
from collections.abc import Callable

import streamlit as st

from dpcore import datasets
from dpcore.errors import DpcoreError
from dpcore.jobs import Job, RunSettings
from dpcore.jobs.opacus_script import opacus_script
from dpcore.jobs.store import MOST_NAME
from dpcore.results.metrics import get_metric_from_name
from ui import lab_compare, lab_export, lab_jobs, lab_loaders, lab_state, lab_text, loaders
from ui.blocks import stress
from ui.lab_jobs import Mine
from ui.lab_visitor import visitor
from ui.text import plain

#: Runs shown at first.
_PAGE = 8
_MORE, _PROBLEM, _COMPARED = "lab_more", "lab_runs_problem", "lab_compared"
MOST_COMPARED = 4


def repeat(mine: Mine) -> None:
    """Offers what repeats the run that is looked at: a command, a script, and everything as JSON."""
    job = mine.shown
    settings = lab_text.main_settings(job) if job else None
    if job is None or settings is None:
        return
    with st.expander("Repeat this run, here or with Opacus", icon=":material/terminal:"):
        st.code("\n".join(lab_export.commands(job)), language="bash", wrap_lines=True)
        with st.container(key="lab_repeat"):
            st.download_button(
                "Everything (JSON)",
                lambda: lab_export.job_json(job),
                file_name=f"run-{job.id}.json",
                mime="application/json",
                key="lab_json",
                on_click="ignore",
                icon=":material/download:",
                help="Settings, results, versions and commands.",
            )
            if job.kind != "run":
                return
            st.download_button(
                "The same with Opacus (Python)",
                lambda: opacus_script(settings, loaders.evidence(settings.dataset).no_dp.num_train),
                file_name=f"run-{job.id}.py",
                mime="text/x-python",
                key="lab_opacus",
                on_click="ignore",
                icon=":material/download:",
                help="A script for your own project: the same training in Meta’s library.",
            )


def my_runs(mine: Mine) -> None:
    """Shows the visitor's runs, newest first, and the table that compares some of them."""
    if sentence := st.session_state.pop(_PROBLEM, ""):
        st.error(plain(sentence))
    if not mine.runs:
        st.html('<p class="pp-note pp-wide">Your runs will be listed here, also after a reload of this page.</p>')
        return
    count = int(st.session_state.get(_MORE, _PAGE))
    for job in mine.runs[:count]:
        _row(job, is_shown=mine.shown is not None and job.id == mine.shown.id)
    if len(mine.runs) > count:
        st.button(f"Show {len(mine.runs) - count} older runs", key="lab_show_more", on_click=_show_more)
    st.download_button(
        "All my runs (CSV)",
        lambda: lab_export.runs_csv(mine.runs),
        file_name="runs.csv",
        mime="text/csv",
        key="lab_csv_runs",
        on_click="ignore",
        icon=":material/download:",
    )
    st.html(
        '<p class="rk-faint">Runs that you do not keep are thrown away after 14 days. This browser finds them by a '
        "random number in a cookie, which says nothing about you. Whoever has the address of a run may look at it.</p>"
    )


def compare(mine: Mine) -> None:
    """Offers up to four runs to put side by side."""
    done = [job for job in mine.runs if job.kind == "run" and lab_jobs.outcome(job.tasks[0])]
    if len(done) < 2:
        st.html('<p class="pp-note pp-wide">Finish two trainings, and you can put them side by side here.</p>')
        return
    by_id = {job.id: job for job in done}
    chosen = [job for job in st.session_state.get(_COMPARED, ()) if job in by_id]
    if st.session_state.get(_COMPARED) != chosen:
        st.session_state[_COMPARED] = chosen
    picked = st.multiselect(
        f"Runs to compare, at most {MOST_COMPARED}",
        list(by_id),
        format_func=lambda job: _label(by_id[job]) if job in by_id else job,
        key=_COMPARED,
        max_selections=MOST_COMPARED,
        placeholder="Choose two to four runs",
    )
    compared = [by_id[job] for job in picked if job in by_id][:MOST_COMPARED]
    if len(compared) >= 2:
        st.html(lab_compare.compare_html(compared))


def _row(job: Job, *, is_shown: bool) -> None:
    key = f"lab_name_{job.id}"
    if st.session_state.get(key) != job.name:
        st.session_state[key] = job.name
    with st.container(key=f"lab_run_{job.id}"):
        st.text_input(
            "Name",
            key=key,
            max_chars=MOST_NAME,
            placeholder="Give it a name",
            label_visibility="collapsed",
            on_change=_rename,
            args=(job.id,),
        )
        st.html(f'<div class="lb-run">{_words(job)}</div>')
        st.button(
            "Looked at above" if is_shown else "Look at it",
            key=f"lab_show_{job.id}",
            disabled=is_shown,
            on_click=lab_state.show_run,
            args=(job.id,),
        )
        kept = f"lab_keep_{job.id}"
        if st.session_state.get(kept) != job.kept:
            st.session_state[kept] = job.kept
        st.toggle("Keep", key=kept, on_change=_keep, args=(job.id,))
        with st.popover("Delete", icon=":material/delete:", disabled=job.state == "running"):
            st.markdown("Delete this run and its results? This cannot be undone.")
            st.button("Delete for good", key=f"lab_delete_{job.id}", on_click=_delete, args=(job.id,))


def _words(job: Job) -> str:
    title = datasets.spec(job.tasks[0].task.dataset).title
    about = html.escape(lab_text.job_words(job, title))
    state = f'<span class="lb-state lb-state-{job.state}">{lab_text.STATES[job.state]}</span>'
    return f"{state} {about}{stress(_utility(job))}"


def _utility(job: Job) -> str:
    found = lab_jobs.outcome(job.tasks[0])
    if found is None:
        return ""
    metric = get_metric_from_name(found.metric).short
    if job.kind == "curve":
        return f"; without DP {metric} **{found.utility:.2f}**"
    bare = lab_jobs.outcome(job.tasks[1]) if len(job.tasks) > 1 else None
    beside = f", without DP {bare.utility:.2f}" if bare else ""
    return f"; {metric} **{found.utility:.2f}**{beside}"


def _label(job: Job) -> str:
    settings = job.tasks[0].task
    assert isinstance(settings, RunSettings)
    words = f"{lab_text.settings_words(settings)}; {datasets.spec(settings.dataset).title}"
    return f"{job.name} ({words})" if job.name else words


def _show_more() -> None:
    st.session_state[_MORE] = int(st.session_state.get(_MORE, _PAGE)) + _PAGE


def _rename(job: str) -> None:
    _try(lambda: lab_loaders.store().rename(visitor(), job, str(st.session_state[f"lab_name_{job}"] or "")))


def _keep(job: str) -> None:
    _try(lambda: lab_loaders.store().keep(visitor(), job, kept=bool(st.session_state[f"lab_keep_{job}"])))


def _delete(job: str) -> None:
    if _try(lambda: lab_loaders.store().delete(visitor(), job)) and lab_state.LINK.shown().run == job:
        lab_state.show_run("")


def _try(change: Callable[[], None]) -> bool:
    try:
        change()
    except DpcoreError as error:
        st.session_state[_PROBLEM] = str(error)
        return False
    return True
