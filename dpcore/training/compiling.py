"""What is compiled for the CPU at hand, and how records are shared out among threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor

Numbers = np.ndarray[Any, np.dtype[Any]]

#: Sums may be taken in another order and fused with products; infinities and NaN stay what they are.
_OPTIONS: dict[str, Any] = {"nogil": True, "fastmath": {"contract", "reassoc", "nsz"}, "error_model": "numpy"}


def compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Returns the function compiled at its first call, seconds once a machine: kept on disk where there is a folder."""
    try:
        return numba.njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # No folder that can be written.
        return numba.njit(**_OPTIONS)(function)


def is_compiled(x: Tensor) -> bool:
    """Returns whether compiled functions take these numbers."""
    return x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)


def over_records(kernel: Callable[..., None], by_record: tuple[Tensor, ...], *shared: Any) -> None:
    """Calls a compiled function with all records, shared out among as many threads as torch uses.

    Args:
        kernel: takes the numbers of some records, then what they share; fills some of them in.
        by_record: contiguous, first axis n records or a multiple of it.
        shared: what is the same for all.
    """
    arrays = [tensor.detach().numpy() for tensor in by_record]
    values = [value.detach().numpy() if isinstance(value, Tensor) else value for value in shared]
    n = min(len(array) for array in arrays)
    threads = min(torch.get_num_threads(), n)
    if threads == 1:
        kernel(*arrays, *values)
        return

    def of_part(part: int) -> None:
        start, end = n * part // threads, n * (part + 1) // threads
        kernel(*(array[start * (len(array) // n) : end * (len(array) // n)] for array in arrays), *values)

    for _ in _threads(threads).map(of_part, range(threads)):
        pass  # Errors are raised here.


@lru_cache(maxsize=1)
def _threads(number: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(number, thread_name_prefix="records")
