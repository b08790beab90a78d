"""Forwards: utility, the real attack and effort on an invented sweep, whose numbers are known by heart."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from dpcore.errors import ResultsUnavailable
from dpcore.jobs.forecast import DatasetFacts, ModelFacts
from dpcore.planner import Effort, NoBasis, Plan, PlanAnswer, RealisticAttack, UtilityEstimate, answer
from dpcore.planner.basis import get_change_per_doubling
from dpcore.privacy import PrivacyTarget, calibrate
from dpcore.results.store import PrecomputedStore, write_manifest, write_table
from tests.unit.planner.conftest import BATCH, EPOCHS, SPREAD, WITHOUT_DP, N


def plan(**changes: Any) -> Plan:
    same = {
        "name": "as the sweep", "num_train": N, "expected_batch_size": BATCH, "epochs": EPOCHS, "delta": 1e-5,
        "noise_multiplier": 4.0, "dataset": "skin_phantom",
    }  # fmt: skip
    return Plan(**{**same, **changes})


def utility(store: PrecomputedStore, **changes: Any) -> UtilityEstimate:
    found = answer(plan(**changes), store).utility
    assert isinstance(found, UtilityEstimate), found
    return found


def test_a_measured_point_is_met(invented: PrecomputedStore) -> None:
    found = utility(invented)
    assert found.share == pytest.approx(0.5)
    assert found.utility == pytest.approx(0.4)
    assert (found.metric, found.dataset, found.model) == ("mcc", "skin_phantom", "small_cnn")
    assert found.transfer == 0
    variance = SPREAD**2 * (1 + 1 / 5) + (0.5 * SPREAD) ** 2 / 5
    half = stats.t.ppf(0.975, 4) * math.sqrt(variance) / WITHOUT_DP
    assert found.spread == pytest.approx(half)
    assert (found.low, found.high) == pytest.approx((0.5 - half, 0.5 + half))


def test_between_points_shares_lie_on_a_line_over_the_logarithm(invented: PrecomputedStore) -> None:
    # 8 is the geometric middle of 4 and 16, whose shares are 1/2 and 1/4.
    assert utility(invented, noise_multiplier=8.0).share == pytest.approx(0.375)


def test_points_out_of_order_are_made_falling(invented: PrecomputedStore) -> None:
    # 0.64 at σ = 2 and 0.60 at σ = 1: both become their mean.
    assert utility(invented, noise_multiplier=2.0).share == pytest.approx(0.62 / 0.8)
    assert utility(invented, noise_multiplier=1.0).share == pytest.approx(0.62 / 0.8)


def test_noise_counts_relative_to_batch_and_steps(invented: PrecomputedStore) -> None:
    # Twice the batch and a quarter of the steps: σ / (B·√T) is as before.
    found = utility(invented, expected_batch_size=200, epochs=None, steps=100)
    assert found.share == pytest.approx(0.5)
    # Batch differs by one doubling, epochs (20 instead of 40) by one.
    assert found.transfer == pytest.approx(2 * get_change_per_doubling(invented))
    assert found.high - found.share == pytest.approx(found.spread + found.transfer)


def test_the_change_of_a_doubling_is_that_of_the_tuning(invented: PrecomputedStore) -> None:
    # The best clipping norms reach 0.4 and 0.5 in 20 and 40 epochs: a ratio of 0.8, where the model foresees another.
    shares = []
    for steps in (200, 400):
        noise = calibrate(PrivacyTarget(epsilon=8, delta=1e-5), sample_rate=0.1, steps=steps).noise_multiplier
        total = math.log(noise / (BATCH * math.sqrt(steps)))
        ends = [(math.log(2.0 / 2000), 0.775), (math.log(4.0 / 2000), 0.5)]
        (x0, y0), (x1, y1) = ends
        shares.append(min(y0 + (total - x0) / (x1 - x0) * (y1 - y0), 0.775))
    assert get_change_per_doubling(invented) == pytest.approx(abs(0.8 - shares[0] / shares[1]))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"noise_multiplier": 17.0}, "σ = 17"),
        ({"noise_multiplier": 0.2}, "σ = 0.2"),
        ({"num_train": 9000}, "num_train"),
        ({"expected_batch_size": 10}, "expected_batch_size"),
        ({"epochs": 4}, "epochs"),
        ({"dataset": "ham10000"}, "ham10000"),
        ({"model": "resnet9"}, "resnet9"),
        ({"dataset": None}, "No dataset"),
    ],
)
def test_outside_of_what_was_measured_there_is_no_basis(
    invented: PrecomputedStore, changes: dict[str, Any], word: str
) -> None:
    found = answer(plan(**changes), invented).utility
    assert isinstance(found, NoBasis)
    assert word in found.reason
    assert found.reason.endswith(".")


@pytest.mark.parametrize(
    ("noise", "looks", "measured", "rebuilt", "matched"),
    [
        (4.0, 1, 4.0, 0, 0),
        (5.0, 1, 4.0, 0, 0),  # more noise than measured: at most what the noisiest measurement got
        (4.0, 4, 2.0, 0, 0),  # four looks halve the noise, which was measured
        (1.5, 9, 0.5, 1, 2),  # 0.5, measured as σ = 1 in four looks
        (0.9, 4, 0.1, 1, 2),  # 0.45: the next quieter measurement counts
        (0.09, 4, 0.0, 10, 10),  # below all noise: without DP
    ],
)
def test_the_real_attack_is_that_at_the_next_smaller_measured_noise(
    invented: PrecomputedStore, noise: float, looks: int, measured: float, rebuilt: int, matched: int
) -> None:
    found = answer(plan(noise_multiplier=noise, looks=looks), invented).realistic
    assert isinstance(found, RealisticAttack)
    assert found.measured_noise == pytest.approx(measured)
    assert (found.rebuilt.successes, found.rebuilt.trials) == (rebuilt, 10)
    assert found.matched.successes == matched


def test_effort_is_passes_times_records_times_speed(invented: PrecomputedStore) -> None:
    found = answer(plan(num_train=500, epochs=80), invented).effort
    assert isinstance(found, Effort)
    # The sweep took 80 s for 40 passes over 1,000 records, and 0.4 Wh, which is 18 W.
    assert found.seconds == pytest.approx(80.0)
    assert found.watt_hours == pytest.approx(0.4)
    assert found.watts == pytest.approx(18.0)
    assert found.speed_of == "shipped"
    facts = DatasetFacts(
        dataset="skin_phantom", num_train=9, num_validation=9, num_test=9, prevalence=None, attack_seconds=0.0,
        load_seconds=0.0,
        models={"small_cnn": ModelFacts(num_parameters=1, private_seconds_per_view=1e-3, plain_seconds_per_view=1.0)},
    )  # fmt: skip
    here = answer(plan(), invented, facts).effort
    assert isinstance(here, Effort)
    assert (here.seconds, here.speed_of) == (pytest.approx(40.0), "here")


def test_a_training_on_a_gpu_says_nothing_about_a_core(invented: PrecomputedStore, tmp_path: Path) -> None:
    for table in ("points", "tuning", "attacks"):
        rows = invented.table(table)
        gpu = rows.assign(device="A GPU", watt_hours_mean=math.nan) if table == "points" else rows
        write_table(tmp_path, table, gpu)
    write_manifest(tmp_path, {"plan": {}})
    found = answer(plan(num_train=500, epochs=80), PrecomputedStore(folder=tmp_path)).effort
    assert isinstance(found, NoBasis)
    assert "GPU" in found.reason


def test_a_patient_with_one_record_has_that_records_risks(invented: PrecomputedStore) -> None:
    found = answer(plan(), invented)
    assert vars(found.patient) == {**vars(found.record), "level": "patient"}


def test_more_records_of_a_patient_never_lower_a_risk(invented: PrecomputedStore) -> None:
    answers: list[PlanAnswer] = [answer(plan(images_per_patient=k, num_patients=N), invented) for k in (1, 2, 5)]
    for name in ("worst_case", "advantage", "tpr_at_fpr_0_01", "epsilon_rdp", "epsilon_tight", "best_guess_accuracy"):
        risks = [getattr(a.patient, name) for a in answers]
        assert risks == sorted(risks), name
        assert risks[0] < risks[-1], name


def test_a_delta_that_is_no_protection_is_warned_of(invented: PrecomputedStore) -> None:
    assert answer(plan(), invented).warnings == ()
    (near,) = answer(plan(delta=5e-4), invented).warnings
    assert "not well below 1/N" in near
    (above,) = answer(plan(delta=2e-3), invented).warnings
    assert "is above 1/N" in above
    (several,) = answer(plan(images_per_patient=3), invented).warnings
    assert "a patient with 3" in several


def test_missing_results_are_an_error_and_no_answer(tmp_path: Path) -> None:
    with pytest.raises(ResultsUnavailable):
        answer(plan(), PrecomputedStore(folder=tmp_path))
