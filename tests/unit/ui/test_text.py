"""Sentences say what the numbers say, and no more."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import product

import pytest

from ui import captions, text
from ui.evidence import Attack, Evidence, Point
from ui.finding import Finding, Proof, find_at_point, find_between_points


def at(evidence: Evidence, point: Point) -> Finding:
    return find_at_point(evidence, point, "rdp")


def attacks(one: int, every: int, *, matched: tuple[int, int] = (1, 1)) -> tuple[Attack, Attack]:
    return (
        Attack(looks=1, records=300, candidates=300, rebuilt=one, matched=matched[0]),
        Attack(looks=20, records=300, candidates=300, rebuilt=every, matched=matched[1]),
    )


def test_a_middling_budget(evidence: Evidence, point: Callable[..., Point]) -> None:
    assert text.summary(at(evidence, point())) == (
        "With a budget of ε = 8 the model keeps **75 % of its diagnostic skill**, measurably less than without "
        "privacy. "
        "It is proven that an attacker who already holds your image can recognise **at most 122 of 10,000** patients, "
        "and one who does not can expose **at most 5 of 10,000**. "
        "A real attack rebuilt **none of 300 pictures**, neither from one look nor from all 20 looks."
    )


def test_a_huge_budget_promises_nothing_although_the_attack_fails(evidence: Evidence) -> None:
    words = text.summary(at(evidence, evidence.points[2]))
    assert "as well as without privacy**: equivalent within ±0.05" in words
    assert "Mathematics **promises nothing**" in words
    assert "none of 300" in words


def test_no_dp_promises_nothing_and_everything_is_rebuilt(evidence: Evidence) -> None:
    words = text.summary(at(evidence, evidence.no_dp))
    assert words.startswith("Without privacy protection")
    assert "**Nothing is proven**" in words
    assert "**all 300 pictures**, even from one look" in words


def test_a_ruined_model_is_called_so(evidence: Evidence) -> None:
    assert "no better than guessing" in text.summary(at(evidence, evidence.points[0]))


def test_finding_no_difference_is_not_called_equivalence(evidence: Evidence, point: Callable[..., Point]) -> None:
    unclear = at(evidence, point(p_ttest=0.4, p_tost=0.3))
    for words in (text.utility_sentence(unclear), captions.compare_with_no_dp(unclear.utility)):
        assert "no difference" in words.lower()
        assert "equivalen" in words
        assert re.search(r"too few|not shown", words)
    equivalent = at(evidence, point(p_ttest=0.4, p_tost=0.01))
    assert "equivalent" in captions.compare_with_no_dp(equivalent.utility)


def test_an_estimate_is_called_one(evidence: Evidence) -> None:
    found = find_between_points(evidence, 100.0, "rdp", Proof(noise_multiplier=1.0, worst_case=0.2, relaxed=0.1))
    assert "estimated, not measured" in text.utility_sentence(found)
    assert captions.utility_words(found.utility)[1] == "estimated between measured points ε = 8 and ε = 10⁶"
    assert "A real attack at ε = 8 rebuilt" in text.attack_sentence(found)
    assert "ε = 8, the nearest measured budget" in captions.gallery_caption(found, evidence.strips[0])


def test_only_the_strongest_attacker_is_unstoppable(evidence: Evidence, point: Callable[..., Point]) -> None:
    words = text.proof_sentence(at(evidence, point(worst_case=0.999, relaxed=0.2)))
    assert "promises nothing** against an attacker who already holds your image" in words
    assert "at most 2,000 of 10,000" in words


def test_a_failed_bound_is_never_shown_as_safety(evidence: Evidence, point: Callable[..., Point]) -> None:
    found = at(evidence, point(relaxed=math.nan))
    value, lines = captions.proof_words(found, found.proof.worst_case)
    assert value == "not available"
    assert "unprotected" in " ".join(lines)
    assert "could not be computed" in text.proof_sentence(found)
    assert "unprotected" in " ".join(text.person_points(found))


@pytest.mark.parametrize(
    ("one", "every", "words"),
    [
        (0, 0, "**none of 300 pictures**, neither from one look nor from all 20 looks"),
        (0, 300, "**0 of 300 pictures** from one look, **300** from all 20"),
        (7, 120, "**7 of 300 pictures** from one look, **120** from all 20"),
        (300, 300, "**all 300 pictures**, even from one look"),
    ],
)
def test_the_real_attack(evidence: Evidence, point: Callable[..., Point], one: int, every: int, words: str) -> None:
    assert words in text.attack_sentence(at(evidence, point(attacks=attacks(one, every))))


def test_recognising_is_told_where_it_beats_rebuilding(evidence: Evidence, point: Callable[..., Point]) -> None:
    one_look = at(evidence, point(attacks=attacks(0, 0, matched=(234, 300))))
    assert "**234 times in 300** from one look" in text.attack_sentence(one_look)
    all_looks = at(evidence, point(attacks=attacks(0, 0, matched=(1, 90))))
    assert "**90 times in 300** from all 20 looks" in text.attack_sentence(all_looks)
    by_chance = at(evidence, point(attacks=attacks(0, 0, matched=(2, 3))))
    assert "Recognising" not in text.attack_sentence(by_chance)


def test_no_attack_is_not_told_as_no_risk(evidence: Evidence, point: Callable[..., Point]) -> None:
    found = at(evidence, point(attacks=()))
    assert "nothing is known" in text.attack_sentence(found)
    assert captions.attack_words(found)[0] == "not measured"


def test_the_attack_card_gives_the_exact_interval(evidence: Evidence, point: Callable[..., Point]) -> None:
    value, lines = captions.attack_words(at(evidence, point()))
    assert value == "0 of 300"
    assert lines == ["pictures rebuilt; 95 % sure: 0 to 123 of 10,000 patients"]


def test_a_table_of_patients_has_no_pictures_and_says_what_was_measured(
    evidence: Evidence, point: Callable[..., Point]
) -> None:
    table = replace(evidence, spec=replace(evidence.spec, kind="tabular", record_shape=(30,)))
    words = captions.no_pictures(at(table, point()))
    assert "no picture to show" in words
    assert "**0 of 300** from one look" in words
    assert "holds your record" in text.summary(at(table, point()))


def test_synthetic_and_stand_in_pictures_are_labelled(evidence: Evidence, point: Callable[..., Point]) -> None:
    assert "Stand-in" in captions.gallery_caption(at(evidence, point()), evidence.strips[0])
    synthetic = replace(evidence, spec=replace(evidence.spec, synthetic=True))
    assert "SYNTHETIC" in captions.gallery_caption(at(synthetic, point()), evidence.strips[0])
    assert "SYNTHETIC" in text.context(synthetic)


def test_every_regime_reads_well(evidence: Evidence, point: Callable[..., Point]) -> None:
    """No gendered attacker, no naked number, no unbalanced stress, no NaN, in any mixture of regimes."""
    bounds = (1e-9, 0.0122, 0.6, 0.999, 1.0, math.nan)
    tests = ((0.001, 0.9), (0.001, 0.01), (0.4, 0.01), (0.4, 0.3), (math.nan, math.nan))
    for worst, relaxed, (p_ttest, p_tost), rebuilt in product(bounds, bounds, tests, (0, 150, 300)):
        bent = point(worst_case=worst, relaxed=relaxed, p_ttest=p_ttest, p_tost=p_tost, attacks=attacks(0, rebuilt))
        for words in (text.summary(at(evidence, bent)), *text.person_points(at(evidence, bent))):
            assert not re.search(r"\b(he|him|his|she)\b", words)
            assert words.count("**") % 2 == 0
            assert words.endswith(".")
            assert "nan" not in words
            assert "  " not in words
            assert not re.search(r"\b0 of 10,000", words)
