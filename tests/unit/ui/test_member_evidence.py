"""The membership page's numbers, from an invented store whose formula is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from dpcore import datasets
from dpcore.errors import ResultsUnavailable
from dpcore.privacy import DpSgdMechanism, get_trade_off_from_mechanism
from dpcore.results.store import DEFAULT_FOLDER, PrecomputedStore
from tests.invented_membership import BUDGETS, CAP, GROUPS, invent, strength
from ui.evidence import Evidence, collect_evidence
from ui.finding import Finding, find_at_point, find_between_points
from ui.member_audit import audit_chart, audit_rows, audit_table
from ui.member_evidence import (
    RATES,
    STRICT,
    USUAL,
    Audit,
    Exposure,
    collect_audits,
    collect_exposures,
    nearest_audits,
    nearest_exposure,
)
from ui.member_groups import compared, groups_html, groups_rows
from ui.member_roc import GAP, roc_chart, roc_rows, roc_table


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> PrecomputedStore:
    folder = tmp_path_factory.mktemp("invented") / "results"
    return PrecomputedStore(folder=invent(DEFAULT_FOLDER, folder, ["skin_phantom", "msd_liver"]))


@pytest.fixture(scope="module")
def evidence(store: PrecomputedStore) -> Evidence:
    return collect_evidence(store, datasets.spec("skin_phantom"))


@pytest.fixture(scope="module")
def exposures(store: PrecomputedStore, evidence: Evidence) -> tuple[Exposure, ...]:
    return collect_exposures(store, evidence)


@pytest.fixture(scope="module")
def audits(store: PrecomputedStore, evidence: Evidence) -> tuple[Audit, ...]:
    return collect_audits(store, evidence)


def _between(evidence: Evidence, epsilon: float, counted: str = "rdp") -> Finding:
    proof = find_at_point(evidence, evidence.measured[0], "rdp").proof
    return find_between_points(evidence, epsilon, counted, proof)  # type: ignore[arg-type]


def _no_dp(evidence: Evidence) -> Finding:
    return find_at_point(evidence, evidence.no_dp, "rdp")


def test_every_budget_has_both_attacks_all_groups_and_its_own_limit(
    exposures: tuple[Exposure, ...], evidence: Evidence
) -> None:
    assert [e.target_epsilon for e in exposures] == [math.inf if b is None else b for b in BUDGETS]
    for exposure in exposures:
        assert {t.attack for t in exposure.attacks} == {"LiRA", "loss threshold"}
        assert {p: {t.group for t in g} for p, g in exposure.groups.items()} == {
            p: set(g) for p, g in GROUPS.items() if p != "all"
        }
        assert exposure.best(USUAL).attack == "LiRA"
        assert exposure.attacks[0].records == 6000
    at_eight, point = exposures[1], next(p for p in evidence.measured if p.target_epsilon == 8)
    assert at_eight.epsilon("tight") == point.epsilon_tight
    # The proven limit by another path: straight from the mechanism.
    curve = get_trade_off_from_mechanism(
        DpSgdMechanism(noise_multiplier=point.noise_multiplier, sample_rate=point.sample_rate, steps=point.steps)
    )
    assert at_eight.limit[USUAL] == pytest.approx(curve.tpr_at_fpr(USUAL), rel=1e-9)
    assert np.allclose(at_eight.limit_curve, [curve.tpr_at_fpr(float(r)) for r in RATES], rtol=1e-9)
    assert exposures[-1].limit == {STRICT: 1.0, USUAL: 1.0}


def test_the_measured_curve_is_the_formula_of_the_store(exposures: tuple[Exposure, ...]) -> None:
    lira = next(t for t in exposures[1].attacks if t.attack == "LiRA")
    for rate in (0.001, 0.01, 0.3):
        assert lira.found_at(rate) == pytest.approx(float(ndtr(ndtri(rate) + strength(8.0, "LiRA"))), rel=0.02)


def test_the_nearest_measured_budget_is_taken_and_no_dp_only_for_no_dp(
    exposures: tuple[Exposure, ...], audits: tuple[Audit, ...], evidence: Evidence
) -> None:
    asked = {0.1: 1, 2.5: 1, 3: 8, 100: 32, 1e15: 1e9}
    for epsilon, found in asked.items():
        assert nearest_exposure(exposures, _between(evidence, epsilon)).target_epsilon == found
    assert math.isinf(nearest_exposure(exposures, _no_dp(evidence)).target_epsilon)
    with pytest.raises(ResultsUnavailable, match="not measured without DP"):
        nearest_exposure(exposures[:-1], _no_dp(evidence))
    assert nearest_audits(audits, _no_dp(evidence)) == ()
    # Counted tightly, 3.2e5 is the nominal 10⁶.
    (first, second) = nearest_audits(audits, _between(evidence, 3.2e5, "tight"))
    assert first.target_epsilon == second.target_epsilon == 1e6


def test_a_dataset_without_rows_is_refused_by_name(store: PrecomputedStore) -> None:
    other = collect_evidence(store, datasets.spec("breast_cancer"))
    for collect in (collect_exposures, collect_audits):
        with pytest.raises(ResultsUnavailable, match="breast_cancer"):
            collect(store, other)


def test_the_chart_has_curves_limit_gap_and_exact_values(exposures: tuple[Exposure, ...]) -> None:
    for logarithmic in (True, False):
        chart = roc_chart(exposures[1], logarithmic=logarithmic)
        for part in ("rk-line rk-worst", "rk-line mb-lira", "rk-line mb-loss", "rk-line rk-guess", "rk-line mb-gap"):
            assert part in chart.drawn
        assert GAP in chart.drawn
        assert "1 % false alarms: " in chart.over
        assert 'role="img"' in chart.over
        assert "nan" not in chart.drawn
    assert "no limit without DP" in roc_chart(exposures[-1], logarithmic=True).drawn
    assert "scores of members" in roc_table(exposures[1])
    headings, rows = roc_rows(exposures[1])
    assert len(headings) == 3
    assert {row[0] for row in rows} == {"LiRA", "loss threshold", "proven limit"}


def test_the_audit_chart_marks_the_present_budget_and_opens_the_mark_of_a_floor_that_proves_nothing(
    audits: tuple[Audit, ...], evidence: Evidence
) -> None:
    chart = audit_chart(audits, _between(evidence, 5.0))
    assert "ε = 5" in chart.over
    assert chart.over.count("rk-open") == sum(audit.floor == 0 for audit in audits) > 0
    assert "proves nothing" in chart.over
    assert "rk-line mb-cap" in chart.drawn
    assert "nan" not in chart.drawn
    # Both counts of one noise stand at one place of the nominal axis.
    point = next(p for p in evidence.measured if p.target_epsilon == 1e6)
    nominal, tight = (audit_chart(audits, find_at_point(evidence, point, counted)).over for counted in ("rdp", "tight"))
    places = [over.split('rk-cursor rk-middle" style="')[1].split('"')[0] for over in (nominal, tight)]
    assert places[0] == places[1]
    assert "rk-cursor" not in audit_chart(audits, _no_dp(evidence)).over
    assert audit_table(audits).count("<tr>") == len(audits) + 1
    headings, rows = audit_rows(audits)
    assert len(rows) == len(audits)
    assert rows[-1][headings.index("cap")] == CAP


def test_groups_show_their_size_and_flag_the_small_one(exposures: tuple[Exposure, ...]) -> None:
    groups, everybody = compared(exposures[1])
    assert len(groups) == 5
    assert everybody is not None
    shown = groups_html(exposures[1].groups, everybody, noun="image", limit=exposures[1].limit[USUAL])
    assert shown.count("mb-dot") == 6
    assert shown.count("small group") == 1
    assert "250 images" in shown
    # Of a class with an explanation behind a colon only the name is shown.
    assert ">malignant<" in shown
    assert "of any kind" not in shown
    assert len(groups_rows(exposures[1])[1]) == 5


def test_a_segmentation_has_no_classes(store: PrecomputedStore) -> None:
    liver = collect_evidence(store, datasets.spec("msd_liver"))
    assert compared(collect_exposures(store, liver)[0]) == ((), None)
    assert {a.canary for a in collect_audits(store, liver)} == {"gradient"}
