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
from dpcore.sweep.plan import DatasetPlan, SweepPlan
from dpcore.sweep.tables import bounds_table, points_table, runs_table
from dpcore.training import TrainingConfig

#: In the plan's order, which is not the alphabet's: the main model comes first.
MODELS = ("small_cnn", "resnet9")


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
