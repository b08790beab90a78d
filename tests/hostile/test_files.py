"""Hostile files at each reader of people's texts: one sentence soon, no path, no traceback, nothing run."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dpcore.checker import check, read_configuration, recognise
from dpcore.errors import InvalidValue
from dpcore.planner import plans_from_document
from dpcore.planner.documents import parse_document, read_document
from dpcore.planner.files import ledger_from_document
from dpcore.sweep.plan import read_plan
from tests.hostile.corpus import FILES, WRONG_PLANS

#: Seconds of the processor that a refusal may take on a busy machine.
SOON = 3.0


def _checker(path: Path) -> Any:
    return check(recognise(read_configuration(path.read_bytes(), name=path.name)))


def _planner(path: Path) -> Any:
    return plans_from_document(read_document(path))


def _ledger(path: Path) -> Any:
    return ledger_from_document(parse_document(path.read_bytes()))


def _sweep(path: Path) -> Any:
    return read_plan(str(path))


READERS: dict[str, Callable[[Path], Any]] = {
    "checker": _checker,
    "planner": _planner,
    "ledger": _ledger,
    "sweep": _sweep,
}


def files_for(reader: str) -> list[str]:
    """The names of the files that a reader must refuse: plans of trainings mean something to the checker."""
    return [name for name in FILES if reader != "checker" or name not in WRONG_PLANS]


@pytest.mark.parametrize("reader", READERS)
def test_every_file_is_refused_in_a_sentence_soon(tmp_path: Path, reader: str) -> None:
    for name in files_for(reader):
        suffix, data = FILES[name]
        path = tmp_path / f"plan.{'toml' if reader == 'sweep' else suffix}"
        path.write_bytes(data)
        start = time.process_time()
        with pytest.raises(InvalidValue) as caught:
            READERS[reader](path)
        assert time.process_time() - start < SOON, name
        assert_one_sentence(str(caught.value), tmp_path, name)


def assert_one_sentence(sentence: str, folder: Path, name: str) -> None:
    """Whatever was sent, the answer is short, printable and says nothing about this machine."""
    assert sentence.endswith("."), (name, sentence)
    assert "\n" not in sentence, (name, sentence)
    assert sentence.isprintable(), (name, sentence)
    assert len(sentence) < 600, (name, len(sentence))
    assert str(folder) not in sentence, (name, sentence)
    assert "Traceback" not in sentence
