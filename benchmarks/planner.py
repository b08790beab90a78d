"""How long the planner takes to answer, in one process: the first answer, and any change after it.

Each warm figure is over changes that were never asked for before, so no cache of answers helps; the cold ones are the
first of each kind in a process that has its imports (their time is given apart).

    python -m benchmarks.planner [--changes 20] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from datetime import date

import numpy as np

_START = time.perf_counter()

from dpcore import planner  # noqa: E402  (its import is measured)
from dpcore.planner import Infeasible, Ledger, Limit, Plan, TrainingRelease  # noqa: E402
from dpcore.results.store import DEFAULT_FOLDER, PrecomputedStore  # noqa: E402

_IMPORTS = time.perf_counter() - _START
#: Milliseconds: p95 warm, and cold.
GOALS = {"warm": 200.0, "cold": 1000.0}
_LIMITS = (
    Limit(kind="reconstruction", value=0.001),
    Limit(kind="advantage", value=0.1),
    Limit(kind="tpr_at_fpr_0_01", value=0.05),
    Limit(kind="realistic", value=0.0),
    Limit(kind="utility", value=0.9),
)


def _plan(index: int, records: int = 1) -> Plan:
    """Plans of 4,000 scans that differ in records, epochs and budget."""
    return Plan(
        name="plan",
        num_train=4000 + 7 * index,
        images_per_patient=records,
        expected_batch_size=256,
        epochs=60 - index % 20,
        delta=1e-5,
        epsilon=8.0 + 0.13 * index,
        dataset="skin_phantom",
    )


def _ledger(index: int) -> Ledger:
    releases = tuple(
        TrainingRelease(
            label=f"model {year}",
            date=date(year, 1, 1),
            planned=year == 2026,
            noise_multiplier=1.5 + 0.01 * index + 0.1 * (year - 2023),
            sample_rate=0.06,
            steps=900 + index,
        )
        for year in (2023, 2024, 2025, 2026)
    )
    return Ledger(name="ledger", budget_epsilon=20.0, delta=1e-5, images_per_patient=3, releases=releases)


def _measure(ask: Callable[[int], object], changes: Iterable[int]) -> list[float]:
    taken = []
    for index in changes:
        start = time.perf_counter()
        ask(index)
        taken.append(1000 * (time.perf_counter() - start))
    return taken


def measure(changes: int) -> dict[str, dict[str, float]]:
    """Returns cold, median and p95 milliseconds of each kind of question."""
    store = PrecomputedStore(folder=DEFAULT_FOLDER)

    def backwards(index: int) -> object:
        found = planner.solve(_plan(index), _LIMITS, store)
        return planner.get_remedies(found, store) if isinstance(found, Infeasible) else found

    questions: dict[str, Callable[[int], object]] = {
        "forwards": lambda i: planner.answer(_plan(i), store),
        "forwards, 3 records a patient": lambda i: planner.answer(_plan(i, 3), store),
        "backwards": lambda i: planner.solve(_plan(i), _LIMITS, store),
        "backwards, with what would help": lambda i: backwards(i + changes + 1),
        "ledger": lambda i: planner.answer_ledger(_ledger(i)),
    }
    found = {}
    for name, ask in questions.items():
        cold = _measure(ask, [0])[0]
        warm = _measure(ask, range(1, changes + 1))
        found[name] = {"cold": cold, "median": float(np.median(warm)), "p95": float(np.percentile(warm, 95))}
    return found


def main() -> int:
    """Returns 0 if every question met its goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=20, help="changes of each kind")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(max(2, options.changes))
    missed = [n for n, ms in found.items() if ms["p95"] > GOALS["warm"] or ms["cold"] > GOALS["cold"]]
    if options.json:
        print(json.dumps({"imports_ms": 1000 * _IMPORTS, "questions": found, "goals": GOALS, "missed": missed}))
    else:
        print(f"imports {1000 * _IMPORTS:.0f} ms; goals: warm p95 {GOALS['warm']:g} ms, cold {GOALS['cold']:g} ms")
        for name, ms in found.items():
            mark = "missed" if name in missed else "met"
            print(f"{name:34} cold {ms['cold']:6.0f}  median {ms['median']:6.0f}  p95 {ms['p95']:6.0f} ms  {mark}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
