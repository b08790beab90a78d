"""A visitor's jobs as the page needs them: all of their own, and the one that is looked at."""

from __future__ import annotations

from dataclasses import dataclass

from dpcore.errors import DpcoreError
from dpcore.jobs import Job, RunOutcome, RunSettings, TaskState
from dpcore.jobs.outcomes import TaskProgress
from ui import lab_loaders, lab_text
from ui.lab_charts import Course, LivePoint
from ui.lab_visitor import visitor

_UNFINISHED = ("waiting", "running")


@dataclass(frozen=True, kw_only=True)
class Mine:
    """One visitor's jobs at a moment."""

    visitor: str
    #: Newest first, looks at gradient norms among them.
    jobs: tuple[Job, ...]
    #: What is looked at, whoever asked for it; None if nothing is.
    shown: Job | None
    #: Why something is missing; empty if nothing is.
    problem: str = ""

    @property
    def runs(self) -> tuple[Job, ...]:
        """Trainings and curves, newest first."""
        return tuple(job for job in self.jobs if job.kind in ("run", "curve"))

    @property
    def unfinished(self) -> tuple[Job, ...]:
        """What waits or is at work, and is mine or looked at."""
        more = (self.shown,) if self.shown and self.shown not in self.jobs else ()
        return tuple(job for job in (*more, *self.jobs) if job.state in _UNFINISHED)

    @property
    def signature(self) -> tuple[object, ...]:
        """Changes when the page below must be drawn anew: a job has begun, a task has ended, another is looked at."""
        changed = {
            (job.id, job.state, sum(task.state not in _UNFINISHED for task in job.tasks))
            for job in (*self.jobs, *((self.shown,) if self.shown else ()))
        }
        return (frozenset(changed), self.shown.id if self.shown else "")

    def owns(self, job: Job) -> bool:
        """Whether a job may be cancelled, named, kept and deleted here."""
        return job.visitor == self.visitor


def load(run: str) -> Mine:
    """Returns the visitor's jobs, and the job `run`, by default the newest of their own."""
    me = visitor()
    try:
        jobs = lab_loaders.store().jobs(me)
        runs = [job for job in jobs if job.kind in ("run", "curve")]
        shown = next((job for job in runs if job.id == run), None) if run else next(iter(runs), None)
        problem = ""
        if run and shown is None:
            found = lab_loaders.store().job(run)
            shown = found if found is not None and found.kind in ("run", "curve") else None
            problem = "" if shown else "The run of this link is not here; it may have been deleted."
    except DpcoreError as error:
        return Mine(visitor=me, jobs=(), shown=None, problem=str(error))
    return Mine(visitor=me, jobs=jobs, shown=shown, problem=problem)


def outcome(state: TaskState) -> RunOutcome | None:
    """Returns the result of a training of a job; None while there is none."""
    if not isinstance(state.task, RunSettings) or state.state != "finished":
        return None
    return lab_loaders.run_outcome(state.key)


def courses(job: Job, num_train: int) -> list[Course]:
    """Returns the trainings of a run that have begun, with DP first, as drawn."""
    made = []
    for state in job.tasks:
        progress = progress_of(state)
        if progress is None or not isinstance(state.task, RunSettings):
            continue
        private = state.task.is_private
        made.append(
            Course(
                style="lb-live" if private else "lb-bare",
                words=lab_text.task_words(state),
                progress=progress,
                spent=lab_loaders.spent(state.task, num_train) if private else (),
            )
        )
    return made


def progress_of(state: TaskState) -> TaskProgress | None:
    """Returns how a training went, or goes; None before it began."""
    found = outcome(state)
    return found.progress if found else state.progress


def live_points(job: Job) -> list[LivePoint]:
    """Returns the finished trainings of a job on the curve."""
    made = []
    for state in job.tasks:
        found = outcome(state)
        if found is not None and isinstance(state.task, RunSettings):
            epsilon = lab_text.outcome_epsilon(found, state.task)
            made.append(LivePoint(epsilon=epsilon, utility=found.utility))
    return made
