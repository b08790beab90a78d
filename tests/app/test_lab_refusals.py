"""The live lab without a browser, on INVENTED results: what it refuses, and what it says where something is missing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dpcore.jobs import JobsUnavailable, RunSettings, run_tasks
from dpcore.jobs.launch import Launcher
from tests.invented_laboratory import ME, RUN, InventedLaboratory
from tests.page_text import page_text

ROOT = Path(__file__).resolve().parents[2]
Open = Callable[..., AppTest]


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
    open_lab: Open, key: str, typed: str, sentence: str
) -> None:
    app = open_lab(data="skin_phantom", eps="8", clip="1.5")
    app.text_input(key=key).set_value(typed).run()
    assert not app.exception
    said = [warning.value.replace("\\", "") for warning in app.warning]
    assert any(sentence in words for words in said), said
    assert app.text_input(key=key).value == typed
    assert app.text_input(key="lab_field_clip").value == "1.5"
    assert app.query_params["clip"] in ("1.5", ["1.5"])


def test_a_refused_number_starts_nothing(open_lab: Open, laboratory: InventedLaboratory) -> None:
    app = open_lab(data="skin_phantom", eps="8")
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
    open_lab: Open, laboratory: InventedLaboratory
) -> None:
    open_lab(data="skin_phantom", eps="8")
    laboratory.work_off()
    app = open_lab(data="skin_phantom", eps="8", epochs="900")
    assert any("A training must take at most 300 s here" in w.value.replace("\\", "") for w in app.warning)
    assert app.button(key="lab_start").disabled


def test_a_full_queue_is_said_and_the_settings_stay(open_lab: Open, laboratory: InventedLaboratory) -> None:
    for _ in range(4):
        laboratory.store.submit(ME, "run", run_tasks(RUN))
    app = open_lab(data="skin_phantom", eps="8", batch="512")
    app.button(key="lab_start").click().run()
    assert "You may have 4 unfinished jobs at a time" in app.error[0].value
    assert app.text_input(key="lab_field_batch").value == "512"


def test_real_data_that_is_not_here_cannot_be_trained_on(open_lab: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DPCORE_DATA", raising=False)
    app = open_lab(data="ham10000", eps="8")
    said = [w.value.replace("\\", "") for w in app.warning]
    assert any("DPCORE_DATA must name a HAM10000 file or folder, but is not set." in words for words in said)
    assert app.button(key="lab_start").disabled
    assert app.button(key="lab_curve").disabled


def test_hostile_links_are_ignored_with_a_sentence(open_lab: Open) -> None:
    app = open_lab(data="skin_phantom", eps="8", batch="<script>", model="../../etc", run="' OR 1=1")
    assert "<script>" not in page_text(app)
    said = " ".join(warning.value.replace("\\", "") for warning in app.warning)
    assert "model must be one of small_cnn" in said
    assert "run must be the address of one run" in said
    app = open_lab(run="AAAAAAAAAAAAAAAA")
    assert "The run of this link is not here; it may have been deleted." in [w.value for w in app.warning]


def test_without_a_database_the_page_still_explains(open_lab: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PINCH_LAB", "/proc/nowhere/lab.sqlite3")
    app = open_lab(data="skin_phantom", eps="8")
    assert "at most 123 of 10,000" in page_text(app)
    assert any("live runs are not available" in w.value.replace("\\", "") for w in app.warning)
    assert app.button(key="lab_start").disabled


@pytest.mark.parametrize("damaged", ["{", "{}", "[1]"])
def test_a_result_that_cannot_be_read_is_said_and_the_rest_stays(
    open_lab: Open, laboratory: InventedLaboratory, damaged: str
) -> None:
    laboratory.store.submit(ME, "run", run_tasks(RUN))
    laboratory.work_off()
    with sqlite3.connect(laboratory.store.path) as db:
        db.execute("UPDATE outcomes SET outcome = ? WHERE key LIKE 'run-%'", (damaged,))
    db.close()
    app = open_lab(data="skin_phantom", eps="8")
    assert not app.exception
    assert any("The database of live runs is damaged" in w.value for w in app.warning)
    assert "at most 123 of 10,000" in page_text(app)


def test_a_laboratory_that_cannot_start_is_said(open_lab: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: Launcher) -> None:
        raise JobsUnavailable("The laboratory could not be started; the app's log says why.")

    monkeypatch.setattr(Launcher, "ensure", fail)
    app = open_lab(data="skin_phantom", eps="8")
    assert any("could not be started" in warning.value for warning in app.warning)
