"""The laboratory with real processes: fair turns, cancelling, killed workers, restarts, a full disk, other clusters."""

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
from typing import Any

import psutil
import pytest

from dpcore.jobs import Job, JobStore, Limits, curve_tasks, run_tasks, task_key
from dpcore.jobs.laboratory import LOST
from dpcore.jobs.launch import Launcher
from tests.unit.jobs.runs import settings

ROOT = Path(__file__).resolve().parents[3]
#: Epochs of trainings that are cancelled or killed: about a minute.
LONG = 6000
PATIENCE_SECONDS = 60.0


class Bench:
    """A database with a laboratory, as an app process would start it."""

    def __init__(self, folder: Path) -> None:
        self.store = JobStore(folder / "lab.sqlite3", limits=Limits(per_visitor=50, epochs=LONG))
        self.launcher = Launcher(self.store.path)

    def start(self) -> None:
        """Starts the laboratory and waits for its workers."""
        self.launcher.ensure()
        self.until(self.is_complete)

    def is_complete(self) -> bool:
        """Whether all workers are there."""
        found = self.store.laboratory()
        return found is not None and found.alive and found.workers == int(os.environ["PINCH_LAB_WORKERS"])

    def until(self, holds: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> float:
        """Waits until something holds and returns how many seconds that took."""
        start = time.monotonic()
        while not holds():
            assert time.monotonic() - start < seconds, self.store.laboratory()
            time.sleep(0.03)
        return time.monotonic() - start

    def job(self, job: str) -> Job:
        """The job as it stands."""
        found = self.store.job(job)
        assert found is not None
        return found

    def train(self, job: str) -> None:
        """Waits until the job's first task has taken some steps."""
        self.until(lambda: (seen := self.job(job).tasks[0].progress) is not None and seen.step > 5)

    def ended(self, job: str) -> Job:
        """Waits until the job has ended."""
        self.until(lambda: self.job(job).state not in ("waiting", "running"))
        return self.job(job)

    def processes(self) -> list[psutil.Process]:
        """The laboratory's process and all it started."""
        laboratory = psutil.Process(self.laboratory_pid())
        return [laboratory, *laboratory.children(recursive=True)]

    def laboratory_pid(self) -> int:
        """The process that calls itself the laboratory."""
        found = self.store.laboratory()
        assert found is not None
        return found.pid

    def workers(self) -> list[psutil.Process]:
        """The processes that train, or are about to: forks of the one that has imported what they need."""
        return [child for p in self.processes() if _forks(p) for child in p.children() if _forks(child)]

    def kill_workers(self) -> None:
        """Kills what trains, wherever it does."""
        for worker in self.workers():
            worker.kill()

    def busiest_worker(self) -> psutil.Process:
        """The worker that trains, where none is busy with its own start."""
        workers = self.workers()
        before = {p.pid: sum(p.cpu_times()[:2]) for p in workers}
        time.sleep(0.5)
        return max(workers, key=lambda p: sum(p.cpu_times()[:2]) - before[p.pid])


def _forks(process: psutil.Process) -> bool:
    return "multiprocessing.forkserver" in " ".join(process.cmdline())


def _gone(processes: list[psutil.Process]) -> bool:
    return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One laboratory for the tests that do not end it, with a queue that was there before it."""
    made = Bench(tmp_path_factory.mktemp("lab"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PINCH_LAB_WORKERS", "2")
        yield made
        made.launcher.close()


@pytest.fixture
def open_bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Bench]]:
    """Opens a laboratory's bench with one worker in one folder, again and again; all are closed afterwards."""
    monkeypatch.setenv("PINCH_LAB_WORKERS", "1")
    opened: list[Bench] = []

    def opener() -> Bench:
        opened.append(Bench(tmp_path))
        return opened[-1]

    yield opener
    for made in opened:
        made.launcher.close()


def test_forty_visitors_take_turns_and_none_is_forgotten(bench: Bench) -> None:
    greedy = bench.store.submit("greedy", "curve", curve_tasks(settings(seed=99)))
    jobs = [bench.store.submit(f"v{i}", "run", run_tasks(settings(seed=i))) for i in range(40)]
    bench.start()
    ended = [bench.ended(job) for job in (greedy, *jobs)]
    assert [job.state for job in ended] == ["finished"] * 41
    assert all(bench.store.run_outcome(task.key) is not None for job in ended for task in job.tasks)
    starts = [[task.started or 0.0 for task in job.tasks] for job in ended]
    firsts = [first for first, *_ in starts[1:]]
    # Whoever came first has had two turns when the others have had one, never a third.
    assert sorted(starts[0])[2] > max(firsts)
    assert sorted(starts[0])[-1] > max(second for _, second in starts[1:])


def test_cancelling_stops_within_two_seconds_and_frees_the_worker(bench: Bench) -> None:
    bench.start()
    long = [bench.store.submit(f"c{i}", "run", [settings(seed=200 + i, epochs=LONG)]) for i in range(2)]
    for job in long:
        bench.train(job)
    waiting = bench.store.submit("next", "run", [settings(seed=210)])
    assert bench.job(waiting).tasks[0].ahead == 0
    bench.store.cancel("c0", long[0])
    assert bench.until(lambda: bench.job(long[0]).state == "cancelled") < 2
    assert bench.ended(waiting).state == "finished"
    assert bench.job(long[1]).state == "running"
    bench.store.cancel("c1", long[1])
    assert bench.until(lambda: bench.job(long[1]).state == "cancelled") < 2


def test_a_worker_that_does_not_answer_is_replaced(bench: Bench) -> None:
    bench.start()
    job = bench.store.submit("me", "run", [settings(seed=220, epochs=LONG)])
    bench.train(job)
    bench.busiest_worker().suspend()
    bench.store.cancel("me", job)
    assert bench.until(lambda: bench.job(job).state == "cancelled") < 2
    bench.until(bench.is_complete)
    after = [bench.store.submit("me", "run", [settings(seed=221 + i)]) for i in range(2)]
    assert [bench.ended(j).state for j in after] == ["finished"] * 2


def test_a_killed_worker_costs_one_retry_and_changes_no_number(bench: Bench) -> None:
    bench.start()
    undisturbed = bench.store.submit("me", "run", [settings(seed=230, epochs=100)])
    bench.ended(undisturbed)
    key = task_key(settings(seed=230, epochs=100))
    expected = bench.store.run_outcome(key)
    bench.store.delete("me", undisturbed)
    assert bench.store.run_outcome(key) is None

    job = bench.store.submit("me", "run", [settings(seed=230, epochs=100)])
    bench.train(job)
    bench.kill_workers()
    ended = bench.ended(job)
    assert (ended.state, ended.tasks[0].attempts) == ("finished", 2)
    found = bench.store.run_outcome(key)
    assert expected is not None
    assert found is not None
    assert (found.utility, found.scores, found.attack) == (expected.utility, expected.scores, expected.attack)


def test_a_task_that_loses_two_workers_is_reported_in_a_sentence(bench: Bench) -> None:
    bench.start()
    job = bench.store.submit("me", "run", [settings(seed=240, epochs=LONG)])
    for attempt in (1, 2):
        bench.until(lambda attempt=attempt: bench.job(job).tasks[0].attempts == attempt)  # type: ignore[misc]
        bench.train(job)
        bench.kill_workers()
    ended = bench.ended(job)
    assert (ended.state, ended.tasks[0].sentence) == ("failed", LOST)
    bench.until(bench.is_complete)


def test_a_worker_lost_before_the_task_begins_there_does_not_count(bench: Bench) -> None:
    bench.start()
    job = bench.store.submit("me", "run", [settings(seed=245, epochs=LONG)])
    bench.train(job)
    at_work = bench.busiest_worker()
    (beside,) = (worker for worker in bench.workers() if worker.pid != at_work.pid)
    beside.suspend()  # It still counts as alive, so that the task goes there.
    at_work.kill()
    bench.until(lambda: bench.job(job).tasks[0].attempts == 2)
    beside.kill()
    bench.train(job)
    assert bench.job(job).tasks[0].attempts == 2
    bench.store.cancel("me", job)
    assert bench.ended(job).state == "cancelled"


def test_a_full_disk_delays_a_result_but_loses_none(bench: Bench) -> None:
    bench.start()
    job = bench.store.submit("me", "run", [settings(seed=250, epochs=100)])
    bench.train(job)
    pid, whole = bench.laboratory_pid(), resource.RLIM_INFINITY
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, whole))
    time.sleep(3)
    assert bench.job(job).state == "running"
    assert psutil.pid_exists(pid)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (whole, whole))
    assert bench.ended(job).state == "finished"
    assert bench.store.run_outcome(bench.job(job).tasks[0].key) is not None


