"""Runs to take along: all of them as CSV, one as JSON with everything needed to repeat it. No Streamlit here."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from dpcore.jobs import Job, RunOutcome, RunSettings, TaskState
from dpcore.jobs.outcomes import to_json
from dpcore.jobs.repeat import command_line
from ui import lab_jobs
from ui.risk_charts import to_csv

_TRAINING = (
    "model", "epochs", "expected_batch_size", "max_grad_norm", "learning_rate", "positive_weight", "multiplicity",
    "flips", "seed",
)  # fmt: skip
_ASKED = ("epsilon", "noise_multiplier", "delta", "accountant")
_OUTCOME = (
    "metric", "utility", "seconds", "noise_multiplier", "sample_rate", "steps", "num_train", "num_test", "epsilon_rdp",
    "epsilon_tight",
)  # fmt: skip
_ATTACK = ("attacked", "candidates")
_LOOK = ("looks", "rebuilt", "matched", "median_error")
_MEMBERSHIP = ("members", "non_members", "auc")


def runs_csv(jobs: Sequence[Job]) -> str:
    """Returns one row a finished training, with full digits."""
    headings = [
        "job", "name", "state", "dataset", *_TRAINING, *(f"asked_{name}" for name in _ASKED), *_OUTCOME, *_ATTACK,
        *(f"{name}_one_look" for name in _LOOK), *(f"{name}_all_looks" for name in _LOOK), *_MEMBERSHIP,
        "true_at_001", "false_at_001",
    ]  # fmt: skip
    return to_csv(headings, [_row(job, task, found) for job in jobs for task, found in _finished(job)])


def job_json(job: Job) -> str:
    """Returns a job with settings, results, versions and the command that repeats each training."""
    trainings = []
    for task in job.tasks:
        if not isinstance(task.task, RunSettings):
            continue
        found = lab_jobs.outcome(task)
        trainings.append(
            {
                "state": task.state,
                "sentence": task.sentence,
                "settings": task.task.to_json(),
                "command_line": command_line(task.task),
                "outcome": to_json(found) if found else None,
            }
        )
    about = {"job": job.id, "kind": job.kind, "name": job.name, "created": job.created, "trainings": trainings}
    return json.dumps(_finite(about), indent=1, ensure_ascii=False, allow_nan=False)


def commands(job: Job) -> list[str]:
    """Returns the commands that repeat a job: of a run its own training, of a curve all of them."""
    runs = [task.task for task in job.tasks if isinstance(task.task, RunSettings)]
    return [command_line(run) for run in (runs[:1] if job.kind == "run" else runs)]


def _finished(job: Job) -> Iterator[tuple[TaskState, RunOutcome]]:
    for task in job.tasks:
        if found := lab_jobs.outcome(task):
            yield task, found


def _row(job: Job, task: TaskState, found: RunOutcome) -> list[object]:
    settings = task.task
    assert isinstance(settings, RunSettings)
    attack, member = found.attack, found.membership
    return [
        job.id, _harmless(job.name), task.state, settings.dataset,
        *(getattr(settings.training, name) for name in _TRAINING),
        *(getattr(settings, name) for name in _ASKED),
        *(getattr(found, name) for name in _OUTCOME),
        *(getattr(attack, name) for name in _ATTACK),
        *(getattr(attack.looks[0], name) for name in _LOOK),
        *(getattr(attack.looks[-1], name) for name in _LOOK),
        *(getattr(member, name) for name in _MEMBERSHIP),
        *member.at_001,
    ]  # fmt: skip


def _harmless(name: str) -> str:
    """A name that a spreadsheet would take for a formula stays text."""
    return f"'{name}" if name[:1] in ("=", "+", "-", "@") else name


def _finite(value: Any) -> Any:
    """JSON has no infinity and no NaN: both become null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value
