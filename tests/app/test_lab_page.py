"""The live lab without a browser, on INVENTED results: settings, start, progress, results, runs, links, refusals."""

from __future__ import annotations

import functools
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dpcore.errors import InvalidValue
from dpcore.jobs import JobsUnavailable, ProfileTask, RunSettings, curve_tasks, run_tasks
from dpcore.jobs.launch import Launcher
from dpcore.settings import TrainingConfig
from tests.invented_laboratory import InventedLaboratory
from tests.page_text import page_text
from ui import lab_visitor

ROOT = Path(__file__).resolve().parents[2]
Open = Callable[..., AppTest]
ME = "Tmzc5nMEV8YB8vqs99ZgRA"
RUN = RunSettings(
    dataset="skin_phantom",
    training=TrainingConfig(
        model="small_cnn", epochs=20, expected_batch_size=1024, max_grad_norm=8.0, positive_weight=4.0
    ),
    epsilon=8.0,
)


@pytest.fixture
def laboratory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InventedLaboratory:
    """A laboratory that invents, on a database of this test's own; nothing else is started."""
    database = tmp_path / "lab.sqlite3"
    monkeypatch.setenv("PINCH_LAB", str(database))
    monkeypatch.setattr(Launcher, "ensure", lambda _self: None)
    return InventedLaboratory(database)


