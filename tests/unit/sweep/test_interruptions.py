"""Sweeps that are stopped, starved of disk or time, or run elsewhere: real processes, and none is left behind."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest

from dpcore.results.store import PrecomputedStore

ROOT = Path(__file__).resolve().parents[3]
PLAN = """
name = "tiny"
epsilons = [1e9]
seeds = 2
delta = 1e-5
tost_margin = 0.05
watts_per_core = 10.0
curve_points = 10

[[dataset]]
name = "breast_cancer"
model = "mlp"
epochs = 40
expected_batch_size = 64
max_grad_norm = 1.0
"""
CELLS = 2 * 2 + 2  # budgets × seeds trainings, and one attack a budget
#: Enough for the file of a training, not for that of an attack.
SMALL_FILE_BYTES = 20_000


class Sweeps:
    """Starts sweeps whose processes, and those that these start, can be told apart from all others."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "SWEEP_UNDER_TEST": str(folder)}
        (folder / "tiny.toml").write_text(PLAN)

    def command(self, *options: str, plan: str = "tiny.toml") -> list[str]:
        """The command line of a sweep in the folder."""
        places = ["--plan", str(self.folder / plan), "--work", str(self.folder / "work"), "--out"]
        return [sys.executable, "-W", "ignore", "-m", "dpcore", "sweep", *places, str(self.folder / "out"), *options]

    def start(self, command: list[str], before: Callable[[], None] | None = None) -> subprocess.Popen[str]:
        """Starts a command; `before` runs in the new process."""

        def prepare() -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ignored by what a script starts in the background.
            if before:
                before()

        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdout=pipe, stderr=pipe, text=True, preexec_fn=prepare
        )

    def run(self, *options: str, plan: str = "tiny.toml", before: Callable[[], None] | None = None) -> tuple[int, str]:
        """Exit code and what was written on stderr."""
        process = self.start(self.command(*options, plan=plan), before)
        _, errors = process.communicate(timeout=200)
        return process.returncode, errors

    def cells(self) -> list[Path]:
        """Files of finished cells."""
        return list((self.folder / "work").rglob("*.json"))

    def wait_for_cells(self, process: subprocess.Popen[str], count: int) -> None:
        """Waits until so many are finished."""
        deadline = time.monotonic() + 120
        while len(self.cells()) < count:
            assert time.monotonic() < deadline, "no cell finished in time"
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.03)

    def assert_nothing_is_left(self) -> None:
        """All processes end within a few seconds."""
        deadline = time.monotonic() + 10
        while left := [p for p in psutil.process_iter() if self._is_ours(p)]:
            assert time.monotonic() < deadline, left
            time.sleep(0.05)

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            ours = process.environ().get("SWEEP_UNDER_TEST") == str(self.folder)
            return ours and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def numbers(self) -> pd.DataFrame:
        """The runs, less what differs from time to time."""
        return PrecomputedStore(folder=self.folder / "out").table("runs").drop(columns=["seconds", "watt_hours"])


@pytest.fixture
def sweeps(tmp_path: Path) -> Iterator[Sweeps]:
    """An empty folder to sweep in."""
    made = Sweeps(tmp_path)
    yield made
    made.assert_nothing_is_left()


@pytest.fixture(scope="module")
def by_one_worker(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The numbers of the plan, undisturbed."""
    made = Sweeps(tmp_path_factory.mktemp("one"))
    code, errors = made.run("--workers", "1")
    assert code == 0, errors
    assert f"{CELLS} of {CELLS}" in errors
    return made.numbers()


def test_ctrl_c_then_a_killed_sweep_then_two_workers_give_the_same_numbers(
    sweeps: Sweeps, by_one_worker: pd.DataFrame
) -> None:
    process = sweeps.start(sweeps.command("--workers", "1"))
    sweeps.wait_for_cells(process, 1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert errors.splitlines()[-1] == "Stopped; what is finished is kept for the next start."
    assert "Traceback" not in errors
    sweeps.assert_nothing_is_left()
    finished = {p: p.stat().st_mtime_ns for p in sweeps.cells()}
    assert 1 <= len(finished) < CELLS

    process = sweeps.start(sweeps.command("--workers", "1"))
    sweeps.wait_for_cells(process, len(finished) + 1)
    process.kill()  # Only the sweep itself: its workers have to notice.
    process.communicate()
    sweeps.assert_nothing_is_left()
    assert not (sweeps.folder / "out").exists()

    code, errors = sweeps.run("--workers", "2")
    assert code == 0, errors
    assert all(p.stat().st_mtime_ns == stamp for p, stamp in finished.items())
    pd.testing.assert_frame_equal(sweeps.numbers(), by_one_worker)


def test_a_cluster_that_already_runs_gives_the_same_numbers(sweeps: Sweeps, by_one_worker: pd.DataFrame) -> None:
    file = str(sweeps.folder / "scheduler.json")
    dask = [sys.executable, "-W", "ignore", "-m", "dask"]
    local = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", file]
    scheduler = sweeps.start([*dask, "scheduler", "--port", "0", *local])
    worker = sweeps.start([*dask, "worker", "--nthreads", "1", *local])
    try:
        deadline = time.monotonic() + 60
        while not Path(file).exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        address = json.loads(Path(file).read_text())["address"]
        code, errors = sweeps.run("--scheduler", address)
        assert code == 0, errors
        pd.testing.assert_frame_equal(sweeps.numbers(), by_one_worker)
    finally:
        for process in (worker, scheduler):
            process.terminate()
            process.communicate(timeout=30)


def test_a_full_disk_gets_one_sentence_and_loses_nothing_finished(sweeps: Sweeps) -> None:
    code, errors = sweeps.run(
        "--workers", "1", before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_FILE_BYTES,) * 2)
    )
    assert code == 2
    assert "cannot store a cell (File too large); what is finished is kept" in errors
    assert "Traceback" not in errors
    assert list((sweeps.folder / "work").rglob("*.partial")) == []
    assert all(json.loads(p.read_text())["rows"] for p in sweeps.cells())


def test_cells_over_their_time_limit_are_reported_and_results_stay_as_they_were(sweeps: Sweeps) -> None:
    (sweeps.folder / "slow.toml").write_text(PLAN.replace("epochs = 40", "epochs = 20_000"))
    (sweeps.folder / "out").mkdir()
    (sweeps.folder / "out" / "mine").touch()
    code, errors = sweeps.run("--time-limit", "1", "--workers", "2", plan="slow.toml")
    assert code == 1, errors
    failed = [line for line in errors.splitlines() if line.startswith("Failed: ")]
    assert "Failed: breast_cancer with mlp without DP, seed 0: It was stopped at its time limit of 1 s." in failed
    assert sum("seed" in line for line in failed) == 4
    assert f"{len(failed)} failed, so no table was written" in errors
    assert [p.name for p in (sweeps.folder / "out").iterdir()] == ["mine"]
    assert all(p.name.startswith("attack") for p in sweeps.cells())
