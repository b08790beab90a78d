"""The machine's clock jumps, a day forwards or back, between real processes that share the live lab's database."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DAY = 24 * 3600
#: One process with a clock that is wrong by `shift` seconds; each step opens the database anew, as a new process would.
_PROLOGUE = """
import json, sqlite3, sys, time
from pathlib import Path
real, shift = time.time, 0.0
time.time = lambda: real() + shift
from dpcore.jobs import JobStore
from dpcore.jobs.laboratory_store import LaboratoryStore
from tests.unit.jobs.runs import settings
path, found = Path(sys.argv[1]), []
def ask(visitor, seed): return store.submit(visitor, "run", [settings(seed=seed)], name=f"{visitor}{seed}")
def serve():
    claimed = laboratory.claim()
    if claimed is None: return None
    laboratory.finish(claimed[0], {})
    return store.job(claimed[0][0]).name
for shift, code in json.loads(sys.argv[2]):
    store, laboratory = JobStore(path), LaboratoryStore(path)
    exec(code)
print(json.dumps(found))
"""


def in_a_process(database: Path, *steps: tuple[float, str]) -> list[Any]:
    """Returns what the steps, each with its clock, put into `found`."""
    command = [sys.executable, "-W", "ignore", "-c", _PROLOGUE, str(database), json.dumps(steps)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: list[Any] = json.loads(done.stdout)
    return found


def test_a_laboratory_that_ended_is_gone_and_one_that_beats_is_there_whatever_the_clock_says(tmp_path: Path) -> None:
    """Otherwise nobody would start a new one until the clock has caught up."""
    look, beat = "found.append(store.laboratory().alive)", "laboratory.beat(workers=2)"
    steps = [(0, f"laboratory.open_laboratory(1); {beat}")]
    for jump in (-DAY, DAY):
        steps += [(jump, look), (jump, f"{beat}; {look}"), (0, beat)]
    assert in_a_process(tmp_path / "lab.sqlite3", *steps) == [False, True, False, True]


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_turns_and_the_list_of_runs_stay_as_people_came(tmp_path: Path, jump: float) -> None:
    before = "laboratory.open_laboratory(1); ask('a', 1); serve(); ask('a', 2); ask('b', 3)"
    after = "ask('c', 4); ask('b', 5); found += [serve() for _ in range(4)] + [job.name for job in store.jobs('a')]"
    found = in_a_process(tmp_path / "lab.sqlite3", (0, before), (jump, after))
    # a was served; b and c never were, in the order in which they came; then a, who has waited longer than b.
    assert found[:4] == ["b3", "c4", "a2", "b5"]
    assert found[4:] == ["a2", "a1"]


def test_a_clock_set_back_deletes_no_run_and_promises_no_day_of_waiting(tmp_path: Path) -> None:
    begun = """
laboratory.open_laboratory(1); laboratory.beat(workers=1)
ask("a", 1); laboratory.claim(); ask("b", 2)
db = sqlite3.connect(path); db.execute("UPDATE tasks SET expected_seconds = 30"); db.commit(); db.close()
"""
    wait, restart = "found.append(store.jobs('b')[0].tasks[0].wait)", "laboratory.open_laboratory(2)"
    kept = "found.append(len(store.jobs('a') + store.jobs('b')))"
    waited, left = in_a_process(tmp_path / "lab.sqlite3", (0, begun), (-DAY, wait), (-DAY, f"{restart}; {kept}"))
    assert 0 <= waited <= 30
    assert left == 2
