"""On-demand work: trainings, attacks and looks at gradients that a visitor asks for.

The app only writes and reads a database (`JobStore`). A process of its own, the laboratory (`dpcore.jobs.laboratory`),
takes the tasks in turn, gives them to Dask workers and writes down how they go. Only what runs there needs torch.
"""

from dpcore.jobs.database import JobsUnavailable
from dpcore.jobs.forecast import DatasetFacts, ModelFacts, expected_seconds
from dpcore.jobs.limits import Limits
from dpcore.jobs.outcomes import AttackOutcome, LookOutcome, MembershipOutcome, PictureOutcome, RunOutcome, TaskProgress
from dpcore.jobs.rows import Job, Laboratory, TaskState
from dpcore.jobs.store import JobRefused, JobStore
from dpcore.jobs.tasks import (
    CURVE_EPSILONS,
    ProbeTask,
    ProfileTask,
    RunSettings,
    Task,
    curve_tasks,
    run_tasks,
    task_key,
)

__all__ = [
    "CURVE_EPSILONS",
    "AttackOutcome",
    "DatasetFacts",
    "Job",
    "JobRefused",
    "JobStore",
    "JobsUnavailable",
    "Laboratory",
    "Limits",
    "LookOutcome",
    "MembershipOutcome",
    "ModelFacts",
    "PictureOutcome",
    "ProbeTask",
    "ProfileTask",
    "RunOutcome",
    "RunSettings",
    "Task",
    "TaskProgress",
    "TaskState",
    "curve_tasks",
    "expected_seconds",
    "run_tasks",
    "task_key",
]
