"""The calculations on the cards, against values worked out by hand or by another path."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from dpcore import claims
from dpcore.__main__ import app
from dpcore.claims.practice import equivalence_card
from dpcore.results.schema import ATTACKS, POINTS, RUNS
from dpcore.results.store import PrecomputedStore, write_manifest


@pytest.fixture
def store(tmp_path: Path) -> PrecomputedStore:
    """A store with three HAM10000 budgets: numbers chosen so that every row can be checked."""
    base = dict.fromkeys(POINTS, 0.0) | {
        "dataset": "ham10000",
        "model": "small_cnn",
        "tost_margin": 0.05,
        "metric": "mcc",
    }
    mcc = {1.0: 0.156, 20.0: 0.3, 1e9: 0.401, np.nan: 0.4}
    points = [base | {"target_epsilon": e, "utility_mean": m, "p_ttest": 0.4, "p_tost": 0.01} for e, m in mcc.items()]
    pd.DataFrame(points)[list(POINTS)].to_parquet(tmp_path / "points.parquet")
    runs = [
        dict.fromkeys(RUNS, 0.0)
        | {"dataset": "ham10000", "model": "small_cnn", "target_epsilon": e, "utility": m + 0.01 * (k - 2)}
        for e, m in mcc.items()
        for k in range(5)
    ]
    pd.DataFrame(runs)[list(RUNS)].to_parquet(tmp_path / "runs.parquet")
    attacks = [
        dict.fromkeys(ATTACKS, 0.0)
        | {
            "dataset": "ham10000",
            "model": "small_cnn",
            "target_epsilon": 1e9,
            "looks": looks,
            "error": error,
            "record": i,
        }
        for looks, errors in ((1, (0.6, 0.7)), (20, (0.05, 0.6)))
        for i, error in enumerate(errors)
    ]
    pd.DataFrame(attacks)[list(ATTACKS)].to_parquet(tmp_path / "attacks.parquet")
    write_manifest(tmp_path, {})
    return PrecomputedStore(folder=tmp_path)


def _lines(name: str) -> dict[str, str]:
    return dict(next(c for c in claims.cards() if c.name == name).lines)


def test_odds_not_probability() -> None:
    lines = _lines("odds")
    assert lines["sure before"] == "50 %: right as often as wrong"
    assert lines["sure afterwards, at most"] == "99.995 %: right 22,026 times for each time wrong"
    assert "impossible" in lines["if being sure itself grew so much"]


def test_what_a_card_finds_needs_no_mathematics() -> None:
    for card in claims.cards():
        assert not re.search(r"e\^|[²·≤≥]|\(0, δ\)|1/N|/\(", card.finding), card.name
    assert sum(bool(card.exact) for card in claims.cards()) >= 4


@pytest.mark.parametrize(("dataset", "tight"), [("HAM10000", 3.45e8), ("MSD Liver", 1.05e7), ("RadImageNet", 5.19e9)])
def test_nominal_budgets_recounted(dataset: str, tight: float) -> None:
    found = {r.dataset: r.tight for r in claims.recounts()}
    assert found[dataset] == pytest.approx(tight, rel=2e-3)


def test_energy_counts_five_once() -> None:
    assert _lines("energy")["8 × 250 W × 96 h × 5"] == "960 kWh"
    assert _lines("energy")["with 5 levels and 5 repetitions"] == "4,800 kWh"


def test_delta_times_n_is_not_small_for_radimagenet() -> None:
    card = next(c for c in claims.cards() if c.name == "delta")
    assert card.outcome == "depends"
    assert card.finding.endswith("not well below for RadImageNet.")


def test_a_persistent_direction_does_better() -> None:
    lines = _lines("persistence")
    assert lines["relaxed, afresh at each step"] == "0.38 %"
    assert lines["relaxed, the same direction"] == "3.59 %"
    assert lines["worst case"] == "5.49 %"


def test_one_record_turns_a_clipped_mean_round() -> None:
    assert _lines("microbatches")["clip the mean: without and with it"] == "1 → -1, moved by 2"


def test_several_images_of_a_patient_are_protected_less() -> None:
    assert _lines("group")["1 image of one patient"] == "ε = 8, worst case 1.22 %"
    assert _lines("group")["3 images of one patient"] == "ε = 42.9, worst case 70.4 %"


def test_every_card_has_a_verdict_and_a_calculation() -> None:
    for card in claims.cards():
        assert card.outcome in claims.OUTCOMES
        assert card.lines, card.name
        assert card.finding.endswith(".")


def test_the_equivalence_card_uses_our_runs(store: PrecomputedStore) -> None:
    card = equivalence_card(store)
    lines = dict(card.lines)
    assert lines["t-test"].endswith("no difference found")
    assert lines["TOST within ± 0.05"].endswith(": shown")
    assert lines["TOST within ± 0.005"].endswith("not shown")


def test_without_runs_the_equivalence_card_says_so(tmp_path: Path) -> None:
    card = claims.cards(PrecomputedStore(folder=tmp_path))[-1]
    assert (card.name, card.outcome) == ("equivalence", "unchecked")
    assert card.finding.startswith("Not tested here.")


def test_measured_rows_depend_and_say_on_what(store: PrecomputedStore) -> None:
    rows = {(r.dataset, r.what): r for r in claims.measured_rows(store)}
    row = rows["HAM10000", "MCC, ε = 1"]
    # The same digits as published: still no "holds", because model and images differ.
    assert row.value == pytest.approx(15.6)
    assert row.outcome == "depends"
    assert "model" in row.reason
    assert "image size" in row.reason
    attack = rows["HAM10000", "images rebuilt, ε = 1e9"]
    assert attack.ours == "0 % from 1 look, 50 % from 20 looks"
    assert rows["MSD Liver", "liver Dice, ε = 1"].outcome == "unchecked"


def test_without_results_nothing_measured_gets_a_verdict() -> None:
    decided = [r for r in claims.rows_without_results() if r.outcome != "unchecked"]
    assert [(r.outcome, r.ours) for r in decided] == [("holds", "at most 0.3 %")]  # Counted, 10 bins of 3,328 images.
    assert "counted, not measured" in decided[0].reason


def test_the_command_prints_json(store: PrecomputedStore) -> None:
    result = CliRunner().invoke(app, ["claims", "--json", "--out", str(store.folder)])
    assert result.exit_code == 0, result.output
    printed = json.loads(result.output)
    assert set(printed) == {"rows", "radimagenet_epsilon_32", "cards"}
    assert {row["outcome"] for row in printed["rows"]} == {"holds", "depends", "differs", "unchecked"}


def test_the_command_prints_a_table(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["claims", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "unresolved" in result.output


def _adjusted(name: str, **numbers: float) -> tuple[str, dict[str, str]]:
    card = claims.ADJUSTABLE[name](**numbers)
    return card.outcome, dict(card.lines)


def test_a_changed_belief_is_recalculated_as_odds() -> None:
    outcome, lines = _adjusted("odds", prior_percent=10, epsilon=2)
    # Odds 1 : 9 times e² = 7.389 make 0.821, which is 45.1 %.
    assert lines["sure afterwards, at most"] == "45.085 %: wrong 1.22 times for each time right"
    assert outcome == "differs"


def test_where_odds_and_probability_agree_the_claim_holds() -> None:
    assert _adjusted("odds", prior_percent=1, epsilon=0.1)[0] == "holds"


@pytest.mark.parametrize("epsilon", [0.01, 20, 36, 100])
@pytest.mark.parametrize("prior", [1, 50, 99])
def test_no_belief_reads_as_certainty(prior: float, epsilon: float) -> None:
    _, lines = _adjusted("odds", prior_percent=prior, epsilon=epsilon)
    assert not re.match(r"100(\.0*)? %", lines["sure afterwards, at most"])
    assert "inf" not in " ".join(lines.values())


def test_months_add_up_and_one_month_is_one_month() -> None:
    totals = []
    for months in (1, 2, 12, 60):
        outcome, lines = _adjusted("refresh", months=months)
        assert outcome == ("holds" if months == 1 else "differs")
        totals += [float(value.removeprefix("ε = ")) for name, value in lines.items() if name.endswith("all together")]
    assert totals == sorted(totals)
    assert totals[0] == pytest.approx(1, abs=0.01)


def test_one_image_of_a_patient_is_the_promise_and_more_are_not() -> None:
    assert _adjusted("group", images=1) == ("holds", {"1 image of one patient": "ε = 8, worst case 1.22 %"})
    outcome, lines = _adjusted("group", images=7)
    assert outcome == "depends"
    assert list(lines) == [f"{k} image{'s' if k > 1 else ''} of one patient" for k in (1, 2, 3, 5, 7)]


def test_delta_is_judged_for_one_s_own_records() -> None:
    assert claims.ADJUSTABLE["delta"](num_train=1e6).finding.endswith("for RadImageNet and your own.")
    assert _adjusted("delta", delta=1e-9)[0] == "holds"


def test_numbers_left_alone_give_the_card_of_the_command() -> None:
    by_name = {card.name: card for card in claims.cards()}
    for name, make in claims.ADJUSTABLE.items():
        assert make() == by_name[name]
