"""The words, numbers and HTML of the page "Is this really DP?"."""

from __future__ import annotations

import math
import re

import pytest
from scipy.stats import norm

from dpcore.checker import check, read_configuration, recognise
from dpcore.checker.examples import EXAMPLES
from dpcore.checker.vocabulary import COMMON, FILTERS
from dpcore.checker.words import get_report, get_result, outcome_words, relation_words
from ui import check_html, check_person, check_text
from ui.check_state import read

_FULL = {"noise_multiplier": 2.0, "clip_norm": 1.0, "clipping": "per_record", "sampling": "full", "steps": 4}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.file)
def test_an_example_shows_what_it_is_an_example_of(example) -> None:
    verdict = check(recognise(read_configuration(example.read(), name=example.file)))
    assert verdict.outcome == example.outcome
    names = [finding.name for finding in verdict.findings if finding.severity != "note"]
    assert names[:1] == ([example.finding] if example.finding else [])
    assert verdict.missing == ()


def test_both_bounds_on_a_person_are_those_of_the_gaussian_with_that_noise() -> None:
    verdict = check(recognise({**_FULL, "delta": 1e-6, "num_train": 100}))
    mu = math.sqrt(4) / 2.0
    statement = verdict.statements[0]
    assert check_person.recognised(statement, verdict.claim) == pytest.approx(norm.cdf(norm.ppf(1e-3) + mu), rel=1e-6)
    assert check_person.found(statement, verdict.claim) == pytest.approx(norm.cdf(norm.ppf(1e-2) + mu), rel=1e-6)
    replaced = next(s for s in verdict.statements if s.name == "replace")
    expected = norm.cdf(norm.ppf(1e-2) + 2 * mu)
    assert check_person.found(replaced, verdict.claim) == pytest.approx(expected, rel=1e-6)
    said = check_person.person_sentence(statement, verdict.claim)
    assert f"at most {math.ceil(1000 * norm.cdf(norm.ppf(1e-2) + mu))} who took part" in said


def test_a_patient_with_three_records_is_promised_less() -> None:
    verdict = check(recognise({**_FULL, "delta": 1e-6, "num_train": 100, "records_per_patient": 3}))
    patient = next(s for s in verdict.statements if s.name == "patient")
    assert check_person.found(patient, verdict.claim) == pytest.approx(norm.cdf(norm.ppf(1e-2) + 3), rel=1e-6)


def test_without_noise_or_knowledge_nothing_is_promised() -> None:
    bare = check(recognise({**_FULL, "noise_multiplier": 0.0, "delta": 1e-6, "num_train": 100}))
    assert check_person.person_sentence(bare.statements[0], bare.claim) == check_person.NO_LIMIT
    assert check_person.person_sentence(None, bare.claim) == check_person.UNKNOWN
    assert "nothing limits ε" in check_text.headline(bare) or "No ε is finite" in check_text.headline(bare)


def test_the_claim_is_held_against_the_relation_it_names() -> None:
    tree = {**_FULL, "delta": 1e-6, "num_train": 100, "epsilon": 20.0, "neighbours": "replace_one"}
    verdict = check(recognise(tree))
    replaced = next(s for s in verdict.statements if s.name == "replace")
    assert f"ε = {replaced.epsilon_tight:.3g}" in check_text.headline(verdict)
    assert replaced.epsilon_tight > verdict.statements[0].epsilon_tight


def test_what_is_not_known_is_never_a_number() -> None:
    reading = read("noise_multiplier: 1.0\nepsilon: 3\n", "a.yaml")
    assert reading.verdict is not None
    assert reading.verdict.outcome == "incomplete"
    shown = check_html.numbers_html(reading.verdict)
    assert shown.count("not known") == 3
    assert check_person.UNKNOWN in shown
    assert "cannot be told" in check_text.headline(reading.verdict)


def test_conditional_statements_say_so() -> None:
    fields = ("noise_multiplier: 1.0", "clip_norm: 1", "clipping: per_record", "batch_size: 10", "num_train: 1000")
    text = "\n".join((*fields, "epochs: 2", "delta: 1e-6"))
    reading = read(text, "a.yaml")
    assert reading.verdict is not None
    shown = check_html.statements_html(reading.verdict)
    assert shown.count("only if this is so") == len(reading.verdict.statements) == 2


def test_everything_of_the_file_is_escaped() -> None:
    nasty = "<script>alert(1)</script>"
    text = (
        f'{{"{nasty}": 1, "privacy {nasty}": {{"noise_multiplier": 1.0, "accountant": "{nasty}"}},\n'
        f'"model": "resnet{nasty}", "layers": ["BatchNorm{nasty}\u202e"], "epsilon": 2}}'
    )
    reading = read(text, f"{nasty}.json")
    assert reading.verdict is not None
    parts = (
        check_html.verdict_html(reading.verdict),
        check_html.numbers_html(reading.verdict),
        check_html.findings_html(reading, reading.verdict.findings),
        check_html.statements_html(reading.verdict),
        check_html.used_html(reading),
        check_html.unused_html(reading),
        check_html.assumptions_html(reading.verdict),
        check_html.missing_html(reading.verdict),
    )
    page = "".join(parts)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "\u202e" not in page
    assert not re.search(r"\sonerror=|\sonload=", page)


def test_the_line_is_quoted_and_a_field_that_is_absent_is_called_so() -> None:
    example = next(e for e in EXAMPLES if e.file == "tf_microbatches.yaml")
    reading = read(example.read(), example.file)
    assert reading.verdict is not None
    shown = check_html.findings_html(reading, reading.verdict.findings)
    assert "Line 6, <code>optimizer.num_microbatches</code>" in shown
    assert "<code>num_microbatches: 64</code>" in shown
    assert "<code>sampling</code> is not in the file. Keras" in shown


def test_every_field_that_can_be_read_has_words() -> None:
    from dpcore.checker.recognition import _field

    fields = {_field(name) for name in (*COMMON, *FILTERS)}
    assert fields <= set(check_text.FIELDS)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a: &x 1\nb: *x\n", "anchors or aliases"),
        ("!!python/object/apply:os.system ['true']\n", "tags"),
        ("x: " + "[" * 50 + "]" * 50, "nested at most 12 levels"),
        ("a" * 70_000, "at most 64 kB"),
        ("a: \x00", "control character"),
        ("nothing: here\n", "no field known"),
        ("noise_multiplier: -1\n", "noise_multiplier must be a finite number of at least 0"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(text: str, part: str) -> None:
    reading = read(text, "a.yaml")
    assert reading.verdict is None
    assert part in reading.problem
    assert reading.problem.endswith(".")
    assert "\n" not in reading.problem
    assert reading.text == text


def test_report_and_result_agree() -> None:
    for example in EXAMPLES:
        verdict = check(recognise(read_configuration(example.read(), name=example.file)))
        report, result = get_report(verdict), get_result(verdict)
        assert report.startswith(outcome_words(example.outcome).split(":")[0])
        assert [f["text"] in report for f in result["findings"]] == [True] * len(verdict.findings)
        assert result["epsilon_is_infinite"] == (verdict.epsilon == math.inf)
    assert "or another in its place" in relation_words("replace", "record")
