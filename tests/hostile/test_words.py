"""Hostile words in every typed field and every part of a link: taken as what they mean, or one sentence; counted."""

from __future__ import annotations

import math
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpcore import datasets
from dpcore.errors import InvalidValue
from dpcore.jobs import JobStore
from dpcore.results.store import PrecomputedStore
from tests.hostile.corpus import ALL_WORDS, FILES, WORDS
from tests.hostile.test_files import READERS, assert_one_sentence, files_for
from tests.unit.jobs.runs import settings as run_settings
from ui import (
    lab_setting,
    lab_state,
    member_state,
    plan_ledger,
    plan_setting,
    plan_state,
    recon_state,
    risk_setting,
    risk_state,
    state,
)
from ui.evidence import collect_evidence
from ui.fields import format_value
from ui.lab_plan import prove
from ui.lab_setting import FIELDS as LAB
from ui.plan_limits import LIMITS

FIELDS = {
    **{f"risks: {name}": field for name, field in risk_setting.FIELDS.items()},
    **{f"planner: {name}": field for name, field in plan_setting.FIELDS.items()},
    **{f"limits: {name}": field for name, field in LIMITS.items()},
    **{f"ledger: {name}": field for name, field in plan_ledger.FIELDS.items()},
    **{f"lab: {name}": field for name, field in lab_setting.FIELDS.items()},
}


@pytest.fixture(scope="module")
def links() -> dict[str, tuple[tuple[str, ...], Any]]:
    """By page: the parts of its link, and what reads them."""
    evidence = collect_evidence(PrecomputedStore(), datasets.spec("skin_phantom"))
    point, planned = evidence.points[0], plan_setting.base_of(evidence)
    names = datasets.names()
    trained = _trained()

    def bar(sent: Any) -> Any:
        return state.read_link(
            sent, state.View(dataset=names[0]), names, lambda _, epsilon, counted: evidence.settle(epsilon, counted)
        )

    return {
        "bar": (state.PARAMETERS, bar),
        "risks": (risk_state.LINK.parameters, lambda s: risk_state.read_link(s, risk_state.RiskView(), point)),
        "reconstruction": (recon_state.LINK.parameters, lambda s: recon_state.read_link(s, recon_state.ReconView())),
        "membership": (member_state.LINK.parameters, lambda s: member_state.read_link(s, member_state.MemberView())),
        "lab": (lab_state.LINK.parameters, lambda s: lab_state.read_link(s, lab_state.LabView(), trained)),
        "planner": (plan_state.LINK.parameters, lambda s: plan_state.read_link(s, plan_state.PlanView(), planned)),
    }


def _trained() -> lab_setting.Base:
    """Where a training in the live lab begins."""
    spec, store = datasets.spec("skin_phantom"), PrecomputedStore()
    training = lab_setting.planned_training(store.manifest(), spec.name)
    return lab_setting.Base(spec=spec, training=training, num_train=6000, delta=8e-7)


@pytest.mark.parametrize("where", FIELDS)
def test_a_typed_field_takes_a_number_in_its_limits_or_says_why_not(where: str) -> None:
    refused = 0
    for word in ALL_WORDS:
        try:
            value = FIELDS[where].parse(word)
        except InvalidValue as error:
            refused += 1
            assert_one_sentence(str(error), Path("/nowhere"), word[:40])
            continue
        assert not math.isinf(value), word[:40]
    assert refused > len(ALL_WORDS) - 12


def test_each_part_of_each_link_is_read_or_named_in_a_sentence(links: dict[str, Any]) -> None:
    for page, (names, read) in links.items():
        for name in names:
            for word in ALL_WORDS:
                for sent in ({name: [word]}, {name: [word, word]}):
                    _, problems = read(sent)
                    for problem in problems:
                        assert_one_sentence(problem, Path("/nowhere"), f"{page} {name} {word[:40]!r}")
                assert problems, f"{page}: {name} twice"  # Given twice is always refused.


def test_a_link_of_the_lab_to_the_ends_of_two_limits_is_a_training_or_a_sentence() -> None:
    base = _trained()
    ends = {name: [format_value(v, field, link=True) for v in (field.low, field.high)] for name, field in LAB.items()}
    for one, other in combinations(LAB, 2):
        for values in product(ends[one], ends[other]):
            sent = {name: [value] for name, value in zip((one, other), values, strict=True)}
            view, problems = lab_state.read_link(sent, lab_state.LabView(), base)
            for problem in problems:
                assert_one_sentence(problem, Path("/nowhere"), str(sent))
            asked = lab_setting.run_settings(view.overrides, view.model, base, epsilon=8.0, counted="rdp")
            if {one, other} == {"batch", "epochs"}:
                proof = prove(asked, base.num_train)
                assert proof.problem or proof.noise_multiplier > 0, sent


@settings(max_examples=200)
@given(st.text(max_size=60), st.sampled_from(sorted(FIELDS)))
def test_whatever_is_typed_gives_a_number_or_a_sentence(text: str, where: str) -> None:
    try:
        assert not math.isinf(FIELDS[where].parse(text))
    except InvalidValue as error:
        assert_one_sentence(str(error), Path("/nowhere"), text)


def test_names_of_runs_are_kept_as_typed_or_refused(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "lab.sqlite3")
    job = store.submit("me", "run", [run_settings()])
    for word in (*ALL_WORDS, "\ud800"):
        try:
            store.rename("me", job, word)
        except InvalidValue as error:
            assert_one_sentence(str(error), tmp_path, word[:40])
            continue
        kept = store.job(job)
        assert kept is not None
        assert kept.name.isprintable(), repr(word[:40])
        assert kept.name == " ".join(word.split())


def test_the_corpus_is_large_enough(links: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """Counts what this folder sends, by kind; other tests add theirs."""
    words = {f"words: {kind}": len(found) for kind, found in WORDS.items()}
    files = {f"files for the {reader}": len(files_for(reader)) for reader in READERS}
    parts = sum(len(names) for names, _ in links.values())
    tried = {
        "typed": len(FIELDS) * len(ALL_WORDS),
        "linked": 2 * parts * len(ALL_WORDS),
        "read as a file": sum(files.values()),
    }
    with capsys.disabled():
        print(f"\n{len(set(ALL_WORDS))} words, {len(FILES)} files: {words | files}; tried: {tried}")
    assert len(set(ALL_WORDS)) >= 110
    assert len(FILES) >= 150
    assert sum(tried.values()) > 5000
