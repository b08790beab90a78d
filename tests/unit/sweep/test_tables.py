"""Rows of several models and of outlined structures become tables that keep them apart."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dpcore.errors import ResultsUnavailable
from dpcore.results.schema import BOUNDS, POINTS, RUNS, SCORES, TABLES
from dpcore.results.statistics import get_comparison_from_runs
from dpcore.results.store import PrecomputedStore, write_manifest, write_table
from dpcore.sweep.cells import Cell
from dpcore.sweep.plan import DatasetPlan, SweepPlan
from dpcore.sweep.tables import bounds_table, points_table, runs_table
from dpcore.sweep.writing import SweepRows, replace_results
from dpcore.training import TrainingConfig

#: In the plan's order, which is not the alphabet's: the main model comes first.
MODELS = ("small_cnn", "resnet9")
DEVICES = {"small_cnn": "cpu", "resnet9": "A GPU"}


def _dataset(model: str) -> DatasetPlan:
    training = TrainingConfig(
        model=model, epochs=1, expected_batch_size=64, max_grad_norm=1.0, positive_weight=1.0, seed=0
    )
    return DatasetPlan(name="ham10000", training=training)


PLAN = SweepPlan(
    name="two models", epsilons=(8.0,), seeds=3, delta=1e-5, tost_margin=0.05, watts_per_core=10.0, curve_points=10,
    datasets=tuple(_dataset(model) for model in MODELS),
)  # fmt: skip


def _rows(model: str, *, metric: str, start: float) -> list[dict[str, Any]]:
    """Invented runs of which only the mechanism and the scores matter."""
    rows = []
    for seed in range(PLAN.seeds):
        for epsilon, sigma, drop in ((8.0, 1.0, 0.2), (math.nan, 0.0, 0.0)):
            utility = start - drop + 0.01 * seed
            rows.append(
                dict.fromkeys(RUNS, 1.0)
                | dict.fromkeys(SCORES, math.nan)
                | {"dataset": "ham10000", "model": model, "target_epsilon": epsilon, "seed": seed, "delta": 1e-5}
                | {"noise_multiplier": sigma, "sample_rate": 0.1, "steps": 20, "num_train": 1000, "seconds": 360.0}
                | {"device": DEVICES[model]}
                | {"metric": metric, "utility": utility, metric: utility}
                | ({"dice_tumour": utility / 2} if metric == "dice_liver" else {"auc": 0.9})
            )
    return rows


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    """Runs of both models, handed over in the wrong order."""
    made = [*_rows("resnet9", metric="mcc", start=0.8), *_rows("small_cnn", metric="mcc", start=0.5)]
    return runs_table(made, PLAN)


def test_each_model_has_its_own_points_and_its_own_yardstick(runs: pd.DataFrame) -> None:
    points = points_table(runs, PLAN)
    assert points["model"].tolist() == ["small_cnn", "small_cnn", "resnet9", "resnet9"]
    assert points["target_epsilon"].isna().tolist() == [False, True] * 2
    assert points["utility_mean"].tolist() == pytest.approx([0.31, 0.51, 0.61, 0.81])
    assert points["share_of_no_dp"].tolist() == pytest.approx([0.31 / 0.51, 1, 0.61 / 0.81, 1])
    assert points["seeds"].tolist() == [3] * 4
    expected = get_comparison_from_runs([0.3, 0.31, 0.32], [0.5, 0.51, 0.52], margin=0.05)
    assert points["p_ttest"].iloc[0] == pytest.approx(expected.p_ttest)
    assert set(POINTS) <= set(points.columns)


def test_energy_is_estimated_for_a_core_only(runs: pd.DataFrame) -> None:
    points = points_table(runs, PLAN).set_index(["model", "seeds"])
    assert points["device"].loc["small_cnn"].tolist() == ["cpu", "cpu"]
    assert points["watt_hours_mean"].loc["small_cnn"].tolist() == pytest.approx([1.0, 1.0])  # 360 s of 10 W
    assert points["watt_hours_mean"].loc["resnet9"].isna().all()
    assert points["seconds_mean"].loc["resnet9"].tolist() == [360.0, 360.0]


def _finished(folder: Path, wanted: list[DatasetPlan], *, start: float) -> PrecomputedStore:
    """Writes the invented runs of those models into a folder that may hold others."""
    rows = {
        Cell(kind="run", dataset=d, target_epsilon=None, delta=1e-5): _rows(d.model, metric="mcc", start=start)
        for d in wanted
    }
    old = PrecomputedStore(folder=folder)
    replace_results(
        folder, SweepRows(plan=PLAN, wanted=wanted, parts=("training",), data_path=None, rows=rows, old=old)
    )
    return PrecomputedStore(folder=folder)


def test_a_sweep_of_one_model_leaves_the_others_rows(tmp_path: Path) -> None:
    small, large = PLAN.datasets
    before = _finished(tmp_path / "out", [small, large], start=0.5)
    kept = {name: before.table(name, "ham10000", "small_cnn") for name in ("runs", "points", "bounds")}

    after = _finished(tmp_path / "out", [large], start=0.8)
    for name, rows in kept.items():
        pd.testing.assert_frame_equal(after.table(name, "ham10000", "small_cnn"), rows)
    assert after.table("points", "ham10000", "resnet9")["utility_mean"].tolist() == pytest.approx([0.61, 0.81])
    assert set(after.table("bounds")["model"]) == {"small_cnn"}
    facts = after.manifest()["datasets"]["ham10000"]
    assert facts["seeds"] == facts["models"]["resnet9"]["seeds"] == [0, 1, 2]

    again = _finished(tmp_path / "out", [small], start=0.6)
    assert again.models("ham10000") == MODELS  # The main one still comes first.
    assert again.table("points")["utility_mean"].tolist() == pytest.approx([0.41, 0.61, 0.61, 0.81])
    assert again.damaged_files() == []


def test_each_model_has_its_own_curve(runs: pd.DataFrame) -> None:
    bounds = bounds_table(points_table(runs, PLAN), PLAN)
    assert list(dict.fromkeys(bounds["model"])) == list(MODELS)
    assert set(BOUNDS) == set(bounds.columns)


def test_outlines_are_compared_by_dice_and_lack_other_scores() -> None:
    points = points_table(runs_table(_rows("small_cnn", metric="dice_liver", start=0.9), PLAN), PLAN)
    private = points.iloc[0]
    assert private["metric"] == "dice_liver"
    assert private["utility_mean"] == pytest.approx(0.71)
    assert private["dice_tumour_mean"] == pytest.approx(0.355)
    assert np.isnan(private[["auc_mean", "auc_sd", "balanced_accuracy_mean"]].astype(float)).all()
    assert private["share_of_no_dp"] == pytest.approx(0.71 / 0.91)


def test_the_store_gives_one_model_and_names_all(runs: pd.DataFrame, tmp_path: Path) -> None:
    points = points_table(runs, PLAN)
    write_table(tmp_path, "points", points)
    write_table(tmp_path, "runs", runs)
    write_manifest(tmp_path, {})
    store = PrecomputedStore(folder=tmp_path)
    assert store.models("ham10000") == MODELS
    assert set(store.table("runs", "ham10000", "resnet9")["model"]) == {"resnet9"}
    with pytest.raises(ResultsUnavailable, match="no rows for “ham10000” with the model “unet”"):
        store.table("points", "ham10000", "unet")
    assert {"metric", "utility"} <= set(TABLES["runs"])