@pytest.fixture
def open_page(open_link: Open, laboratory: InventedLaboratory, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens the page as the same visitor every time, as a browser that kept its cookie would."""
    assert laboratory.store.jobs(ME) == ()
    monkeypatch.setattr(lab_visitor, "_sent_cookie", lambda: ME)
    return functools.partial(open_link, "lab")


def _labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def test_the_page_says_what_a_training_would_cost_and_protect(open_page: Open, laboratory: InventedLaboratory) -> None:
    shown = page_text(open_page(data="skin_phantom", eps="8"))
    assert "6,000 records, batch 1,024, 20 epochs" in shown
    assert "<strong>comparable</strong>" in shown
    assert shown.count('class="pp-tag pp-tag-proven"') == 3
    assert "unknown until this machine has been timed" in shown
    assert "No training yet" in shown
    assert laboratory.work_off() == 1  # The page asked for this machine's speed.
    shown = page_text(open_page(data="skin_phantom", eps="8"))
    assert "Wh at 10 W a core" in shown
    assert "unknown until" not in shown


def test_the_known_remedies_warn_before_the_start(open_page: Open, laboratory: InventedLaboratory) -> None:
    open_page(data="skin_phantom", eps="1")
    laboratory.work_off()
    shown = page_text(open_page(data="skin_phantom", eps="1", batch="32"))
    assert "lb-warnings" in shown
    assert "Batch 32 at ε\u00a0=\u00a01: in each step the noise is at least" in shown
    assert "not the cost of privacy alone" in shown


def test_a_training_is_started_watched_and_read(open_page: Open, laboratory: InventedLaboratory) -> None:
    app = open_page(data="skin_phantom", eps="8")
    laboratory.work_off()
    app.button(key="lab_start").click().run()
    assert "Next in the queue" in page_text(app)
    taken = laboratory.take()
    assert taken is not None
    task, work = taken
    assert work == RUN
    laboratory.report(task, RUN, share=0.5)
    shown = page_text(app.run())
    assert "step 58 of 117, epoch 9.9 of 20, loss" in shown
    assert "ε spent so far 5.6" in shown
    assert shown.count('class="lb-chart"') == 3
    laboratory.finish(task, work)
    shown = page_text(app.run())
    assert "without DP: still training" in shown
    laboratory.work_off()
    shown = page_text(app.run())
    assert "without DP <strong>0.60</strong>: it keeps <strong>76\u00a0%</strong>" in shown
    assert "0 of 300 rebuilt" in shown
    assert "proven limit: at most <strong>" in shown
    assert shown.count("data:image/webp") == 3
    assert "this run: 0.45" in shown
    assert not app.error
    assert "Cancel" not in _labels(app)


def test_a_reload_finds_the_runs_again(open_page: Open, laboratory: InventedLaboratory) -> None:
    app = open_page(data="skin_phantom", eps="8")
    app.button(key="lab_start").click().run()
    laboratory.work_off()
    assert "lb-result" in page_text(open_page())


def test_somebody_else_may_look_by_the_link_but_change_nothing(open_page: Open, laboratory: InventedLaboratory) -> None:
    job = laboratory.store.submit("somebody else", "run", run_tasks(RUN), name="shared")
    app = open_page(run=job)
    assert "Somebody shared this run" in page_text(app)
    assert "Cancel" not in _labels(app)
    laboratory.work_off()
    app = open_page(run=job)
    shown = page_text(app)
    assert "lb-result" in shown
    assert "“shared”" in shown
    assert "Delete for good" not in _labels(app)
    assert "Your runs will be listed here" in shown


def test_a_running_job_is_cancelled_and_says_so(open_page: Open, laboratory: InventedLaboratory) -> None:
    app = open_page(data="skin_phantom", eps="8")
    laboratory.work_off()
    app.button(key="lab_start").click().run()
    task, _ = laboratory.take() or pytest.fail("nothing waits")
    app.run()
    next(button for button in app.button if button.label == "Cancel").click().run()
    assert "Stopping…" in _labels(app)
    assert laboratory.store.cancelling() == {task}
    laboratory.store.stopped(task)
    app.run()
    assert "Cancelled, so there is no result: With DP, ε = 8; Without DP." in [warning.value for warning in app.warning]


def test_failures_and_lost_workers_are_said(open_page: Open, laboratory: InventedLaboratory) -> None:
    app = open_page(data="skin_phantom", eps="8")
    laboratory.work_off()
    app.button(key="lab_start").click().run()
    task, _ = laboratory.take() or pytest.fail("nothing waits")
    laboratory.store.retry(task)
    assert "Its worker was lost; it began anew." in page_text(app.run())
    laboratory.store.fail(task, "learning_rate must be small enough to train, but the loss is not finite.")
    laboratory.work_off()
    app.run()
    assert any("failed. learning_rate must be small enough" in warning.value for warning in app.warning)


def test_a_whole_curve_grows_as_its_trainings_finish(open_page: Open, laboratory: InventedLaboratory) -> None:
    app = open_page(data="skin_phantom", eps="8")
    laboratory.work_off()
    app.button(key="lab_curve").click().run()
    assert len(curve_tasks(RUN)) == 9
    for done in (1, 2):
        laboratory.finish(*(laboratory.take() or pytest.fail("nothing waits")))
        shown = page_text(app.run())
        assert f"{done} of 9 trainings finished" in shown
        assert f'data-points="{done}"' in shown
    laboratory.work_off()
    shown = page_text(app.run())
    assert 'data-points="9"' in shown
    assert "Live trainings by rising budget" in shown


@pytest.mark.parametrize(
    ("key", "typed", "sentence"),
    [
        ("lab_field_epochs", "0", "Epochs must be a whole number from 1 to 1,000, but is “0”"),
        ("lab_field_epochs", "1000000", "Epochs must be a whole number from 1 to 1,000, but is “1000000”"),
        ("lab_field_batch", "6001", "Batch must be at most the 6,000 training records, but is 6,001"),
        ("lab_field_sigma", "NaN", "Noise σ must be a number from 1e-8 to 1000, but is “NaN”"),
        ("bar_typed", "-3", "ε must be a number from 0.1 to 10¹⁵ or “no DP”, but is “-3”"),
        ("bar_typed", "NaN", "ε must be a number from 0.1 to 10¹⁵ or “no DP”, but is “NaN”"),
    ],
)
def test_absurd_settings_get_a_sentence_and_nothing_is_lost(
    open_page: Open, key: str, typed: str, sentence: str
) -> None:
    app = open_page(data="skin_phantom", eps="8", clip="1.5")
    app.text_input(key=key).set_value(typed).run()
    assert not app.exception
    said = [warning.value.replace("\\", "") for warning in app.warning]
    assert any(sentence in words for words in said), said
    assert app.text_input(key=key).value == typed
    assert app.text_input(key="lab_field_clip").value == "1.5"
    assert app.query_params["clip"] in ("1.5", ["1.5"])


def test_a_refused_number_starts_nothing(open_page: Open, laboratory: InventedLaboratory) -> None:
    app = open_page(data="skin_phantom", eps="8")
    laboratory.work_off()
    app.text_input(key="lab_field_epochs").set_value("0")
    app.button(key="lab_start").click().run()
    assert "Nothing was started" in app.error[0].value
    assert "Epochs must be a whole number from 1 to 1,000" in app.error[0].value.replace("\\", "")
    assert laboratory.store.jobs(ME) == ()
    app.text_input(key="lab_field_epochs").set_value("2")  # Typed, but Enter not pressed.
    app.button(key="lab_start").click().run()
    work = laboratory.store.jobs(ME)[0].tasks[0].task
    assert isinstance(work, RunSettings)
    assert work.training.epochs == 2


def test_a_training_that_takes_too_long_is_refused_before_the_start(
    open_page: Open, laboratory: InventedLaboratory
) -> None:
    open_page(data="skin_phantom", eps="8")
    laboratory.work_off()
    app = open_page(data="skin_phantom", eps="8", epochs="900")
    assert any("A training must take at most 300 s here" in w.value.replace("\\", "") for w in app.warning)
    assert app.button(key="lab_start").disabled


def test_a_full_queue_is_said_and_the_settings_stay(open_page: Open, laboratory: InventedLaboratory) -> None:
    for _ in range(4):
        laboratory.store.submit(ME, "run", run_tasks(RUN))
    app = open_page(data="skin_phantom", eps="8", batch="512")
    app.button(key="lab_start").click().run()
    assert "You may have 4 unfinished jobs at a time" in app.error[0].value
    assert app.text_input(key="lab_field_batch").value == "512"


def test_real_data_that_is_not_here_cannot_be_trained_on(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DPCORE_DATA", raising=False)
    app = open_page(data="ham10000", eps="8")
    said = [w.value.replace("\\", "") for w in app.warning]
    assert any("DPCORE_DATA must name a HAM10000 file or folder, but is not set." in words for words in said)
    assert app.button(key="lab_start").disabled
    assert app.button(key="lab_curve").disabled


def test_a_look_at_gradients_gives_a_clip_norm_to_take_over(open_page: Open, laboratory: InventedLaboratory) -> None:
    app = open_page(data="skin_phantom", eps="8")
    laboratory.work_off()
    app.button(key="lab_look").click().run()
    assert "its result appears here" in page_text(app)
    laboratory.work_off()
    assert "Four in five pull less than 2.28" in page_text(app.run())
    app.button(key="lab_take_clip").click().run()
    assert app.text_input(key="lab_field_clip").value == "2.28"


def test_real_records_are_looked_at_only_by_who_says_so(open_page: Open, laboratory: InventedLaboratory) -> None:
    app = open_page(data="breast_cancer", eps="8")
    laboratory.work_off()
    assert app.button(key="lab_look").disabled
    app.checkbox(key="lab_look_allowed").check().run()
    app.button(key="lab_look").click().run()
    work = laboratory.store.jobs(ME)[0].tasks[0].task
    assert isinstance(work, ProfileTask)
    assert work.on_private_data
    laboratory.work_off()
    app.run()
    assert "Nobody paid for this look." in [warning.value for warning in app.warning]


def test_runs_are_named_kept_compared_and_deleted(open_page: Open, laboratory: InventedLaboratory) -> None:
    jobs = [laboratory.store.submit(ME, "run", run_tasks(RUN.at(epsilon))) for epsilon in (1.0, 8.0)]
    laboratory.work_off()
    app = open_page(data="skin_phantom", eps="8")
    app.text_input(key=f"lab_name_{jobs[0]}").set_value("strict <b>").run()
    app.toggle(key=f"lab_keep_{jobs[0]}").set_value(True).run()
    kept = {job.id: (job.name, job.kept) for job in laboratory.store.jobs(ME)}
    assert kept[jobs[0]] == ("strict <b>", True)
    app.multiselect(key="lab_compared").set_value(jobs).run()
    shown = page_text(app)
    assert "strict &lt;b&gt;</th>" in shown
    assert "What differs" in shown
    app.button(key=f"lab_show_{jobs[0]}").click().run()
    assert app.query_params["run"] in (jobs[0], [jobs[0]])
    app.button(key=f"lab_delete_{jobs[0]}").click().run()
    assert [job.id for job in laboratory.store.jobs(ME)] == [jobs[1]]
    assert "run" not in app.query_params


def test_hostile_links_are_ignored_with_a_sentence(open_page: Open) -> None:
    app = open_page(data="skin_phantom", eps="8", batch="<script>", model="../../etc", run="' OR 1=1")
    assert "<script>" not in page_text(app)
    said = " ".join(warning.value.replace("\\", "") for warning in app.warning)
    assert "model must be one of small_cnn" in said
    assert "run must be the address of one run" in said
    app = open_page(run="AAAAAAAAAAAAAAAA")
    assert "The run of this link is not here; it may have been deleted." in [w.value for w in app.warning]


def test_without_a_database_the_page_still_explains(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PINCH_LAB", "/proc/nowhere/lab.sqlite3")
    app = open_page(data="skin_phantom", eps="8")
    assert "at most 123 of 10,000" in page_text(app)
    assert any("live runs are not available" in w.value.replace("\\", "") for w in app.warning)
    assert app.button(key="lab_start").disabled


@pytest.mark.parametrize("damaged", ["{", "{}", "[1]"])
def test_a_result_that_cannot_be_read_is_said_and_the_rest_stays(
    open_page: Open, laboratory: InventedLaboratory, damaged: str
) -> None:
    laboratory.store.submit(ME, "run", run_tasks(RUN))
    laboratory.work_off()
    with sqlite3.connect(laboratory.store.path) as db:
        db.execute("UPDATE outcomes SET outcome = ? WHERE key LIKE 'run-%'", (damaged,))
    db.close()
    app = open_page(data="skin_phantom", eps="8")
    assert not app.exception
    assert any("The database of live runs is damaged" in w.value for w in app.warning)
    assert "at most 123 of 10,000" in page_text(app)


def test_a_laboratory_that_cannot_start_is_said(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: Launcher) -> None:
        raise JobsUnavailable("The laboratory could not be started; the app's log says why.")

    monkeypatch.setattr(Launcher, "ensure", fail)
    app = open_page(data="skin_phantom", eps="8")
    assert any("could not be started" in warning.value for warning in app.warning)


def test_without_dp_nothing_is_promised(open_page: Open, laboratory: InventedLaboratory) -> None:
    app = open_page(data="skin_phantom", eps="no-dp")
    assert page_text(app).count(">no limit<") == 3
    laboratory.work_off()
    app.button(key="lab_start").click().run()
    assert laboratory.work_off() == 1
    shown = page_text(app.run())
    assert "Without DP this training reaches <strong>MCC 0.60</strong>" in shown


def test_json_holds_what_repeats_a_run(laboratory: InventedLaboratory) -> None:
    from ui.lab_export import job_json

    job = laboratory.store.submit(ME, "run", run_tasks(RUN))
    found = laboratory.store.job(job)
    assert found is not None
    told = json.loads(job_json(found))
    assert [t["outcome"] for t in told["trainings"]] == [None, None]
    with pytest.raises(InvalidValue):
        laboratory.store.rename(ME, job, "x" * 61)


_VISIT = """
import sys
from streamlit.testing.v1 import AppTest
from dpcore.jobs.launch import Launcher

Launcher.ensure = lambda self: None
app = AppTest.from_file(APP, default_timeout=60).run()
app.switch_page("pages/lab.py").run()
app.selectbox(key="bar_dataset").set_value("skin_phantom").run()
app.button(key="lab_start").click().run()
assert not app.exception and not app.error, app.error
print("FOUND", [name for name in ("torch", "opacus", "distributed") if name in sys.modules])
"""


def test_a_start_brings_no_torch_into_the_web_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PINCH_LAB", str(tmp_path / "lab.sqlite3"))
    code = _VISIT.replace("APP", repr(str(ROOT / "app.py")))
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "FOUND []" in done.stdout
