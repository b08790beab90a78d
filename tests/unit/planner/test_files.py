"""Plans and ledgers as files: round trips, hashes, and one sentence for every hostile file."""

from __future__ import annotations

import datetime
import time
from pathlib import Path
from typing import Any

import pytest

from dpcore.errors import InvalidValue
from dpcore.planner import (
    GaussianRelease,
    LaplaceRelease,
    Ledger,
    Limit,
    Plan,
    PlanFile,
    TrainingRelease,
    documents,
    ledger_document,
    ledger_from_document,
    plan_document,
    plans_from_document,
)

PLAN: dict[str, Any] = {
    "name": 'ε “8” \\ "quoted" #1', "num_train": 1000, "expected_batch_size": 100, "epochs": 20, "delta": 1e-5,
    "epsilon": 8.0,
}  # fmt: skip
FILE = PlanFile(
    plans=(Plan(**PLAN), Plan(**{**PLAN, "name": "b", "dataset": "skin_phantom", "looks": 3})),
    limits=(Limit(kind="advantage", value=0.1, level="patient"), Limit(kind="utility", value=0.9)),
    answers_hash="0123456789abcdef",
)
DAY = datetime.date(2026, 11, 24)
LEDGER = Ledger(
    name="registry", budget_epsilon=8, delta=1e-5, accountant="tight", images_per_patient=3,
    releases=(
        TrainingRelease(label="a", date=DAY, noise_multiplier=1.5, sample_rate=0.05, steps=400),
        GaussianRelease(label="b", date=DAY, noise_multiplier=5.0, planned=True),
        LaplaceRelease(label="c", date=DAY, epsilon=0.1, times=3),
    ),
)  # fmt: skip
WRITERS = pytest.mark.parametrize("write", [documents.to_json, documents.to_toml])


def read(text: str) -> dict[str, Any]:
    return documents.parse_document(text.encode())


@WRITERS
def test_plans_survive_a_file(write: Any) -> None:
    assert plans_from_document(read(write(plan_document(FILE)))) == FILE


@WRITERS
def test_a_ledger_survives_a_file(write: Any) -> None:
    assert ledger_from_document(read(write(ledger_document(LEDGER)))) == LEDGER


def test_a_day_may_be_written_as_toml_writes_days() -> None:
    text = documents.to_toml(ledger_document(LEDGER)).replace('"2026-11-24"', "2026-11-24")
    assert ledger_from_document(read(text)) == LEDGER


def test_one_plan_may_stand_by_itself() -> None:
    text = documents.to_toml(PLAN)
    assert plans_from_document(read(text)).plans == (Plan(**PLAN),)


def test_the_hash_names_plans_and_limits_and_nothing_else() -> None:
    hashes = {
        FILE.hash,
        PlanFile(plans=FILE.plans).hash,
        PlanFile(plans=FILE.plans[::-1], limits=FILE.limits).hash,
        PlanFile(plans=(Plan(**{**PLAN, "epsilon": 8.1}), FILE.plans[1]), limits=FILE.limits).hash,
    }
    assert len(hashes) == 4
    assert PlanFile(plans=FILE.plans, limits=FILE.limits).hash == FILE.hash


def test_a_changed_plan_does_not_keep_its_hash() -> None:
    document = plan_document(FILE)
    document["plans"][0]["epsilon"] = 1.0
    with pytest.raises(InvalidValue, match=r"hash must be that of the plans and limits, \w+, but is"):
        plans_from_document(document)


def _with(**changes: Any) -> dict[str, Any]:
    return {**plan_document(PlanFile(plans=(Plan(**PLAN),))), "hash": None, **changes}


