"""The live lab without a browser, on INVENTED results: settings, start, progress, results, runs, links, refusals."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dpcore.errors import InvalidValue
from dpcore.jobs import ProfileTask, curve_tasks, run_tasks
from tests.invented_laboratory import ME, RUN, InventedLaboratory
from tests.page_text import page_text

ROOT = Path(__file__).resolve().parents[2]
Open = Callable[..., AppTest]


def _labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def test_the_page_says_what_a_training_would_cost_and_protect(open_lab: Open, laboratory: InventedLaboratory) -> None:
    shown = page_text(open_lab(data="skin_phantom", eps="8"))
    assert "6,000 records, batch 1,024, 20 epochs" in shown
    assert "<strong>comparable</strong>" in shown
    assert shown.count('class="pp-tag pp-tag-proven"') == 3
    assert "unknown until this machine has been timed" in shown
    assert "No training yet" in shown
    assert laboratory.work_off() == 1  # The page asked for this machine's speed.
    shown = page_text(open_lab(data="skin_phantom", eps="8"))
    assert "Wh at 10 W a core" in shown
    assert "unknown until" not in shown


def test_the_known_remedies_warn_before_the_start(open_lab: Open, laboratory: InventedLaboratory) -> None:
    open_lab(data="skin_phantom", eps="1")
    laboratory.work_off()
    shown = page_text(open_lab(data="skin_phantom", eps="1", batch="32"))
    assert "lb-warnings" in shown
    assert "Batch 32 at ε\u00a0=\u00a01: in each step the noise is at least" in shown
    assert "not the cost of privacy alone" in shown


def test_a_training_is_started_watched_and_read(open_lab: Open, laboratory: InventedLaboratory) -> None:
    app = open_lab(data="skin_phantom", eps="8")
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


def test_a_reload_finds_the_runs_again(open_lab: Open, laboratory: InventedLaboratory) -> None:
    app = open_lab(data="skin_phantom", eps="8")
    app.button(key="lab_start").click().run()
    laboratory.work_off()
    assert "lb-result" in page_text(open_lab())


def test_somebody_else_may_look_by_the_link_but_change_nothing(open_lab: Open, laboratory: InventedLaboratory) -> None:
    job = laboratory.store.submit("somebody else", "run", run_tasks(RUN), name="shared")
    app = open_lab(run=job)
    assert "Somebody shared this run" in page_text(app)
    assert "Cancel" not in _labels(app)
    laboratory.work_off()
    app = open_lab(run=job)
    shown = page_text(app)
    assert "lb-result" in shown
    assert "“shared”" in shown
    assert "Delete for good" not in _labels(app)
    assert "Your runs will be listed here" in shown


def test_a_running_job_is_cancelled_and_says_so(open_lab: Open, laboratory: InventedLaboratory) -> None:
    app = open_lab(data="skin_phantom", eps="8")
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


def test_failures_and_lost_workers_are_said(open_lab: Open, laboratory: InventedLaboratory) -> None:
    app = open_lab(data="skin_phantom", eps="8")
    laboratory.work_off()
    app.button(key="lab_start").click().run()
    task, _ = laboratory.take() or pytest.fail("nothing waits")
    laboratory.store.retry(task)
    assert "Its worker was lost; it began anew." in page_text(app.run())
    laboratory.store.fail(task, "learning_rate must be small enough to train, but the loss is not finite.")
    laboratory.work_off()
    app.run()
    assert any("failed. learning_rate must be small enough" in warning.value for warning in app.warning)


def test_a_whole_curve_grows_as_its_trainings_finish(open_lab: Open, laboratory: InventedLaboratory) -> None:
    app = open_lab(data="skin_phantom", eps="8")
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


def test_a_look_at_gradients_gives_a_clip_norm_to_take_over(open_lab: Open, laboratory: InventedLaboratory) -> None:
    app = open_lab(data="skin_phantom", eps="8")
    laboratory.work_off()
    app.button(key="lab_look").click().run()
    assert "its result appears here" in page_text(app)
    laboratory.work_off()
    assert "Four in five pull less than 2.28" in page_text(app.run())
    app.button(key="lab_take_clip").click().run()
    assert app.text_input(key="lab_field_clip").value == "2.28"


def test_real_records_are_looked_at_only_by_who_says_so(open_lab: Open, laboratory: InventedLaboratory) -> None:
    app = open_lab(data="breast_cancer", eps="8")
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


def test_runs_are_named_kept_compared_and_deleted(open_lab: Open, laboratory: InventedLaboratory) -> None:
    jobs = [laboratory.store.submit(ME, "run", run_tasks(RUN.at(epsilon))) for epsilon in (1.0, 8.0)]
    laboratory.work_off()
    app = open_lab(data="skin_phantom", eps="8")
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


def test_without_dp_nothing_is_promised(open_lab: Open, laboratory: InventedLaboratory) -> None:
    app = open_lab(data="skin_phantom", eps="no-dp")
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
