"""The solvers on problems of known answer, with jumps, plateaus and noise."""

from __future__ import annotations

import math

import pytest

from dpcore.errors import CalibrationError
from dpcore.privacy.solver import first_that_holds, refine, smallest_safe


@pytest.mark.parametrize("root", [-7.3, 0.0, 2.0, 9.9999])
@pytest.mark.parametrize("start", [-10.0, 0.1, 10.0])
def test_smooth_root_from_the_safe_side(root: float, start: float) -> None:
    def excess(x: float) -> float:
        return math.sinh(root - x)

    found = smallest_safe(excess, start=start, step=0.1, tolerance=1e-9, limits=(-10.0, 10.0))
    assert excess(found) <= 0
    assert root <= found <= root + 1e-9


def test_jump_is_bracketed_from_the_safe_side() -> None:
    found = smallest_safe(
        lambda x: 5.0 if x < 1 / 3 else -2.0, start=0.0, step=0.01, tolerance=1e-6, limits=(-1.0, 1.0)
    )
    assert 1 / 3 <= found <= 1 / 3 + 1e-6


def test_safe_everywhere_gives_the_lower_limit() -> None:
    assert smallest_safe(lambda x: -1.0 - x, start=0.5, step=0.1, tolerance=1e-6, limits=(0.0, 1.0)) == 0.0


def test_safe_nowhere_raises() -> None:
    with pytest.raises(CalibrationError):
        smallest_safe(lambda x: 1.0 + x, start=0.5, step=0.1, tolerance=1e-6, limits=(0.0, 1.0))


def test_start_outside_the_limits_is_moved_inside() -> None:
    found = smallest_safe(lambda x: 0.5 - x, start=99.0, step=0.1, tolerance=1e-9, limits=(0.0, 1.0))
    assert found == pytest.approx(0.5, abs=1e-9)


def test_few_evaluations_for_a_smooth_problem() -> None:
    calls = []

    def excess(x: float) -> float:
        calls.append(x)
        return math.exp(-x) - 0.2

    smallest_safe(excess, start=1.5, step=0.1, tolerance=1e-9, limits=(-20.0, 20.0))
    assert len(calls) <= 12


def test_refine_takes_the_method_that_converges_and_bounds_its_error() -> None:
    def evaluate(size: int) -> list[float]:
        return [math.pi + 1 / size, math.pi + 1 / size**4]

    value, error = refine(evaluate, lambda a, b: abs(a - b), sizes=(4, 4096), tolerance=1e-8)
    assert abs(value - math.pi) <= error <= 1e-8


def test_refine_stops_at_the_largest_size_and_reports_what_it_reached() -> None:
    value, error = refine(lambda size: [1 / size], lambda a, b: abs(a - b), sizes=(2, 64), tolerance=1e-12)
    assert value == 1 / 64
    assert error == 1 / 64


def test_refine_stops_when_only_noise_is_left() -> None:
    sizes = []

    def evaluate(size: int) -> list[float]:
        sizes.append(size)
        return [1 + (1e-6 if len(sizes) % 2 else -1e-6)]

    _, error = refine(evaluate, lambda a, b: abs(a - b), sizes=(2, 2**20), tolerance=1e-12)
    assert len(sizes) == 4
    assert error == pytest.approx(2e-6, rel=1e-6)


def test_refine_is_not_fooled_by_one_small_change() -> None:
    values = {2: 0.0, 4: 1.0, 8: 1.0 + 1e-9, 16: 0.1, 32: 0.01, 64: 0.001}
    value, error = refine(lambda size: [values[size]], lambda a, b: abs(a - b), sizes=(2, 64), tolerance=1e-6)
    assert error >= 0.009
    assert abs(value) <= 2 * error + 1e-12


@pytest.mark.parametrize("count", [1, 2, 7, 11])
def test_the_first_that_holds_is_found_from_any_guess(count: int) -> None:
    for first in range(count + 1):
        for guess in range(-1, count + 2):
            tried: list[int] = []

            def holds(index: int, first: int = first, tried: list[int] = tried) -> bool:
                tried.append(index)
                return index >= first

            assert first_that_holds(holds, count, guess=guess) == first
            assert all(0 <= index < count for index in tried)
            # Whoever asks wants to use what was tried there: the result, or the last that does not hold.
            assert min(first, count - 1) in tried
            if guess == first:
                assert len(tried) <= 2
