"""Solvers that know nothing of their problem: a root finder that promises the safe side, and a refinement of grids."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from scipy.optimize import brentq

from dpcore.errors import CalibrationError

T = TypeVar("T")

#: A change below this that no longer falls by about half is numerical noise.
_STAGNANT, _HALVED = 1e-4, 0.7
#: A method of fourth order changes so many times less on a doubled grid.
_FOURTH_ORDER = 16


def smallest_safe(
    excess: Callable[[float], float], *, start: float, step: float, tolerance: float, limits: tuple[float, float]
) -> float:
    """Returns x with excess(x) ≤ 0 and x at most `tolerance` above the place where the sign changes.

    `excess` falls as x grows; jumps are allowed. If it is ≤ 0 everywhere, returns limits[0]. Raises CalibrationError
    if it is above 0 up to limits[1].
    """
    known: dict[float, float] = {}

    def remembered(x: float) -> float:
        if x not in known:
            known[x] = excess(x)
        return known[x]

    unsafe, safe = _bracket(remembered, start=min(max(start, limits[0]), limits[1]), step=step, limits=limits)
    if unsafe == safe:
        return safe
    if safe - unsafe > tolerance:
        root = brentq(remembered, unsafe, safe, xtol=tolerance / 4, rtol=1e-15, maxiter=200)
    else:
        root = safe
    good = min(x for x, value in known.items() if value <= 0)
    margin = tolerance / 2
    while good > root + tolerance:
        if remembered(min(root + margin, good)) <= 0:
            good = min(root + margin, good)
        margin *= 2
        if root + margin >= good:
            break
    return good


def _bracket(
    excess: Callable[[float], float], *, start: float, step: float, limits: tuple[float, float]
) -> tuple[float, float]:
    here = start
    if excess(here) > 0:
        while True:
            if here >= limits[1]:
                raise CalibrationError(f"No value up to {limits[1]:g} meets the target.")
            there = min(here + step, limits[1])
            if excess(there) <= 0:
                return here, there
            here, step = there, 2 * step
    while here > limits[0]:
        there = max(here - step, limits[0])
        if excess(there) > 0:
            return there, here
        here, step = there, 2 * step
    return here, here


def first_that_holds(holds: Callable[[int], bool], count: int, *, guess: int) -> int:
    """Returns the first index below `count` at which `holds`, or `count`; it must hold at all indices after it.

    A guess near the result spares trials: two suffice where it is right.
    """
    low, high, here, step = -1, count, min(max(guess, 0), count - 1), 1
    while low + 1 < high:
        if holds(here):
            high, there = here, here - step
        else:
            low, there = here, here + step
        inside = low < there < high
        here, step = (there, 2 * step) if inside else ((low + high) // 2, step)
    return high


def refine(
    evaluate: Callable[[int], Sequence[T]],
    difference: Callable[[T, T], float],
    *,
    sizes: tuple[int, int],
    tolerance: float,
) -> tuple[T, float]:
    """Returns the best result on a grid and its estimated error: the change since the grid of half the size.

    `evaluate(size)` gives the result of each of several methods; the one of the least error is taken. A change that is
    small by chance does not count: the error is at least a sixteenth of the change before. The grid is doubled from
    sizes[0], at least twice, until the error is at most `tolerance`, only noise is left, or the size is sizes[1].
    """
    size = sizes[0]
    before = evaluate(size)
    changes_before = [math.inf] * len(before)
    result, least = before[0], math.inf
    while True:
        size *= 2
        now = evaluate(size)
        changes = [difference(new, old) for new, old in zip(now, before, strict=True)]
        errors = [max(new, old / _FOURTH_ORDER) for new, old in zip(changes, changes_before, strict=True)]
        best = min(range(len(now)), key=errors.__getitem__)
        stagnant = _STAGNANT > errors[best] > _HALVED * least
        if errors[best] < least:
            result, least = now[best], errors[best]
        if least <= tolerance or stagnant or size >= sizes[1]:
            return result, least
        before, changes_before = now, changes