def test_a_second_laboratory_leaves_the_first_alone(bench: Bench) -> None:
    bench.start()
    command = [sys.executable, "-W", "ignore", "-m", "dpcore", "laboratory", "--database", str(bench.store.path)]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 2
    assert second.stderr.strip().endswith("The database of live runs has a laboratory already.")
    assert "Traceback" not in second.stderr


def test_a_restart_begins_anew_what_was_at_work_and_leaves_no_process(open_bench: Callable[[], Bench]) -> None:
    bench = open_bench()
    bench.start()
    job = bench.store.submit("me", "run", [settings(epochs=150)])
    bench.train(job)
    old = bench.processes()
    assert len(old) >= 4
    bench.launcher.close()
    assert bench.until(lambda: _gone(old)) < 10

    again = open_bench()
    again.start()
    ended = again.ended(job)
    assert (ended.state, ended.tasks[0].attempts) == ("finished", 1)


def test_a_killed_app_takes_its_laboratory_along_and_the_next_one_goes_on(open_bench: Callable[[], Bench]) -> None:
    bench = open_bench()
    job = bench.store.submit("me", "run", [settings(epochs=150)])
    code = f"import time; from pathlib import Path; from dpcore.jobs.launch import Launcher\n\
Launcher(Path({str(bench.store.path)!r})).ensure(); time.sleep(600)"
    app = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    bench.train(job)
    left = bench.processes()
    app.kill()
    app.wait()
    assert bench.until(lambda: _gone(left)) < 10

    bench.start()
    assert bench.ended(job).state == "finished"


