"""The words, tables and files of the live lab, on INVENTED results."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import re
from pathlib import Path

import pytest

from dpcore import datasets
from dpcore.jobs import Job, RunSettings, TaskState, curve_tasks, run_tasks, task_key
from dpcore.results.metrics import METRICS
from dpcore.settings import TrainingConfig
from tests.invented_laboratory import InventedLaboratory, invented_outcome, invented_profile, invented_progress
from ui import lab_charts, lab_compare, lab_curve, lab_export, lab_jobs, lab_loaders, lab_text
from ui.lab_charts import Course
from ui.lab_profile import share_above
from ui.lab_visitor import is_token
from ui.risk_proof import prove

TRAINING = TrainingConfig(
    model="small_cnn", epochs=20, expected_batch_size=1024, max_grad_norm=8.0, positive_weight=4.0
)
RUN = RunSettings(dataset="skin_phantom", training=TRAINING, epsilon=8.0)


def _state(**changes: object) -> TaskState:
    state = TaskState(
        number=0, key=task_key(RUN), task=RUN, state="waiting", attempts=0, expected_seconds=10.0, started=None,
        finished=None, sentence=None, progress=None,
    )  # fmt: skip
    return dataclasses.replace(state, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ahead", "wait", "words"),
    [
        (3, 40.0, "3 tasks before yours, about 40 s."),
        (1, None, "1 task before yours."),
        (0, 0.0, "Next in the queue, any moment now."),
        (None, None, "Waiting."),
        (2, 600.0, "2 tasks before yours, about 10 min."),
    ],
)
def test_a_place_in_the_queue(ahead: int | None, wait: float | None, words: str) -> None:
    assert lab_text.queue_words(_state(ahead=ahead, wait=wait)) == words


def test_settings_in_short_words() -> None:
    assert lab_text.settings_words(RUN) == "small CNN, ε = 8, C = 8, batch 1,024, 20 epochs, seed 0"
    assert lab_text.settings_words(RUN.without_dp()) == "small CNN, no DP, batch 1,024, 20 epochs, seed 0"


def test_energy_is_seconds_times_watts() -> None:
    assert lab_text.energy(360, 10) == "1 Wh"
    assert lab_text.energy(1, 10) == "0.0028 Wh"


def test_utility_always_stands_beside_no_dp() -> None:
    private, bare = invented_outcome(RUN), invented_outcome(RUN.without_dp())
    words = lab_text.utility_sentence(private, bare, RUN)
    assert f"MCC {private.utility:.2f}" in words
    assert f"without DP **{bare.utility:.2f}**: it keeps **76 %**" in words
    useless = dataclasses.replace(bare, utility=0.01)
    assert "keeps" not in lab_text.utility_sentence(private, useless, RUN)


def test_limits_are_told_as_people_and_nothing_is_called_safe() -> None:
    scheme = (1024 / 6000, 117, 8e-7)
    words = lab_text.people_sentence(prove(scheme, 8.0, "rdp", None), 1 / 6000, "image")
    assert re.search(r"recognises \*\*at most \d+ of 1,000\*\*", words)
    assert "Proven: **nothing**" in lab_text.people_sentence(prove(scheme, 1e12, "rdp", None), 1 / 6000, "image")
    missing = prove((2.0, 117, 8e-7), 8.0, "rdp", None)
    assert lab_text.people_sentence(missing, 1 / 6000, "image") == (
        "There is no proven limit here. Treat it as unprotected."
    )


def test_sigma_of_one_s_own_says_what_it_spends() -> None:
    settings = dataclasses.replace(RUN, epsilon=None, noise_multiplier=1.5)
    proof = prove((1024 / 6000, TRAINING.steps(6000), 8e-7), 1.0, "rdp", 1.5)
    words = lab_text.noise_sentence(settings, proof, 6000)
    assert f"it spends ε = **{proof.epsilon_rdp:.4g}**, whatever the bar says" in words


def test_the_course_shows_loss_utility_and_budget() -> None:
    spent = lab_loaders.spent(RUN, 6000)
    assert spent[-1][0] == pytest.approx(20)
    assert spent[-1][1] == pytest.approx(8, rel=1e-3)
    assert [e for _, e in spent] == sorted(e for _, e in spent)
    course = Course(style="lb-live", words="With DP", progress=invented_progress(RUN, share=0.5), spent=spent)
    drawn = lab_charts.course_html([course], METRICS["mcc"])
    assert [drawn.count(f'data-chart="{title}"') for title in ("training loss", "ε spent")] == [1, 1]
    assert "MCC on validation records" in drawn
    bare = Course(style="lb-bare", words="Without DP", progress=invented_progress(RUN.without_dp(), share=0.5))
    assert "Without DP nothing is counted" in lab_charts.course_html([bare], METRICS["mcc"])
    headings, rows = lab_charts.course_rows([course])
    assert headings[-1] == "value"
    assert {row[1] for row in rows} == {"loss", "utility", "epsilon"}


def test_a_training_that_has_just_begun_can_be_drawn() -> None:
    empty = dataclasses.replace(invented_progress(RUN, share=0.1), step=0, steps=0, losses=(), track=())
    drawn = lab_charts.course_html([Course(style="lb-live", words="With DP", progress=empty)], METRICS["mcc"])
    assert "now nothing yet" in drawn


def test_the_share_above_a_clip_norm_follows_the_histogram() -> None:
    norms = {"counts": (10, 30, 60), "edges": (0.0, 1.0, 2.0, 3.0)}
    assert share_above(norms, 0.0) == 1
    assert share_above(norms, 1.5) == pytest.approx(0.75)
    assert share_above(norms, 5.0) == 0


def test_a_histogram_marks_percentiles_and_the_clip_norm() -> None:
    from dpcore.jobs import ProfileTask

    norms = invented_profile(ProfileTask(dataset="skin_phantom", training=TRAINING))["trained"]
    chart = lab_charts.norms_chart(norms, 8.0, above=0.0)
    assert "C = 8" in chart.over
    assert "80 % of the records pull less than 2.28" in chart.drawn


def test_a_cookie_that_is_no_token_of_ours_is_ignored() -> None:
    assert is_token("u0h2LYJA5Nj6XgWn0_wvyA")
    assert not any(map(is_token, ("", "house", "u0h2LYJA5Nj6XgWn0_wvyA\n", "' OR 1=1 --", "x" * 500)))


@pytest.fixture
def done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Job, ...]:
    """Three finished jobs of one visitor: a run, the same with other noise, a curve."""
    database = tmp_path / "lab.sqlite3"
    monkeypatch.setenv("PINCH_LAB", str(database))
    laboratory = InventedLaboratory(database)
    for name, kind, tasks in (
        ("=evil()", "run", run_tasks(RUN)),
        ("other", "run", run_tasks(RUN.at(1.0))),
        ("curve", "curve", curve_tasks(RUN)),
    ):
        laboratory.store.submit("me", kind, tasks, name=name)  # type: ignore[arg-type]
    laboratory.work_off()
    return tuple(reversed(laboratory.store.jobs("me")))


def test_the_table_of_all_runs_has_a_row_a_training(done: tuple[Job, ...]) -> None:
    rows = list(csv.DictReader(io.StringIO(lab_export.runs_csv(done))))
    assert len(rows) == 2 + 2 + 9
    assert rows[0]["name"] == "'=evil()"
    assert float(rows[0]["utility"]) == invented_outcome(RUN).utility
    assert rows[1]["asked_epsilon"] == rows[1]["asked_noise_multiplier"] == ""


def test_one_run_as_json_can_be_repeated(done: tuple[Job, ...]) -> None:
    from dpcore.jobs.tasks import task_from_json

    told = json.loads(lab_export.job_json(done[0]))
    first = told["trainings"][0]
    assert task_from_json(first["settings"]) == RUN
    assert first["outcome"]["utility"] == invented_outcome(RUN).utility
    assert first["outcome"]["versions"] == {"python": "invented"}
    assert "skin_phantom" in first["command_line"]
    assert [t["outcome"]["epsilon_rdp"] for t in told["trainings"]] == [8.0, None]


def test_compared_runs_begin_with_what_differs(done: tuple[Job, ...]) -> None:
    rows = lab_compare.compare_rows(done[:2])
    assert [name for name, _ in rows["What differs"]] == ["Asked for", "Noise σ"]
    assert dict(rows["What differs"])["Asked for"] == ["ε = 8", "ε = 1"]
    assert dict(rows["The same in all"])["Batch"] == ["1,024", "1,024"]
    results = dict(rows["What came out"])
    assert results["the same without DP (measured)"] == ["0.600", "0.600"]
    shown = lab_compare.compare_html(done[:2])
    assert "=evil()" in shown
    assert shown.index("What differs") < shown.index("What came out")


def test_a_curve_s_points_are_its_finished_trainings(done: tuple[Job, ...]) -> None:
    points = lab_jobs.live_points(done[2])
    assert len(points) == 9
    assert sum(math.isinf(p.epsilon) for p in points) == 1
    assert datasets.spec("skin_phantom").title in lab_text.job_words(done[2], datasets.spec("skin_phantom").title)


def test_attacks_on_a_curve_are_told_by_rising_budget(done: tuple[Job, ...]) -> None:
    rows = lab_curve.attack_rows(done[2])
    assert [row[0] for row in rows] == ["0.5", "1", "2", "8", "32", "10³", "10⁶", "10⁹", "no DP"]
    assert rows[-1][1] == "none"
    assert rows[-1][-2:] == ["no limit", "no limit"]
    assert rows[0][-1].endswith("of 1,000")


def test_commands_repeat_a_run_or_every_training_of_a_curve(done: tuple[Job, ...]) -> None:
    assert len(lab_export.commands(done[0])) == 1
    assert len(lab_export.commands(done[2])) == 9
