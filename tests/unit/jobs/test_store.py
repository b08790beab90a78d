"""The database of live runs: real SQLite, hostile input, full, locked and damaged files."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dpcore.errors import DpcoreError, InvalidValue
from dpcore.jobs import (
    DatasetFacts,
    JobRefused,
    JobStore,
    JobsUnavailable,
    Limits,
    ModelFacts,
    ProbeTask,
    RunSettings,
    TaskProgress,
    curve_tasks,
    run_tasks,
    task_key,
)
from dpcore.jobs.laboratory_store import UNKEPT_SECONDS, LaboratoryStore
from dpcore.jobs.outcomes import to_json
from dpcore.jobs.tasks import task_from_json
from dpcore.settings import TrainingConfig
from tests.unit.jobs.runs import settings

FACTS = DatasetFacts(
    dataset="breast_cancer",
    num_train=426,
    num_validation=57,
    num_test=86,
    prevalence=None,
    attack_seconds=1.0,
    load_seconds=0.5,
    models={"mlp": ModelFacts(num_parameters=100, private_seconds_per_view=1e-3, plain_seconds_per_view=5e-4)},
)


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path / "lab.sqlite3")


@pytest.fixture
def laboratory(store: JobStore) -> LaboratoryStore:
    opened = LaboratoryStore(store.path)
    opened.open_laboratory(1)
    opened.beat(workers=2)
    return opened


def _know_the_machine(laboratory: LaboratoryStore) -> None:
    laboratory.probe("breast_cancer")
    claimed = laboratory.claim()
    assert claimed is not None
    laboratory.finish(claimed[0], to_json(FACTS))


@pytest.mark.parametrize(
    "task", [settings(), settings(epsilon=None), settings(seed=3).at(1e9), ProbeTask(dataset="ham10000")]
)
def test_a_task_is_read_back_as_it_was(task: Any) -> None:
    assert task_from_json(json.loads(json.dumps(task.to_json()))) == task


def test_trainings_that_differ_only_under_dp_share_their_baseline() -> None:
    one, other = settings(epsilon=1.0, max_grad_norm=1.0), settings(epsilon=8.0, max_grad_norm=2.0)
    assert task_key(run_tasks(one)[1]) == task_key(run_tasks(other)[1])
    assert task_key(one) != task_key(other)
    assert len(run_tasks(settings(epsilon=None))) == 1
    assert len({task_key(task) for task in curve_tasks(one)}) == 9


def test_an_update_or_other_data_is_another_result(monkeypatch: pytest.MonkeyPatch) -> None:
    before = task_key(settings())
    monkeypatch.setenv("DPCORE_DATA", "elsewhere")
    other_data = task_key(settings())
    monkeypatch.delenv("DPCORE_DATA")
    monkeypatch.setattr("dpcore.jobs.tasks.all_versions", lambda: {"torch": "9"})
    assert len({before, other_data, task_key(settings())}) == 3


def test_a_job_from_click_to_result(store: JobStore, laboratory: LaboratoryStore) -> None:
    job = store.submit("me", "run", run_tasks(settings()), name="  my   first ")
    claimed = laboratory.claim()
    assert claimed == ((job, 0), settings())
    laboratory.report((job, 0), TaskProgress(phase="training", step=3, steps=20, losses=((1, 0.7), (3, 0.6))))
    seen = JobStore(store.path).jobs("me")[0]  # As another process sees it.
    assert (seen.name, seen.state, seen.tasks[0].progress.losses) == ("my first", "running", ((1, 0.7), (3, 0.6)))  # type: ignore[union-attr]
    laboratory.finish((job, 0), {"utility": 0.5})
    assert store.outcome(task_key(settings())) == {"utility": 0.5}
    assert store.jobs("me")[0].state == "running"  # The baseline is still to come.
    laboratory.claim()
    laboratory.fail((job, 1), "It was too large.")
    assert store.jobs("me")[0].state == "failed"
    assert store.jobs("me")[0].tasks[1].sentence == "It was too large."


def test_what_is_known_is_not_trained_again(store: JobStore, laboratory: LaboratoryStore) -> None:
    first = store.submit("me", "run", run_tasks(settings()))
    for _ in range(2):
        task, _ = laboratory.claim()  # type: ignore[misc]
        laboratory.finish(task, {"of": task[1]})
    second = store.submit("you", "run", run_tasks(settings()))
    assert laboratory.claim() is None
    assert store.job(second).state == "finished"  # type: ignore[union-attr]
    store.delete("me", first)
    assert store.outcome(task_key(settings())) == {"of": 0}  # Yours still refers to it.
    store.delete("you", second)
    assert store.outcome(task_key(settings())) is None


def test_the_same_task_does_not_run_twice_at_a_time(store: JobStore, laboratory: LaboratoryStore) -> None:
    one = [store.submit(visitor, "run", [settings(epsilon=None)]) for visitor in "ab"]
    assert laboratory.claim() is not None
    assert laboratory.claim() is None
    laboratory.finish((one[0], 0), {})
    assert laboratory.claim() is None
    assert store.job(one[1]).state == "finished"  # type: ignore[union-attr]


def test_places_and_waits(store: JobStore, laboratory: LaboratoryStore) -> None:
    _know_the_machine(laboratory)
    jobs = [store.submit(v, "run", [settings(seed=i)]) for i, v in enumerate("abcd")]
    laboratory.claim(), laboratory.claim()
    states = [store.job(job).tasks[0] for job in jobs]  # type: ignore[union-attr]
    assert [s.state for s in states] == ["running", "running", "waiting", "waiting"]
    assert [s.ahead for s in states] == [None, None, 0, 1]
    expected = 3 * 426 * 1e-3 + 1.0
    assert states[2].expected_seconds == pytest.approx(expected)
    assert states[2].wait == pytest.approx(expected, abs=0.5)


def test_cancelling_spares_what_is_finished_and_what_is_others(store: JobStore, laboratory: LaboratoryStore) -> None:
    job = store.submit("me", "curve", curve_tasks(settings()))
    (first, _), (second, _) = laboratory.claim(), laboratory.claim()  # type: ignore[misc]
    laboratory.finish(first, {})
    store.cancel("somebody", job)
    assert laboratory.cancelling() == set()
    store.cancel("me", job)
    assert laboratory.cancelling() == {second}
    laboratory.stopped(second)
    states = [task.state for task in store.job(job).tasks]  # type: ignore[union-attr]
    assert states == ["finished", "cancelled", *["cancelled"] * 7]


def test_only_the_owner_names_keeps_or_deletes(store: JobStore) -> None:
    job = store.submit("me", "run", [settings()])
    store.rename("you", job, "theirs"), store.keep("you", job, kept=True), store.delete("you", job)
    assert [(j.name, j.kept) for j in store.jobs("me")] == [("", False)]
    store.rename("me", job, "mine"), store.keep("me", job, kept=True)
    assert [(j.name, j.kept) for j in store.jobs("me")] == [("mine", True)]
    with pytest.raises(InvalidValue, match=r"^name must have at most 60 characters, but has 61"):
        store.rename("me", job, "x" * 61)
    store.delete("me", job)
    assert store.jobs("me") == ()


def test_a_running_job_is_not_deleted(store: JobStore, laboratory: LaboratoryStore) -> None:
    job = store.submit("me", "run", [settings()])
    laboratory.claim()
    with pytest.raises(InvalidValue, match="cancelled before it is deleted"):
        store.delete("me", job)


def test_caps_for_one_visitor_and_for_all(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "lab.sqlite3", limits=Limits(per_visitor=2, in_total=3))
    for seed in range(2):
        store.submit("me", "run", [settings(seed=seed)])
    with pytest.raises(JobRefused, match=r"^You may have 2 unfinished jobs at a time, and have 2"):
        store.submit("me", "run", [settings(seed=9)])
    store.submit("you", "run", [settings()])
    with pytest.raises(JobRefused, match=r"^At most 3 jobs may wait here"):
        store.submit("they", "run", [settings()])
    store.probe("breast_cancer")  # Looks at the machine are asked for by nobody.
    assert len(store.jobs("me")) == 2


BAD: list[tuple[Callable[[], RunSettings], str]] = [
    (lambda: settings(epochs=0), "epochs must be a whole number of at least 1, but is 0."),
    (lambda: settings(epochs=10**6), "epochs must be at most 1,000 here, but is 1,000,000."),
    (lambda: settings(epochs=1000, expected_batch_size=1), "steps"),
    (lambda: settings(epochs=900), "A training must take at most 300 s"),
    (
        lambda: settings(expected_batch_size=427),
        "expected_batch_size must be at most the 426 training records, but is 427",
    ),
    (lambda: settings(epsilon=-1.0), "epsilon must be a finite number above 0, but is -1.0"),
    (lambda: settings(epsilon=float("nan")), "epsilon must be a finite number above 0, but is nan"),
    (lambda: settings(max_grad_norm=float("inf")), "max_grad_norm must be a finite number above 0"),
    (lambda: settings(model="resnet9"), "model must be one of mlp for breast_cancer, but is 'resnet9'"),
    (lambda: settings(multiplicity=4, flips=True), "multiplicity must be 1 for table rows"),
    (lambda: settings(epsilon=1e-30), "epsilon must be large enough"),
    (lambda: settings(seed=-1), "seed must be a whole number of at least 0"),
]


@pytest.mark.parametrize(("make", "sentence"), BAD, ids=[sentence[:30] for _, sentence in BAD])
def test_absurd_settings_get_a_sentence_and_change_nothing(
    store: JobStore, laboratory: LaboratoryStore, make: Callable[[], RunSettings], sentence: str
) -> None:
    _know_the_machine(laboratory)
    with pytest.raises(DpcoreError) as refused:
        store.submit("me", "run", run_tasks(make()))
    assert sentence in str(refused.value)
    assert store.jobs("me") == ()


def test_a_model_too_large_to_be_timed_is_refused_before_it_starts() -> None:
    training = TrainingConfig(model="wrn40_4", epochs=1, expected_batch_size=64, max_grad_norm=1.0)
    large = RunSettings(dataset="skin_phantom", training=training, epsilon=8.0)
    facts = dataclasses.replace(FACTS, dataset="skin_phantom")
    with pytest.raises(InvalidValue, match=r"^model must be one of mlp here, but is 'wrn40_4': it is too large"):
        Limits().check(large, facts)
    Limits().check(large, None)  # Not known yet: the time limit will tell.


def test_a_new_laboratory_begins_what_the_last_one_left(store: JobStore, laboratory: LaboratoryStore) -> None:
    job, other = (store.submit("me", "run", [settings(seed=seed)]) for seed in (1, 2))
    laboratory.claim(), laboratory.claim()
    store.cancel("me", other)
    LaboratoryStore(store.path).open_laboratory(2)
    assert (store.job(job).state, store.job(other).state) == ("waiting", "cancelled")  # type: ignore[union-attr]
    laboratory.claim()
    assert store.job(job).tasks[0].attempts == 1  # type: ignore[union-attr]


def test_old_jobs_go_unless_they_are_kept(store: JobStore, laboratory: LaboratoryStore) -> None:
    kept, old, new = (store.submit(v, "run", [settings(seed=i)]) for i, v in enumerate("abc"))
    for _ in range(3):
        laboratory.finish(laboratory.claim()[0], {})  # type: ignore[index]
    store.keep("a", kept, kept=True)
    with sqlite3.connect(store.path) as db:
        db.execute("UPDATE jobs SET created = created - ? WHERE id != ?", (UNKEPT_SECONDS + 1, new))
    db.close()
    laboratory.open_laboratory(2)
    assert [store.job(job) is None for job in (kept, old, new)] == [False, True, False]
    assert store.outcome(task_key(settings(seed=1))) is None


@pytest.mark.usefixtures("laboratory")
def test_a_laboratory_that_fell_silent_counts_as_gone(store: JobStore) -> None:
    assert store.laboratory().alive  # type: ignore[union-attr]
    with sqlite3.connect(store.path) as db:
        db.execute("UPDATE laboratory SET alive = alive - 60")
    db.close()
    assert not store.laboratory().alive  # type: ignore[union-attr]


def test_a_full_disk_gets_a_sentence_and_loses_nothing(store: JobStore) -> None:
    job = store.submit("me", "run", run_tasks(settings()))
    connect = sqlite3.connect

    def connect_to_a_full_disk(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        db = connect(*args, **kwargs)
        db.execute("PRAGMA max_page_count = 1")  # SQLite itself then says that the disk is full.
        return db

    def fill() -> None:
        crowded = JobStore(store.path, limits=Limits(per_visitor=500))
        for seed in range(200):
            crowded.submit("me", "curve", curve_tasks(settings(seed=seed)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", connect_to_a_full_disk)
        with pytest.raises(JobsUnavailable, match=r"^The disk is full"):
            fill()
    assert store.job(job).state == "waiting"  # type: ignore[union-attr]


def test_a_damaged_or_foreign_file_gets_a_sentence(tmp_path: Path) -> None:
    damaged, newer = tmp_path / "damaged", tmp_path / "newer"
    damaged.write_bytes(b"no database at all" * 100)
    with pytest.raises(JobsUnavailable, match="is damaged; move it away"):
        JobStore(damaged).jobs("me")
    with sqlite3.connect(newer) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(JobsUnavailable, match="must have version 1, but has 99"):
        JobStore(newer).jobs("me")
    with pytest.raises(JobsUnavailable, match="cannot be read or written"):
        JobStore(tmp_path).jobs("me")  # A folder.
    store = JobStore(tmp_path / "half")
    store.submit("me", "run", [settings()])
    with sqlite3.connect(store.path) as db:
        db.execute("UPDATE tasks SET settings = '{'")
    db.close()
    with pytest.raises(JobsUnavailable, match="is damaged; move it away"):
        store.jobs("me")


def test_a_locked_database_gets_a_sentence(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dpcore.jobs.database._BUSY_SECONDS", 0.1)
    store.jobs("me")
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(JobsUnavailable, match="is busy; try again"):
        store.submit("me", "run", [settings()])
    other.rollback()
    other.close()
    store.submit("me", "run", [settings()])


@pytest.mark.parametrize("variable", ["PINCH_LAB_SECONDS", "PINCH_LAB_PER_VISITOR"])
@pytest.mark.parametrize("value", ["-1", "nan", "many", "0"])
def test_limits_of_the_environment_are_checked(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidValue, match=f"^{variable} must be a "):
        Limits.from_environment()
