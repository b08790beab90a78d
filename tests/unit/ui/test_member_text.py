"""The membership page's sentences and small sums."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from dpcore.results.exposure import Share
from ui import member_text
from ui.evidence import Evidence
from ui.finding import Finding, find_at_point
from ui.member_evidence import STRICT, USUAL, AttackResult, Audit, Exposure
from ui.member_state import MemberView, link_parameters, read_link

AUDIT = Audit(
    target_epsilon=8.0,
    epsilon_rdp=8.0,
    epsilon_tight=7.2,
    noise_multiplier=1.2,
    canary="gradient",
    canaries=1000,
    guesses=500,
    correct=400,
    floor=1.239,
    cap=5.2,
)


def _tested(found: int, group: str = "all", trials: int = 10_000, strict: int = 12) -> AttackResult:
    return AttackResult(
        attack="LiRA",
        group=group,
        shadows=16,
        members=trials,
        non_members=trials,
        auc=0.52,
        auc_interval=(0.51, 0.53),
        found={STRICT: Share(successes=strict, trials=trials), USUAL: Share(successes=found, trials=trials)},
        fpr=np.array([0.0, 0.01, 1.0]),
        tpr=np.array([0.0, found / trials, 1.0]),
    )


def _exposure(found: int = 210, *, noise: float = 1.2, limit: tuple[float, float] = (0.0409, 0.166)) -> Exposure:
    return Exposure(
        target_epsilon=8.0 if noise else math.inf,
        epsilon_tight=7.2 if noise else math.inf,
        noise_multiplier=noise,
        attacks=(_tested(found),),
        groups={},
        limit=dict(zip((STRICT, USUAL), limit, strict=True)),
        limit_curve=np.ones(171),
    )


@pytest.fixture
def finding(evidence: Evidence) -> Finding:
    return find_at_point(evidence, next(p for p in evidence.points if p.target_epsilon == 8), "rdp")


def test_the_answer_names_measured_proven_and_guessing() -> None:
    words = member_text.summary(_exposure(), "rdp")
    for part in ("ε = 8", "σ = 1.2", "**21 of 1,000**", "**1.2 of 1,000**", "**166** and **41** of 1,000", "10 and 1"):
        assert part in words
    without = member_text.summary(_exposure(noise=0.0, limit=(1.0, 1.0)), "rdp")
    assert without.startswith("Without privacy protection")
    assert "Nothing is proven" in without
    assert "promises nothing" in member_text.summary(_exposure(limit=(0.999, 1.0)), "rdp")


def test_measured_people_are_told_with_intervals_rounded_outwards() -> None:
    assert member_text.people(0.00042) == "0.42"
    assert member_text.people(0.166) == "166"
    assert member_text.people(0.0) == "0"
    assert member_text.people_at_most(0.00201) == "2.1"
    assert member_text.people_at_most(0.1661) == "167"
    assert member_text.people_at_most(1.0) == "1,000"
    share = Share(successes=210, trials=10_000)
    low, high = (float(part) for part in member_text.interval_words(share).split(" to "))
    assert low <= 1000 * share.interval[0] < low + 1
    assert high - 1 < 1000 * share.interval[1] <= high
    assert member_text.interval_words(Share(successes=0, trials=1000)).startswith("0 to ")


def test_another_budget_than_the_visitors_is_named(finding: Finding) -> None:
    assert member_text.where(_exposure(), finding) == ""
    words = member_text.where(_exposure(), replace(finding, epsilon=5.0))
    assert "not run at ε = 5" in words
    assert "**ε = 8**" in words


def test_a_curve_above_the_limit_is_an_alarm_not_a_finding() -> None:
    assert "no better than guessing" in member_text.gap_sentence(_exposure(found=104))
    assert "is better than guessing" in member_text.gap_sentence(_exposure())
    assert "above the proven limit" in member_text.gap_sentence(_exposure(found=2000))
    assert "never above" not in member_text.gap_sentence(_exposure(noise=0.0, limit=(1.0, 1.0)))


def test_floor_and_ceiling_are_told_apart_and_a_floor_of_zero_is_no_safety(finding: Finding) -> None:
    words = member_text.floor_summary([AUDIT], finding)
    assert "**at least 1.2**" in words
    assert "**at most 7.2** counted tightly (8 as in the paper)" in words
    assert "nobody knows" in words
    assert "; 95 % confidence)" in words
    both = member_text.floor_summary([AUDIT, replace(AUDIT, canary="mislabelled record", floor=0.3)], finding)
    assert "planted gradient; 95 % confidence for each of 2 audits" in both
    nothing = member_text.floor_summary([replace(AUDIT, floor=0.0)], finding)
    assert "proves nothing" in nothing
    assert "not “no risk”" in nothing
    assert "above the ceiling" in member_text.floor_summary([replace(AUDIT, floor=9.0)], finding)
    near = member_text.floor_summary([AUDIT], replace(finding, epsilon=5.0))
    assert near.startswith("Not audited at ε = 5")
    assert "no ceiling" in member_text.floor_summary([], replace(finding, epsilon=math.inf))
    for said in (words, nothing):
        assert said.count("**") % 2 == 0


def test_the_cap_is_named_where_the_floor_stands_at_it() -> None:
    assert "stands at that cap" not in member_text.cap_sentence([AUDIT], [AUDIT])
    at_cap = replace(AUDIT, floor=5.2)
    assert "stands at that cap" in member_text.cap_sentence([AUDIT, at_cap], [at_cap])
    assert "1,000 canaries" in member_text.cap_sentence([AUDIT], [])


def test_only_what_chance_does_not_explain_is_called_more_exposed() -> None:
    overall = Share(successes=210, trials=10_000)
    alike = [_tested(52, "a", 2500), _tested(53, "b", 2500)]
    assert "No group stands out" in member_text.exposed_sentence(alike, overall)
    # 99.75 % of an interval of ten groups still holds what 95 % would leave out.
    groups = [_tested(66, "edge", 2500), *(_tested(52, str(k), 2500) for k in range(9))]
    low, _ = groups[0].found[USUAL].interval
    groups_alone = member_text.exposed_sentence(groups[:1], overall)
    assert ("More exposed" in groups_alone) == (low > overall.value)
    assert "No group stands out" in member_text.exposed_sentence(groups, overall)
    words = member_text.exposed_sentence([_tested(150, "c", 2500), *alike, _tested(5, "d", 2500)], overall)
    assert "More exposed than all together: c." in words
    assert "Less exposed: d." in words


@pytest.mark.parametrize("before", [1000, 10, 2])
def test_the_posterior_is_counted_out_in_people(before: int) -> None:
    # Of a million people, so many in it and so many not: count the accused.
    inside, outside = Fraction(10**6, before), 10**6 - Fraction(10**6, before)
    right, wrong = inside * Fraction(21, 1000), outside * Fraction(1, 100)
    assert member_text.posterior(1 / before, 0.021, 0.01) == pytest.approx(float(right / (right + wrong)), rel=1e-12)


def test_the_odds_are_told_as_guess_measured_and_limit() -> None:
    guess, measured, proven = member_text.odds_rows(_exposure(), 0.1, USUAL)
    assert guess[1] == "10"
    assert measured[1].startswith("19 (")
    assert proven[1] == "at most 65"
    assert "nothing is promised" in member_text.odds_rows(_exposure(noise=0.0, limit=(1.0, 1.0)), 0.1, USUAL)[2][2]
    assert "19 were really in it" in member_text.odds_sentence(_exposure(), 10, USUAL)
    assert member_text.accused(0.004) == "0.4"
    assert member_text.accused_at_most(0.004) == 1


def test_a_link_carries_the_view_and_refuses_the_rest_by_name() -> None:
    view = MemberView(axes="linear", alarm="0.1", before="1000")
    sent = {name: [value] for name, value in link_parameters(view).items()}
    assert read_link(sent, MemberView()) == (view, [])
    assert link_parameters(MemberView()) == {}
    kept, problems = read_link({"axes": ["<b>"], "alarm": ["1", "1"], "before": ["1e9"]}, MemberView())
    assert kept == MemberView()
    assert [p.split(" must ")[0] for p in problems] == [f"In the link: {name}" for name in ("axes", "alarm", "before")]
