"""What is at work: the queue, progress and curves of the jobs that are not finished, and a way to stop them."""

from __future__ import annotations

import html
import time
from dataclasses import replace

import streamlit as st

from dpcore import datasets
from dpcore.errors import DpcoreError, ResultsUnavailable
from dpcore.jobs import Job, RunSettings, TaskState
from dpcore.results.metrics import get_metric_from_name
from ui import echo, lab_charts, lab_jobs, lab_loaders, lab_text, loaders
from ui.blocks import stress
from ui.lab_jobs import Mine
from ui.lab_visitor import visitor

#: Seconds between two looks while something is at work or next, while all waits in the queue, near its front or far
#: from it (forty visitors' looks must not keep the server busy), and while only this machine is being timed.
_AT_WORK, _NEAR, _FAR, _TIMING = 0.3, 1.0, 4.0, 2.0
#: Tasks that may start at any moment: as many as the smallest machine has workers; and tasks that wait near the front.
_NEXT, _SOON = 2, 8
#: Share of a training before which its own pace says little.
_TOO_EARLY = 0.2
_STOPPING = "lab_stopping"


def watch(mine: Mine, dataset: str, *, timed: bool) -> None:
    """Shows what is at work and looks again by itself, only while something is.

    `timed` says whether this machine's speed on the dataset is known.
    """
    every = _interval(mine, timed=timed)
    echo.expect(every is not None)
    # The run that is looked at, all that ended, and how near the rest is: when they change, the page is drawn anew.
    before = (mine.signature, every)
    st.fragment(_look, run_every=every)(before, mine.shown.id if mine.shown else "", dataset, timed)


def _interval(mine: Mine, *, timed: bool) -> float | None:
    """Seconds until the next look; None where there is nothing to look for."""
    if not mine.unfinished:
        return None if timed else _TIMING
    tasks = [task for job in mine.unfinished for task in job.tasks]
    ahead = [task.ahead for task in tasks if task.ahead is not None]
    if any(task.state == "running" for task in tasks) or any(many < _NEXT for many in ahead):
        return _AT_WORK
    return _NEAR if any(many < _SOON for many in ahead) else _FAR


@lab_loaders.or_a_sentence
def _look(before: tuple[object, ...], run: str, dataset: str, timed: bool) -> None:
    mine = lab_jobs.load(run)
    if (mine.signature, _interval(mine, timed=timed)) != before or (not timed and _is_timed(dataset)):
        st.rerun()
    if not mine.unfinished:
        return
    if sentence := _laboratory_sentence():
        st.html(f'<p class="pp-note pp-wide lb-laboratory" role="status">{html.escape(sentence)}</p>')
    for job in mine.unfinished:
        _job(job, mine, wide=mine.shown is not None and job.id == mine.shown.id)


def _is_timed(dataset: str) -> bool:
    try:
        return lab_loaders.store().facts(dataset) is not None
    except DpcoreError:
        return False


def _laboratory_sentence() -> str:
    """Why nothing is at work, or nothing."""
    try:
        found = lab_loaders.laboratory()
    except DpcoreError as error:
        return str(error)
    if found is not None and found.alive:
        return found.problem or ("" if found.workers else "The laboratory's workers are starting, a few seconds.")
    return lab_loaders.start_laboratory() or "The laboratory is starting, a few seconds. Your job is safe meanwhile."


def _job(job: Job, mine: Mine, *, wide: bool) -> None:
    with st.container(key=f"lab_job_{job.id}"), st.container(key=f"lab_head_{job.id}"):
        title = datasets.spec(job.tasks[0].task.dataset).title
        st.html(f'<div class="lb-head">{_head(job, title)}</div>')
        if mine.owns(job):
            stopping = job.id in st.session_state.get(_STOPPING, ())
            st.button(
                "Stopping…" if stopping else "Cancel",
                key=f"lab_cancel_{job.id}",
                disabled=stopping,
                icon=":material/stop:",
                on_click=_cancel,
                args=(job.id,),
            )
    if wide:
        _charts(job)