@pytest.mark.parametrize(
    ("document", "word"),
    [
        ({}, "plan 1: num_train must be given"),
        ({"plans": []}, "plans must be 1 to 4"),
        ({"plans": [PLAN] * 2}, "different names"),
        ({"plans": [{**PLAN, "name": str(i)} for i in range(5)]}, "plans must be at most 4"),
        ({"plans": "all"}, "plans must be a list of tables"),
        ({"plans": [1]}, "plans must be a list of tables"),
        ({"plans": [{**PLAN, "nois": 1}]}, "plan 1: the fields must be among"),
        ({"plans": [{**PLAN, "epsilon": "8"}]}, "plan 1: epsilon must be"),
        ({"plans": [{**PLAN, "epsilon": {"a": 1}}]}, "plan 1: epsilon must be"),
        ({"plans": [PLAN], "author": "x"}, "must hold only"),
        ({"plans": [PLAN], "limits": [{"kind": "advantage"}]}, "limit 1: value must be given"),
        ({"plans": [PLAN], "limits": {}}, "limits must be a list"),
        ({"plans": [PLAN], "format": "pinch plan 2"}, "format must be"),
        ({"plans": [PLAN], "hash": 3}, "hash must be 16 hexadecimal digits"),
        ({"plans": [PLAN], "answers_hash": "<script>"}, "answers_hash must be 16 hexadecimal digits"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_a_wrong_document_gets_one_sentence(document: dict[str, Any], word: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        plans_from_document(document)
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"kind": "exponential"}, "release 1: kind must be one of"),
        ({"kind": ["training"]}, "release 1: kind must be one of"),
        ({"date": "yesterday"}, "release 1: date must be a day"),
        ({"date": 20261124}, "release 1: date must be a day"),
        ({"steps": "many"}, "release 1: steps must be"),
        ({"label": None}, "release 1: label must be a text"),
        ({"epsilon": 1.0}, "release 1: the fields must be among"),
    ],
    ids=str,
)
def test_a_wrong_release_gets_one_sentence(change: dict[str, Any], word: str) -> None:
    document = ledger_document(LEDGER)
    document["releases"][0].update(change)
    with pytest.raises(InvalidValue, match=word):
        ledger_from_document(document)


HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "binary": bytes(range(256)) * 20,
    "zeros": b"\x00" * 5000,
    "utf-16": "name = 1".encode("utf-16"),
    "picture": b"\x89PNG\r\n\x1a\n" + b"\x00" * 100,
    "huge": b'{"name": "' + b"x" * documents.LARGEST_FILE + b'"}',
    "deep list": b'{"plans": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep table": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "deep enough to parse": b'{"a":' * 12 + b"1" + b"}" * 12,
    "deep toml": b"a = " + b"[" * 900 + b"]" * 900,
    "many brackets": (b"a = " + b"[" * 1500 + b"\n") * 100,
    "long dotted key": b".".join([b"a"] * 100_000) + b" = 1",
    "many dotted keys": b"\n".join(b".".join([b"a%d" % i] + [b"a"] * 950) + b" = 1" for i in range(120)),
    "half json": b'{"plans": [',
    "list": b"[1, 2, 3]",
    "twice": b'{"name": "a", "name": "b"}',
    "twice in toml": b'name = "a"\nname = "b"',
    "nan": b'{"name": "a", "num_train": NaN, "expected_batch_size": 1, "epochs": 1, "delta": 1e-5, "epsilon": 1}',
    "endless": b'{"name": "a", "num_train": 9, "expected_batch_size": 1, "epochs": 1, "delta": 1e-5, "epsilon": 1e999}',
    "long number": b'{"name": "a", "num_train": ' + b"9" * 100_000 + b"}",
    "html": b"<html><script>alert(1)</script></html>",
    "surrogate": b'{"name": "\\ud800", "num_train": 9, "expected_batch_size": 1, "steps": 1, "delta": 0.1}',
    "field names": b'{"' + b"<" * 200_000 + b'": 1}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gets_one_sentence_soon(tmp_path: Path, name: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(HOSTILE[name])
    start = time.process_time()
    with pytest.raises(InvalidValue) as caught:
        plans_from_document(documents.read_document(path))
    assert time.process_time() - start < 2.0
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) < 600
    assert path.read_bytes() == HOSTILE[name]


def test_a_file_that_is_none_gets_one_sentence(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing", Path("a\x00b"), tmp_path / ("x" * 5000)):
        with pytest.raises(InvalidValue, match=r"The file must .*\.$"):
            documents.read_document(path)


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "missing" / "x.json", tmp_path / "folder"):
        with pytest.raises(InvalidValue, match="output must be a file that can be written"):
            documents.write_file(path, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]
    documents.write_file(tmp_path / "x", b"new")
    assert (tmp_path / "x").read_bytes() == b"new"
