"""Worker processes for trainings: one thread each, since there is one worker a core."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

#: Read by the workers when they start. glibc otherwise returns each chunk's memory to the kernel and asks for it
#: again, which cost a third of the CPU time of a training.
_WORKER_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 31),
}


def one_thread_pool(workers: int) -> ProcessPoolExecutor:
    """Returns a pool of spawned processes, which share nothing with this one but the environment."""
    os.environ.update(_WORKER_ENVIRONMENT)
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
