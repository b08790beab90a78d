"""Words, numbers and charts of the page of reconstruction, and its part of the link."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from dpcore.attacks import DENOISERS
from dpcore.attacks.shown import LIVE_PICTURES
from dpcore.results.exposure import Share
from dpcore.results.intervals import clopper_pearson
from ui import recon_charts, recon_state, recon_table, recon_text
from ui.evidence import Evidence
from ui.finding import find_at_point
from ui.recon_evidence import Outcome, Outcomes, first_rebuilt
from ui.recon_state import ReconView, link_parameters, read_link


def _outcome(errors: list[float], matched: int) -> Outcome:
    share = Share(successes=matched, trials=len(errors))
    return Outcome(errors=np.sort(errors), psnr=20.0, correlation=0.5, matched=share, candidates=len(errors))


@pytest.fixture
def outcomes() -> Outcomes:
    bad, half, good = [0.9] * 10, [0.05] * 5 + [0.4] * 5, [0.01] * 10
    return {
        (1.0, 1): _outcome(bad, 0), (1.0, 20): _outcome(bad, 1), (8.0, 1): _outcome(bad, 1),
        (8.0, 20): _outcome(half, 10), (1e9, 1): _outcome(half, 10), (1e9, 20): _outcome(good, 10),
        (math.inf, 1): _outcome(good, 10), (math.inf, 20): _outcome(good, 10),
    }  # fmt: skip


def _row(**changed: Any) -> dict[str, Any]:
    row = {
        "records": "toy", "attack": "imprint", "side": 128, "batch_size": 1, "num_bins": 10, "looks": 1,
        "denoiser": "none", "attacked": 60, "candidates": 60, "rebuilt_from": 1e6, "matched_from": 8.0,
    }  # fmt: skip
    return {**row, **changed}


def test_frequencies_round_outwards_and_never_to_nothing() -> None:
    assert recon_text.of_thousand((0.0011, 0.0121)) == "1 to 13 of 1,000"
    assert recon_text.at_most_of_thousand(1e-9) == "fewer than 1 of 1,000"
    assert recon_text.at_most_of_thousand(0.0121) == "at most 13 of 1,000"


def test_the_answer_states_both_looks_matching_and_what_it_means(evidence: Evidence) -> None:
    finding = find_at_point(evidence, evidence.points[1], "rdp")
    words = recon_text.summary(finding)
    assert "At ε = 8 (noise σ = 1.2)" in words
    assert "**none of 300** pictures from one look and **none of 300** from all 20 looks" in words
    assert "**1 of 300** times from one look, **12** from all 20 looks" in words
    high = math.ceil(1000 * clopper_pearson(0, 300)[1])
    assert f"Of 1,000 patients like you, that means 0 to {high} rebuilt" in words
    assert "Measured, not proven" in words


def test_no_attack_is_unknown_not_safe(evidence: Evidence, point: Any) -> None:
    words = recon_text.summary(find_at_point(evidence, point(attacks=()), "rdp"))
    assert "nothing is known" in words
    assert "none of" not in words


def test_where_the_published_zero_holds_is_computed(evidence: Evidence, outcomes: Outcomes) -> None:
    finding = find_at_point(evidence, evidence.points[1], "rdp")
    points = recon_text.where_it_holds(finding, outcomes, [_row(side=28, rebuilt_from=8.0), _row()])
    assert "does not hold here" in points[0]
    assert "5 of 10" in points[0]
    assert "from ε = 10⁹ on from one look, from ε = 8 on from all 20 looks" in points[2]
    assert "28-pixel pictures fall from one look from ε = 8 on" in points[3]
    nothing = {key: _outcome([0.9] * 10, 1) for key in outcomes}
    held = recon_text.where_it_holds(finding, nothing, [])
    assert "**holds here**" in held[0]
    assert "never from one look" in held[2]
    assert math.isnan(first_rebuilt(nothing, 1))


def test_whom_a_change_helps() -> None:
    plain, small = _row(), _row(side=28, rebuilt_from=8.0)
    batch, never = _row(batch_size=8, rebuilt_from=math.inf), _row(batch_size=60, rebuilt_from=math.nan)
    assert recon_table.compare(plain, plain) == ""
    assert recon_table.compare(small, plain) == "helps the attacker"
    assert recon_table.compare(batch, plain) == "helps the patient"
    assert recon_table.compare(never, batch) == "helps the patient"
    assert recon_table.compare(batch, never) == "helps the attacker"
    rows = [plain, _row(looks=20, rebuilt_from=1e6), small, batch, never]
    words = recon_table.helps(rows, every=20)
    assert "helps the attacker** (compared with the paper’s setting): smaller pictures, 28 pixels" in words
    assert "batch of 8" in words.split("helps the patient")[1]
    assert recon_table.own_side([*rows, _row(), _row()]) == 128


def test_the_table_counts_budgets_as_the_visitor_does(evidence: Evidence) -> None:
    rows = [_row(rebuilt_from=8.0), _row(looks=20, rebuilt_from=1.0), _row(batch_size=8, rebuilt_from=math.nan)]
    tight = recon_table.table_html(rows, evidence, "tight", every=20)
    assert "ε ≥ 7.2" in tight
    assert "ε ≥ 0.9" in tight
    assert "not even without DP" in tight
    assert recon_table.table_csv(rows).splitlines()[3].split(",")[8] == ""


def test_curves_and_the_layer_over_them(evidence: Evidence, outcomes: Outcomes) -> None:
    drawn = recon_charts.errors_drawn(evidence, outcomes, looks=20, counted="rdp")
    assert drawn.count('<path class="rk-line rc-line-') == 2 * 4  # curves and legend
    finding = find_at_point(evidence, evidence.points[1], "rdp")
    over = recon_charts.errors_over(finding, outcomes, looks=20, eta=0.1)
    assert 'data-line="1"' in over
    assert "5 of 10" in over
    assert "10 of 10" in recon_charts.errors_over(finding, outcomes, looks=20, eta=0.5)
    assert len(recon_charts.errors_table(evidence, outcomes, "rdp")[1]) == len(outcomes)


def test_sizes_are_drawn_where_pictures_appear(evidence: Evidence) -> None:
    rows = [_row(rebuilt_from=math.nan), _row(side=28, rebuilt_from=8.0), _row(side=64, rebuilt_from=math.inf)]
    one, every = recon_charts.measured_appearance(rows, evidence, "tight", every=20)
    assert one.places == ((28, 7.2), (64, math.inf))
    assert every.places == ()
    assert recon_charts.appear_chart([one]).over.count("rk-open") == 1
    moves = recon_charts.appear_cursor(find_at_point(evidence, evidence.points[1], "rdp"), [one])
    assert "28 pixels ε = 7.2" in moves
    assert "rk-open" not in moves


def test_a_link_leads_back_and_hostile_parts_are_named() -> None:
    view = ReconView(looks="five", together=8, side=28, denoise="non-local means", eta=25)
    sent = {name: [word] for name, word in link_parameters(view).items()}
    assert read_link(sent, ReconView()) == (view, [])
    assert link_parameters(ReconView()) == {}
    hostile = {"looks": ["<b>"], "side": ["1e9"], "together": ["1", "8"], "denoise": [""], "eta": ["nan"]}
    kept, problems = read_link(hostile, ReconView())
    assert kept == ReconView()
    assert len(problems) == 5


def test_only_the_paper_s_setting_is_stored() -> None:
    assert ReconView(eta=50).is_stored
    assert ReconView(looks="all").is_stored
    assert not ReconView(looks="five").is_stored
    assert not ReconView(side=64).is_stored
    assert ReconView(looks="all").count_looks(40) == 40


def test_what_is_offered_can_be_computed() -> None:
    assert recon_state.DENOISERS == DENOISERS
    assert max(recon_state.BATCH_SIZES) <= LIVE_PICTURES
