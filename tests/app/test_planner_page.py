"""The planner without a browser, on the shipped results: forwards, backwards, comparison, ledger, files, refusals."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dpcore import planner
from dpcore.planner import plans_from_document
from dpcore.planner.documents import parse_document, to_json
from dpcore.planner.limits import KINDS, RECORD_ONLY
from tests.page_text import page_text
from ui.plan_limits import LIMITS

ROOT = Path(__file__).resolve().parents[2]

Open = Callable[..., AppTest]
EXAMPLE = {"data": "skin_phantom", "eps": "8", "n": "4000", "patients": "1500", "epochs": "60"}


def _sent(app: AppTest, name: str) -> str:
    """A parameter of the URL, which AppTest holds as text or as a list."""
    value = app.query_params[name]
    return value if isinstance(value, str) else value[0]


@pytest.fixture
def open_page(open_link: Open) -> Open:
    """Opens the planner by its link."""
    return functools.partial(open_link, "planner")


def test_the_example_people_are_answered(open_page: Open) -> None:
    shown = page_text(open_page(**EXAMPLE))
    assert "4,000 records of 1,500 patients" in shown
    assert "all 3 images of a patient" in shown
    assert "One patient with 3 records" in shown
    assert "the mean rounded up" in shown
    assert "Of <strong>1,000 patients</strong>" in shown
    assert shown.count('role="status"><strong>') == 1
    assert "Not possible" in shown
    assert "What would help?" in shown


def test_a_limit_alone_gives_a_budget_to_take_over(open_page: Open) -> None:
    app = open_page(**EXAMPLE, rec="0.001")
    assert "All limits hold for any ε up to" in page_text(app)
    app.button("plan_take_budget").click().run()
    assert not app.exception
    epsilon = float(_sent(app, "eps"))
    assert 0.1 < epsilon < 8
    summary = page_text(app)
    assert "at most 1 in 1,0" in summary  # 1 in 1,000 or a little less.


def test_a_remedy_is_taken_over(open_page: Open) -> None:
    app = open_page(**EXAMPLE)
    before = dict(app.query_params)
    app.button("plan_take_0").click().run()
    assert not app.exception
    assert dict(app.query_params) != before


def test_a_refused_number_stays_and_nothing_is_lost(open_page: Open) -> None:
    app = open_page(**EXAMPLE)
    app.text_input("plan_field_batch").set_value("5000").run()
    assert any(
        "Batch must be at most the 4,000 training records, but is 5,000." in w.value.replace("\\", "")
        for w in app.warning
    )
    assert app.text_input("plan_field_batch").value == "5000"
    assert "4,000 records of 1,500 patients" in page_text(app)
    app.text_input("plan_limit_rec").set_value("often").run()
    assert any("must be a share such as 1 in 1,000" in w.value.replace("\\", "") for w in app.warning)
    assert app.text_input("plan_limit_rec").value == "often"


def test_a_delta_above_one_in_n_is_warned_about(open_page: Open) -> None:
    assert "δ = 0.01 is above 1/N" in page_text(open_page(**EXAMPLE, delta="0.01"))


def test_outside_the_measured_there_is_no_basis_and_no_dp_is_no_plan(open_page: Open) -> None:
    assert "no basis" in page_text(open_page(data="skin_phantom", eps="8", n="1000000"))
    bare = open_page(data="skin_phantom", eps="no-dp")
    assert "nothing is proven" in page_text(bare)
    assert bare.button("plan_add_button").disabled


def test_plans_are_compared_named_removed_and_linked(open_page: Open) -> None:
    app = open_page(**EXAMPLE)
    app.button("plan_add_button").click().run()
    app.text_input("plan_field_epochs").set_value("30").run()
    app.text_input("plan_new_name").set_value("<b>half</b>").run()
    app.button("plan_add_button").click().run()
    shown = page_text(app)
    assert "What differs" in shown
    assert "&lt;b&gt;half" in shown
    assert "<b>half" not in shown
    plans = _sent(app, "plans")
    again = open_page(**EXAMPLE, plans=plans)
    assert "&lt;b&gt;half" in page_text(again)
    again.button("plan_remove_0").click().run()
    assert len(json.loads(_sent(again, "plans"))) == 1
    again.text_input("plan_new_name").set_value("<b>half</b>").run()
    again.button("plan_add_button").click().run()
    assert any("plans must have different names" in w.value.replace("\\", "") for w in again.warning)


def test_the_ledger_adds_up_and_refuses(open_page: Open) -> None:
    app = open_page(**EXAMPLE)
    app.button("plan_release_add_plan").click().run()
    assert not app.exception
    shown = page_text(app)
    assert "planned" in shown
    assert "would add ε" in shown
    assert "A budget that is new each year only begins a new count" in shown
    app.button("plan_release_add").click().run()
    assert any("Noise σ of the release must be" in w.value.replace("\\", "") for w in app.warning)
    app.text_input("plan_ledger_label").set_value("old model").run()
    for name, text in (("noise_multiplier", "1.5"), ("sample_rate", "0.1"), ("steps", "500")):
        app.text_input("plan_ledger_new_" + name).set_value(text).run()
    app.button("plan_release_add").click().run()
    assert "old model" in page_text(app)
    app.button("plan_release_remove_0").click().run()
    assert "would add ε" not in page_text(app)


def test_a_hostile_link_is_refused_in_a_sentence(open_page: Open) -> None:
    app = open_page(data="skin_phantom", n="nan", batch=["1", "2"], rec="often", plans="[[")
    assert not app.exception
    said = " ".join(w.value for w in app.warning).replace("\\", "")
    for part in ("Records N must be", "Batch must be given once", "share such as", "JSON"):
        assert part in said


def test_a_plan_file_is_what_the_command_line_reads(open_page: Open) -> None:
    app = open_page(**EXAMPLE)
    app.button("plan_add_button").click().run()
    from ui import plan_compare

    plans = plans_from_document(parse_document(f'{{"plans":{_sent(app, "plans")}}}'.encode()))
    written = plan_compare._json(plans)
    read = plans_from_document(parse_document(written.encode()))
    assert read.plans == plans.plans
    assert read.answers_hash
    assert plan_compare._pdf(plans).startswith(b"%PDF")
    assert "Privacy label" in plan_compare._html(plans)
    assert "record_worst_case" in plan_compare._csv(plans)


def _open_file(app: AppTest, key: str, name: str, data: bytes) -> str:
    """Opens a file on the page and returns what is said of it."""
    app.file_uploader(key).set_value((name, data, "application/json")).run()
    assert not app.exception
    return " ".join(box.value for box in (*app.warning, *app.success)).replace("\\", "")


def test_a_saved_ledger_is_loaded_back_and_a_change_is_taken_back(open_page: Open) -> None:
    app = open_page(**EXAMPLE)
    app.button("plan_release_add_plan").click().run()
    shown = app.session_state["plan_ledger"]
    saved = to_json(planner.ledger_document(shown)).encode()
    app.button("plan_release_remove_0").click().run()
    assert app.session_state["plan_ledger"].releases == ()
    app.button("plan_ledger_undo").click().run()
    assert app.session_state["plan_ledger"] == shown
    app.button("plan_release_remove_0").click().run()
    assert "Loaded the ledger “Ledger” with 1 release." in _open_file(app, "plan_ledger_open", "ledger.json", saved)
    assert app.session_state["plan_ledger"] == shown
    assert "would add ε" in page_text(app)


def test_without_results_the_ledger_still_adds_up(open_page: Open, tmp_path: Path) -> None:
    app = open_page(folder=tmp_path / "nothing")
    assert len(app.error) == 1
    assert "python -m dpcore sweep" in app.error[0].value
    app.selectbox("plan_ledger_kind").set_value("gaussian").run()
    app.text_input("plan_ledger_label").set_value("counts of 2025")
    app.text_input("plan_ledger_new_noise_multiplier").set_value("4")
    app.text_input("plan_ledger_new_times").set_value("3")
    app.button("plan_release_add").click().run()
    found = app.session_state["plan_ledger"]
    assert [release.label for release in found.releases] == ["counts of 2025"]
    assert "counts of 2025" in page_text(app)
    assert app.button("plan_release_add_plan").disabled


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\x00\xff\xfe" * 400, "must be"),
        (b"{" + b" " * 400_000 + b"}", "kB"),
        (b'{"a":' * 5000, "nested"),
        (b"[" * 5000, "at most 1000 characters"),
        (b'{"plans": [{"name": "a", "name": "b"}]}', "name"),
        (b"", "must"),
        (b'{"kind": "pinch ledger"}', "must"),
    ],
    ids=["binary", "huge", "nested", "long line", "twice", "empty", "other"],
)
@pytest.mark.parametrize("key", ["plan_open", "plan_ledger_open"])
def test_a_hostile_file_is_refused_in_a_sentence_and_nothing_is_lost(
    open_page: Open, key: str, data: bytes, sentence: str
) -> None:
    app = open_page(**EXAMPLE)
    app.button("plan_add_button").click().run()
    before = (_sent(app, "plans"), app.session_state["plan_ledger"])
    said = _open_file(app, key, "file.json", data)
    assert sentence in said
    assert "Nothing was changed." in said
    assert "Traceback" not in said
    assert (_sent(app, "plans"), app.session_state["plan_ledger"]) == before


def test_the_command_line_repeats_the_pages_plan_file(open_page: Open, tmp_path: Path) -> None:
    app = open_page(**EXAMPLE, rec="0.001")
    app.button("plan_add_button").click().run()
    from ui import plan_compare

    plans = plans_from_document(parse_document(f'{{"plans":{_sent(app, "plans")}}}'.encode()))
    file = tmp_path / "plan.json"
    file.write_text(plan_compare._json(replace(plans, limits=(LIMITS["rec"].limit(0.001),))), encoding="utf-8")
    command = [sys.executable, "-m", "dpcore", "plan", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    odds = re.findall(r"at most (1 in [0-9,]+)", page_text(app))
    assert odds[0] in done.stdout


def test_every_limit_of_the_planner_can_be_set_on_the_page(open_page: Open) -> None:
    asked = {"relax": "0.001", "rare": "0.01", "rarep": "0.05", "most": "4", "mostp": "30"}
    app = open_page(**EXAMPLE, **asked)
    assert not app.warning
    shown = page_text(app)
    for words in ("found at 0.1 % false alarms", "relaxed reconstruction", "ε of a patient"):
        assert words in shown
    app.text_input("plan_limit_most").set_value("0").run()
    assert any("Budget ε of a record ≤ must be" in w.value.replace("\\", "") for w in app.warning)
    offered = {(field.kind, field.level) for field in LIMITS.values()}
    assert offered == {(k, level) for k in KINDS for level in ("record", "patient")[: 1 + (k not in RECORD_ONLY)]}
