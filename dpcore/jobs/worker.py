"""Runs one task on a Dask worker: reports where it stands, and stops it when its visitor or its time limit wants."""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import dataclass
from typing import Any, Literal

from distributed import get_worker

from dpcore.cluster.tasks import over_limit
from dpcore.errors import DpcoreError
from dpcore.jobs.outcomes import TaskProgress, to_json
from dpcore.jobs.tasks import task_from_json
from dpcore.jobs.turns import TaskId

#: Under which workers report.
TOPIC = "pinch-lab"

#: Tasks to stop. Written by the worker's event loop, read by the thread that trains.
_stopping: set[TaskId] = set()


class TaskStopped(DpcoreError):
    """The visitor does not want it any more."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a task ended: with an outcome, stopped, or with a sentence that says why there is none."""

    how: Literal["finished", "failed", "stopped"]
    outcome: dict[str, Any] | None = None
    sentence: str = ""


def perform(task: TaskId, settings: dict[str, Any], time_limit: float) -> Ended:
    """Returns how the task ended; never raises on purpose."""
    worker, execution = get_worker(), uuid.uuid4().hex
    key = worker.get_current_task()
    deadline = time.monotonic() + time_limit

    def report(progress: TaskProgress) -> None:
        about = {"task": task, "key": key, "execution": execution, "worker": worker.address}
        worker.log_event(TOPIC, {**about, "progress": to_json(progress)})

    def check() -> None:
        if task in _stopping:
            raise TaskStopped("It was cancelled.")
        if time.monotonic() > deadline:
            raise DpcoreError(over_limit(time_limit))

    # Imported here, with torch: the laboratory itself only names this function.
    from dpcore.jobs.work import perform_task

    try:
        return Ended(how="finished", outcome=perform_task(task_from_json(settings), report=report, check=check))
    except TaskStopped:
        return Ended(how="stopped")
    except DpcoreError as error:
        return Ended(how="failed", sentence=str(error))
    except Exception as error:
        # The visitor cannot mend it: the details are for the log.
        logging.getLogger("dpcore.jobs").exception("A task failed")
        return Ended(
            how="failed", sentence=f"It failed by a mistake of this program ({type(error).__name__}), not yours."
        )
    finally:
        _stopping.discard(task)


def stop(task: TaskId) -> None:
    """Stops a task that may run in this worker."""
    _stopping.add(task)
