"""The command plan: files in, answers and labels out, and one sentence for whatever is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from dpcore.cli import plan as command
from dpcore.planner import documents, ledger_document, plan_document, plans_from_document
from dpcore.results.store import PrecomputedStore
from tests.unit.planner.test_files import LEDGER
from tests.unit.planner.test_label import made

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(command.plan)


def run(*arguments: Any) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), "a traceback reached the user"
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def plan_file(tmp_path: Path, invented: PrecomputedStore) -> Path:
    file, _, _ = made(invented, name="a plan")
    path = tmp_path / "plan.toml"
    path.write_text(documents.to_toml(plan_document(file)), encoding="utf-8")
    return path


def test_answers_are_printed_with_what_the_limits_allow(plan_file: Path, invented: PrecomputedStore) -> None:
    code, out, err = run(plan_file, "--out", invented.folder)
    assert (code, err) == (0, "")
    for word in ("noise multiplier", "a plan1", "Limits, a plan:", "More patients", "Note: "):
        assert word in out


def test_json_repeats_itself(plan_file: Path, invented: PrecomputedStore) -> None:
    code, out, _ = run(plan_file, "--json", "--out", invented.folder)
    assert code == 0
    document = json.loads(out)
    assert [a["name"] for a in document["answers"]] == ["a plan", "a plan1"]
    assert len(document["limits_allow"]) == 2
    plan_file.with_suffix(".json").write_text(out, encoding="utf-8")
    code, again, _ = run(plan_file.with_suffix(".json"), "--json", "--out", invented.folder)
    assert (code, again) == (0, out)


def test_all_outputs_are_written(plan_file: Path, tmp_path: Path, invented: PrecomputedStore) -> None:
    names = {"csv": "a.csv", "html": "a.html", "pdf": "a.pdf", "save": "a.json"}
    options = [word for name, file in names.items() for word in (f"--{name}", tmp_path / file)]
    before = plan_file.read_bytes()
    code, _, _ = run(plan_file, *options, "--out", invented.folder)
    assert code == 0
    starts = [(tmp_path / file).read_bytes()[:5] for file in names.values()]
    assert starts == [b"quant", b"<!doc", b"%PDF-", b'{\n "f']
    assert plan_file.read_bytes() == before
    saved = plans_from_document(documents.read_document(tmp_path / "a.json"))
    assert saved.answers_hash is not None


def test_answers_that_are_no_longer_the_same_are_told(
    plan_file: Path, tmp_path: Path, invented: PrecomputedStore
) -> None:
    run(plan_file, "--save", tmp_path / "a.json", "--out", invented.folder)
    assert run(tmp_path / "a.json", "--out", invented.folder)[0] == 0
    document = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    document["answers_hash"] = "0" * 16
    (tmp_path / "a.json").write_text(json.dumps(document), encoding="utf-8")
    code, out, err = run(tmp_path / "a.json", "--out", invented.folder)
    assert code == command.DIFFERENT
    assert "the answers are not" in err
    assert "noise multiplier" in out


def test_a_ledger_is_added_up(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    path.write_text(documents.to_json(ledger_document(LEDGER)), encoding="utf-8")
    code, out, _ = run(path)
    assert code == 0
    for word in ("spent so far, one record", "a patient with 3 records", "planned “b” adds", "left", "2026 alone"):
        assert word in out
    code, out, _ = run(path, "--json", "--save", tmp_path / "again.json")
    totals = json.loads(out)["totals"]
    assert 0 < totals["spent"]["epsilon_tight"] < totals["with_planned"]["epsilon_tight"]
    assert json.loads((tmp_path / "again.json").read_text(encoding="utf-8")) == ledger_document(LEDGER)
    code, _, err = run(path, "--pdf", tmp_path / "a.pdf")
    assert code == 2
    assert "is a ledger" in err


def test_what_is_wrong_gets_one_sentence_and_loses_nothing(
    plan_file: Path, tmp_path: Path, invented: PrecomputedStore
) -> None:
    before = plan_file.read_bytes()
    bad = tmp_path / "bad.toml"
    bad.write_bytes(before.replace(b"num_train = 1000", b"num_train = 10"))
    cases = [
        (bad, "expected_batch_size must be at most the 10 training records"),
        (tmp_path / "missing", "must exist"),
        (tmp_path, "ordinary file"),
    ]
    for path, word in cases:
        code, out, err = run(path, "--out", invented.folder)
        assert (code, out) == (2, "")
        assert word in err
        assert err.count("\n") == 1
    code, _, err = run(plan_file, "--html", plan_file, "--out", invented.folder)
    assert code == 2
    assert "a file of its own" in err
    assert plan_file.read_bytes() == before
    code, _, err = run(plan_file, "--out", tmp_path)
    assert code == 2
    assert "results" in err
