"""Rows, odds, CSV and both labels: what they say is what was answered, and nobody's text becomes code."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from dpcore.errors import InvalidValue
from dpcore.planner import (
    Limit,
    Plan,
    PlanFile,
    answer_file,
    describe_odds,
    get_answers_hash,
    get_rows,
    make_label,
    plans_from_document,
    sealed,
    to_csv,
)
from dpcore.planner.documents import parse_document
from dpcore.planner.label import get_icons
from dpcore.planner.label_html import to_html
from dpcore.planner.label_pdf import in_latin, to_pdf
from dpcore.planner.rows import describe_seconds, to_plain
from dpcore.results.store import PrecomputedStore

EVIL = "=1+1 <script>alert('ε')</script>"


def made(store: PrecomputedStore, *, plans: int = 2, limits: bool = True, name: str = EVIL) -> Any:
    common: dict[str, Any] = {
        "num_train": 1000, "expected_batch_size": 100, "epochs": 40, "delta": 1e-5, "images_per_patient": 2,
        "dataset": "skin_phantom",
    }  # fmt: skip
    file = PlanFile(
        plans=tuple(Plan(name=f"{name}{i or ''}"[:80], epsilon=8.0 / (i + 1), **common) for i in range(plans)),
        limits=(Limit(kind="advantage", value=0.1), Limit(kind="utility", value=0.5)) if limits else (),
    )
    answers, outcomes = answer_file(file, store)
    return file, answers, make_label(file, answers, outcomes)


@pytest.mark.parametrize("epsilon", [0.5, 3.7, 8.0, 21.0])
def test_a_proven_limit_is_never_shown_smaller_than_it_is(shipped: PrecomputedStore, epsilon: float) -> None:
    plan = Plan(
        name="A", num_train=4000, expected_batch_size=256, epochs=60, delta=8e-7, images_per_patient=3, epsilon=epsilon
    )
    answers, _ = answer_file(PlanFile(plans=(plan,)), shipped)
    shares = [row for row in get_rows(answers) if row.nature == "proven" and row.unit == "1"]
    assert len(shares) == 13
    for row in shares:
        (value,), (text,) = row.values, row.texts
        assert isinstance(value, float)
        shown = float(text.partition(" %")[0])
        assert 100 * value * (1 - 1e-9) <= shown <= 100 * value * 1.01 + 1e-9, row.name


@pytest.mark.parametrize(
    ("probability", "text"),
    [
        (1.0, "100 in 100"),
        (0.9968, "99.7 in 100"),
        (0.5, "1 in 2"),
        (0.34, "1 in 2"),
        (1 / 3, "1 in 3"),
        (0.001, "1 in 1,000"),
        (0.00100001, "1 in 999"),
        (1 / 4000, "1 in 4,000"),
        (1e-9, "less than 1 in 100,000,000"),
    ],
)
def test_odds_never_belittle_a_risk(probability: float, text: str) -> None:
    assert describe_odds(probability) == text


def test_seconds_are_said_in_two_digits() -> None:
    assert [describe_seconds(s) for s in (0.1234, 76, 600, 7300, 1e6)] == ["0.12 s", "76 s", "10 min", "2 h", "12 days"]


def test_rows_hold_what_was_answered(invented: PrecomputedStore) -> None:
    _, answers, label = made(invented)
    rows = {row.name: row for row in label.rows}
    assert rows["record_worst_case"].values == tuple(a.record.worst_case for a in answers)
    assert rows["patient_epsilon_tight"].values == tuple(a.patient.epsilon_tight for a in answers)
    assert rows["utility_share"].values == tuple(a.utility.share for a in answers)
    assert rows["realistic_rebuilt"].values == tuple(a.realistic.rebuilt.value for a in answers)
    assert {row.nature for row in label.rows} == {"given", "proven", "estimated", "measured"}


def test_no_basis_is_a_word_and_no_number(invented: PrecomputedStore) -> None:
    file = PlanFile(plans=(Plan(name="x", num_train=10, expected_batch_size=5, steps=3, delta=1e-3, epsilon=1),))
    answers, _ = answer_file(file, invented)
    row = next(row for row in get_rows(answers) if row.name == "utility_share")
    assert (row.values, row.texts) == ((None,), ("no basis",))
    assert any(note.startswith("No basis: ") for note in make_label(file, answers, ()).notes)
    assert to_plain(answers)[0]["utility_share"] is None


def test_csv_is_read_back_and_runs_no_formula(invented: PrecomputedStore) -> None:
    _, answers, label = made(invented)
    lines = list(csv.reader(io.StringIO(to_csv(answers))))
    assert {len(line) for line in lines} == {6}
    assert lines[0][4] == f"'{EVIL}"
    by_name = {line[0]: line for line in lines[1:]}
    assert len(by_name) == len(label.rows)
    assert float(by_name["record_worst_case"][4]) == answers[0].record.worst_case
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line)


def test_the_answers_hash_follows_the_answers_but_not_the_machine(invented: PrecomputedStore) -> None:
    _, answers, _ = made(invented)
    slower = tuple(replace(a, effort=replace(a.effort, seconds=2 * a.effort.seconds)) for a in answers)
    riskier = (replace(answers[0], record=replace(answers[0].record, worst_case=0.5)), answers[1])
    assert get_answers_hash(slower) == get_answers_hash(answers)
    assert get_answers_hash(riskier) != get_answers_hash(answers)


def test_icons_round_up(invented: PrecomputedStore) -> None:
    _, answers, _ = made(invented)
    for a in answers:
        icons = get_icons(a)
        assert icons.count >= icons.total * a.patient.worst_case * (1 - 1e-6)
        assert icons.count - 1 < icons.total * a.patient.worst_case
        assert icons.total == (100 if a.patient.worst_case >= 0.1 else 1000)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.paths: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self.links += [str(found[name]) for name in ("src", "href") if name in found]
        if tag == "path":
            self.paths[f"{found['class']}{len(self.paths)}"] = str(found["d"])

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_html_label_needs_nothing_and_runs_nothing(invented: PrecomputedStore) -> None:
    file, _, label = made(invented)
    reader = _Reader()
    reader.feed(to_html(label))
    assert "script" not in reader.tags
    assert reader.links == []
    assert EVIL in reader.text
    for row in label.rows:
        assert all(text in reader.text for text in (row.label, *row.texts))
    assert all(sentence in reader.text for sentence in (*label.notes, *label.assumptions, *label.sources))
    assert file.hash in reader.text
    assert label.answers_hash in reader.text
    dots = [path.count("M") for path in reader.paths.values()]
    first, second = label.icons
    assert dots == [first.total - first.count, first.count, second.total - second.count, second.count]


def test_a_label_carries_the_file_that_repeats_it(invented: PrecomputedStore) -> None:
    file, answers, label = made(invented)
    again = plans_from_document(parse_document(label.document.encode()))
    assert again == sealed(file, answers)
    assert get_answers_hash(answer_file(again, invented)[0]) == label.answers_hash


@pytest.mark.parametrize("plans", [1, 4])
def test_the_pdf_label_is_one_page(invented: PrecomputedStore, plans: int) -> None:
    _, _, label = made(invented, plans=plans)
    data = to_pdf(label)
    assert data.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", data)) == 1
    assert b"/EmbeddedFile" in data
    assert b"/JavaScript" not in data


def test_a_pdf_spells_what_its_fonts_lack() -> None:
    assert in_latin("ε ≤ 8, σ – “Müller” 日本") == 'epsilon at most 8, sigma - "Müller" ??'


def test_a_label_too_long_for_a_page_is_refused(invented: PrecomputedStore) -> None:
    _, _, label = made(invented, plans=1)
    with pytest.raises(InvalidValue, match="must fit on one page"):
        to_pdf(replace(label, notes=("a long note " * 30,) * 200))
