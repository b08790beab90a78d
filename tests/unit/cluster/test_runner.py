"""The runner on a real cluster of two processes, with functions that end, fail, hang and kill."""

from __future__ import annotations

import itertools
import math
import operator
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from distributed import Client

from dpcore.cluster import pool, runner
from dpcore.cluster._nannies import METHOD_VARIABLE
from dpcore.cluster.pool import ClusterUnavailable, Workers
from dpcore.cluster.runner import AHEAD, LOST_WORKERS, run_items
from dpcore.cluster.tasks import TimeLimitExceeded, attempt, in_time, limited_to
from dpcore.errors import InvalidValue


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """A client of two workers, all of whose processes must be gone afterwards."""
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    with Workers(count=2).connect() as connected:
        yield connected
    assert {p.pid for p in psutil.Process().children(recursive=True)} <= before


def test_a_failing_item_does_not_stop_the_others(client: Client) -> None:
    ended = dict(run_items(client, math.sqrt, [4.0, -1.0, 9.0]))
    assert (ended[4.0].value, ended[9.0].value) == (2.0, 3.0)
    assert ended[-1.0].failure is not None
    assert ended[-1.0].failure.startswith("ValueError")


def test_dask_gets_only_a_few_items_ahead(client: Client) -> None:
    drawn: list[int] = []
    items = (drawn.append(i) or i for i in itertools.count())
    results = run_items(client, operator.neg, items)
    assert len(list(itertools.islice(results, 20))) == 20
    results.close()  # type: ignore[attr-defined]
    assert len(drawn) <= 20 + 2 * AHEAD * 2


def _niceness_of_session() -> str:
    group = Path("/proc/self/autogroup")
    return group.read_text().strip().partition(" ")[2] if group.exists() else ""


def test_workers_are_polite_local_and_single_threaded(client: Client) -> None:
    assert set(client.nthreads().values()) == {1}
    assert all(address.startswith("tcp://127.0.0.1:") for address in client.nthreads())
    assert set(client.run(os.nice, 0).values()) == {10}
    assert set(client.run(_niceness_of_session).values()) <= {"", "nice 5"}  # Not every kernel groups by session.
    assert set(client.run(os.getenv, "MALLOC_TRIM_THRESHOLD_").values()) == {str(1 << 31)}


def _is_imported(module: str) -> bool:
    return module in sys.modules


@pytest.mark.parametrize("method", ["forkserver", "spawn"])  # As on Linux, and elsewhere.
def test_workers_start_with_what_they_need(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(pool._WORKER_ENVIRONMENT, METHOD_VARIABLE, method)
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    with Workers(count=2, preload=("wave",)).connect() as client:
        assert all(client.run(_is_imported, "wave").values())
        assert not any(client.run(_is_imported, "pandas").values())  # Of Dask's own choice.
        pids = client.run(os.getpid).values()
        started = " ".join(psutil.Process(next(iter(pids))).cmdline())
        assert f"multiprocessing.{method}" in started
        os.kill(next(iter(pids)), signal.SIGKILL)
        assert {item: end.value for item, end in run_items(client, math.sqrt, [4.0, 9.0])} == {4.0: 2.0, 9.0: 3.0}
    assert {p.pid for p in psutil.Process().children(recursive=True)} <= before


def test_kill_9_of_a_worker_loses_nothing(client: Client) -> None:
    ended = []
    for item, end in run_items(client, time.sleep, [0.05 + i / 1e6 for i in range(20)]):
        ended.append((item, end.failure))
        if len(ended) == 3:
            os.kill(client.run(os.getpid).popitem()[1], signal.SIGKILL)
    assert sorted(ended) == [(0.05 + i / 1e6, None) for i in range(20)]


def test_an_item_that_kills_its_workers_is_reported_and_no_other(client: Client) -> None:
    ended = list(run_items(client, signal.raise_signal, [0, 0, signal.SIGKILL, 0]))
    assert len(ended) == 4
    assert [(item, e.failure) for item, e in ended if e.failure] == [(signal.SIGKILL, LOST_WORKERS)]


def test_a_hanging_item_is_stopped_and_its_worker_serves_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "GRACE_SECONDS", 0.5)
    ended = {item: e.failure for item, e in run_items(client, time.sleep, [0.01, 1000, 0.02, 0.03], time_limit=0.5)}
    assert ended == {0.01: None, 1000: "It was stopped at its time limit of 0.5 s.", 0.02: None, 0.03: None}
    client.wait_for_workers(2, timeout=30)


def test_a_training_stops_between_steps() -> None:
    with limited_to(0.05), pytest.raises(TimeLimitExceeded, match=r"time limit of 0\.05 s"):
        for _ in in_time(itertools.count()):
            pass
    assert list(in_time([1, 2])) == [1, 2]  # The limit ended with its block.


def test_an_attempt_is_timed_and_fails_in_one_line() -> None:
    ended = attempt(lambda _: (_ for _ in ()).throw(RuntimeError("two\nlines")), None, None)
    assert ended.failure == "RuntimeError: two lines"
    assert attempt(time.sleep, 0.01, None).seconds >= 0.01


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense"])
def test_a_scheduler_that_does_not_answer_gets_one_sentence(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dpcore.cluster.pool._CONNECT_SECONDS", 0.5)
    with pytest.raises(ClusterUnavailable, match="scheduler must be the address"), Workers(scheduler=address).connect():
        pass


def test_no_workers_are_refused() -> None:
    with pytest.raises(InvalidValue, match="workers must be a whole number of at least 1, but is 0"):
        Workers(count=0)