def _head(job: Job, title: str) -> str:
    name = html.escape(job.name or lab_text.job_words(job, title))
    current = _current(job)
    done = sum(task.state not in ("waiting", "running") for task in job.tasks)
    many = f" <span>{done} of {len(job.tasks)} done</span>" if len(job.tasks) > 1 else ""
    lines = "".join(f"<p>{stress(line)}</p>" for line in _lines(current))
    return f"<h3>{name}{many}</h3>{_bar(current, job)}<div>{lines}</div>"


def _current(job: Job) -> TaskState:
    """What is at work, else what is next."""
    running = [task for task in job.tasks if task.state == "running"]
    waiting = [task for task in job.tasks if task.state == "waiting"]
    return (running or waiting or list(job.tasks))[0]


def _lines(task: TaskState) -> list[str]:
    what = lab_text.task_words(task)
    lost = [lab_text.LOST_WORKER] if task.attempts > 1 else []
    if task.state != "running":
        return [f"**{what}.** {lab_text.queue_words(task)}", *lost]
    progress = task.progress
    if progress is None:
        return [f"**{what}.** Starting…", *lost]
    words = [progress.phase]
    if progress.steps and progress.step < progress.steps:
        words.append(f"step {progress.step:,} of {progress.steps:,}")
        if progress.epochs:
            words.append(f"epoch {progress.step * progress.epochs / progress.steps:.1f} of {progress.epochs}")
    if progress.losses and progress.step < progress.steps:
        words.append(f"loss {progress.losses[-1][1]:.3f}")
    if progress.epsilon is not None:
        words.append(f"ε spent so far {progress.epsilon:.4g}")
    if left := _left(task):
        words.append(left)
    return [f"**{what}.** {', '.join(words)}.", *lost]


def _left(task: TaskState) -> str:
    """Seconds left, by the pace so far where training goes on, else as expected."""
    if task.started is None:
        return ""
    elapsed, progress = time.time() - task.started, task.progress
    if elapsed < 0:
        return ""  # The clock was set back.
    if progress and progress.steps and 0 < progress.step < progress.steps:
        share = progress.step / progress.steps
        if share < _TOO_EARLY and task.expected_seconds is not None:
            # Loading the records would count as slow steps.
            return f"about {lab_text.duration(task.expected_seconds * (1 - share))} left"
        return f"about {lab_text.duration(elapsed * (1 - share) / share)} of training left"
    if task.expected_seconds is None or task.expected_seconds <= elapsed:
        return ""
    return f"about {lab_text.duration(task.expected_seconds - elapsed)} left"


def _bar(task: TaskState, job: Job) -> str:
    progress = task.progress
    share = progress.step / progress.steps if task.state == "running" and progress and progress.steps else 0.0
    done = sum(state.state not in ("waiting", "running") for state in job.tasks)
    whole = (done + share) / len(job.tasks)
    return (
        f'<div class="lb-bar" role="progressbar" aria-label="Progress" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{100 * whole:.0f}"><i style="width:{100 * whole:.1f}%"></i></div>'
    )


def _charts(job: Job) -> None:
    settings = lab_text.main_settings(job)
    if settings is None:
        return
    try:
        evidence = loaders.evidence(settings.dataset)
    except ResultsUnavailable:
        return  # Said above, where the page has no results to compare with.
    if job.kind == "run":
        shown = lab_jobs.courses(job, evidence.no_dp.num_train)
    else:
        running = _current(job)
        shown = lab_jobs.courses(_only(job, running), evidence.no_dp.num_train)
    if shown:
        metric = get_metric_from_name(evidence.metric.name)
        st.markdown(lab_charts.course_html(shown, metric), unsafe_allow_html=True)


def _only(job: Job, task: TaskState) -> Job:
    """The job as if it had one task."""
    return replace(job, tasks=(task,) if isinstance(task.task, RunSettings) else ())


def _cancel(job: str) -> None:
    st.session_state.setdefault(_STOPPING, set()).add(job)
    try:
        lab_loaders.store().cancel(visitor(), job)
    except DpcoreError as error:
        st.session_state[_STOPPING].discard(job)
        st.toast(str(error))