def test_time_limit_and_idle_end(open_bench: Callable[[], Bench], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PINCH_LAB_SECONDS", "4")
    monkeypatch.setenv("PINCH_LAB_IDLE", "2")
    bench = open_bench()
    job = bench.store.submit("me", "run", [settings(epochs=LONG)])
    bench.launcher.ensure()
    ended = bench.ended(job)
    assert (ended.state, ended.tasks[0].sentence) == ("failed", "It was stopped at its time limit of 4 s.")
    processes = bench.processes()
    assert bench.until(lambda: _gone(processes)) < 20
    monkeypatch.delenv("PINCH_LAB_SECONDS")
    job = bench.store.submit("me", "run", [settings(seed=1)])
    # As each look at the page does: one that ends at this very moment is started anew.
    bench.until(lambda: (bench.launcher.ensure(), bench.store.laboratory().alive)[1])  # type: ignore[union-attr]
    assert bench.ended(job).state == "finished"


def test_the_workers_of_a_cluster_that_already_runs(
    tmp_path: Path, open_bench: Callable[[], Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "scheduler.json"
    dask = [sys.executable, "-W", "ignore", "-m", "dask"]
    local = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def start(*command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*dask, *command, *local], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)

    scheduler, worker = start("scheduler", "--port", "0"), start("worker", "--nthreads", "1")
    bench = open_bench()
    try:
        bench.until(lambda: file.exists() and file.read_text().rstrip().endswith("}"))
        monkeypatch.setenv("PINCH_LAB_SCHEDULER", json.loads(file.read_text())["address"])
        job = bench.store.submit("me", "run", [settings()])
        bench.launcher.ensure()
        assert bench.ended(job).state == "finished"
        assert bench.store.laboratory().workers == 1  # type: ignore[union-attr]
        worker.send_signal(signal.SIGTERM)
        worker.wait(timeout=30)
        second = bench.store.submit("me", "run", [settings(seed=1)])
        bench.until(lambda: bench.store.laboratory().workers == 0)  # type: ignore[union-attr]
        assert bench.job(second).state == "waiting"
        worker = start("worker", "--nthreads", "1")
        assert bench.ended(second).state == "finished"
    finally:
        bench.launcher.close()
        for process in (worker, scheduler):
            process.terminate()
            process.wait(timeout=30)
