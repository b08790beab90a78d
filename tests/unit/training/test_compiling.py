"""Compiled functions: kept where that can be, and shared out among threads without losing a record or an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numba
import numpy as np
import pytest
import torch

from dpcore.training import compiled_convolution, compiled_group_norm, compiling, convolution_rule, group_norm_rule
from dpcore.training.__main__ import main

FUNCTIONS = (compiled_convolution.weight_gradients, compiled_group_norm.normalise, compiled_group_norm.gradients)


@pytest.fixture(params=[1, 2, 3, 8])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """So many threads of torch."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def _double(x: compiling.Numbers, twice: compiling.Numbers, factor: float) -> None:
    for record in range(len(x)):
        twice[2 * record : 2 * record + 2] = factor * x[record]


def test_setup_compiles_every_function_in_both_precisions(monkeypatch: pytest.MonkeyPatch) -> None:
    met = set()

    def over_records(kernel: Callable[..., None], by_record: tuple[torch.Tensor, ...], *shared: Any) -> None:
        met.add((kernel, by_record[0].dtype))
        compiling.over_records(kernel, by_record, *shared)

    for rule in (convolution_rule, group_norm_rule):
        monkeypatch.setattr(rule, "over_records", over_records)
    main()
    assert met == {(function, precision) for function in FUNCTIONS for precision in (torch.float32, torch.float64)}


def test_without_a_folder_functions_are_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def njit(cache: bool = False, **options: Any) -> Callable[..., Any]:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return real(**options)

    real = numba.njit
    monkeypatch.setattr(numba, "njit", njit)
    x, twice = np.arange(3.0), np.zeros(6)
    compiling.compiled(_double)(x, twice, 2.0)
    np.testing.assert_array_equal(twice, [0, 0, 2, 2, 4, 4])


def test_every_record_and_its_views_are_met_once(threads: int) -> None:
    x, twice = torch.arange(7.0), torch.zeros(14)
    compiling.over_records(_double, (x, twice), 3.0)
    torch.testing.assert_close(twice, 3 * x.repeat_interleave(2))
    assert threads == torch.get_num_threads()


@pytest.mark.usefixtures("threads")
def test_an_error_in_a_thread_is_raised() -> None:
    def fails(x: compiling.Numbers) -> None:
        if x[-1] == 6:
            raise ValueError("the last part")

    with pytest.raises(ValueError, match="the last part"):
        compiling.over_records(fails, (torch.arange(7.0),))
