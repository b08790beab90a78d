"""From the rows of finished cells to the tables of `precomputed/`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dpcore.privacy import (
    ACCOUNTANTS,
    Accountant,
    DpSgdMechanism,
    PrivacyTarget,
    calibrate,
    get_epsilon_from_mechanism,
    get_trade_off_from_mechanism,
)
from dpcore.results.statistics import get_comparison_from_runs
from dpcore.sweep.plan import SweepPlan


def curve_epsilons(points: int) -> NDArray[np.float64]:
    """Returns about that many nominal budgets from 0.1 to 1e15, two thirds of them below 1e3, where curves rise."""
    rising = 2 * points // 3
    return np.unique(np.concatenate([np.geomspace(0.1, 1e3, rising), np.geomspace(1e3, 1e15, points - rising)]))


def runs_table(rows: list[dict[str, Any]], plan: SweepPlan) -> pd.DataFrame:
    """Returns `schema.RUNS`: the rows with ε spent and estimated energy, a dataset's models in the plan's order."""
    runs = pd.DataFrame(rows)
    for accountant in ACCOUNTANTS:
        runs[f"epsilon_{accountant}"] = [_epsilon_spent(row, accountant) for _, row in runs.iterrows()]
    runs["watt_hours"] = (runs["seconds"] * plan.watts_per_core / 3600).where(runs["device"] == "cpu")
    planned = [(d.name, d.model) for d in plan.datasets]
    runs["place"] = [planned.index(key) for key in zip(runs["dataset"], runs["model"], strict=True)]
    ordered = runs.sort_values(["dataset", "place", "target_epsilon", "seed"], ignore_index=True)
    return ordered.drop(columns="place")


def _epsilon_spent(run: pd.Series, accountant: Accountant) -> float:
    if run["noise_multiplier"] == 0:
        return math.inf
    return get_epsilon_from_mechanism(_mechanism(run), delta=float(run["delta"]), accountant=accountant)


def proven_risks(mechanism: DpSgdMechanism | None, kappa: float) -> dict[str, float]:
    """Returns the proven bounds of a mechanism as probabilities; without DP (None) nothing is proven: all are 1."""
    if mechanism is None:
        return {"worst_case": 1.0, "relaxed": 1.0, "advantage": 1.0}
    worst_case = get_trade_off_from_mechanism(mechanism, tier="worst_case")
    relaxed = get_trade_off_from_mechanism(mechanism, tier="relaxed")
    return {
        "worst_case": float(worst_case.gamma(kappa)),
        "relaxed": float(relaxed.gamma(kappa)),
        "advantage": float(worst_case.advantage),
    }


def points_table(runs: pd.DataFrame, plan: SweepPlan) -> pd.DataFrame:
    """Returns `schema.POINTS`: one row a dataset, model and budget, no DP last."""
    rows = []
    for _, of_model in runs.groupby(["dataset", "model"], sort=False):
        baseline = of_model[of_model["target_epsilon"].isna()]
        rows += [
            _point(runs_at, baseline, plan)
            for _, runs_at in of_model.groupby("target_epsilon", dropna=False, sort=True)
        ]
    return pd.DataFrame(rows)


def _point(runs: pd.DataFrame, baseline: pd.DataFrame, plan: SweepPlan) -> dict[str, Any]:
    first = runs.iloc[0]
    no_dp = math.isnan(first["target_epsilon"])
    kept = ("dataset", "model", "target_epsilon", "delta", "noise_multiplier", "sample_rate", "steps", "epochs")
    scores = ("utility", "balanced_accuracy", "auc", "dice_tumour")
    comparison = get_comparison_from_runs(runs["utility"], baseline["utility"], margin=plan.tost_margin)
    mechanism = None if no_dp else _mechanism(first)
    kappa = 1 / float(first["num_train"])
    return {
        **{key: first[key] for key in (*kept, "num_train", "epsilon_rdp", "epsilon_tight")},
        "seeds": len(runs),
        "metric": first["metric"],
        "device": " and ".join(sorted(set(runs["device"]))),
        **{f"{name}_mean": runs[name].mean() for name in scores},
        # Times of different devices have no common mean.
        "seconds_mean": runs["seconds"].mean() if runs["device"].nunique() == 1 else math.nan,
        "watt_hours_mean": runs["watt_hours"].mean(skipna=False),
        **{f"{name}_sd": runs[name].std(ddof=1) for name in scores},
        "share_of_no_dp": runs["utility"].mean() / baseline["utility"].mean(),
        "p_ttest": math.nan if no_dp else comparison.p_ttest,
        "p_tost": math.nan if no_dp else comparison.p_tost,
        "tost_margin": plan.tost_margin,
        "kappa": kappa,
        **proven_risks(mechanism, kappa),
    }


def _mechanism(row: pd.Series) -> DpSgdMechanism:
    return DpSgdMechanism(
        noise_multiplier=float(row["noise_multiplier"]), sample_rate=float(row["sample_rate"]), steps=int(row["steps"])
    )


def bounds_table(points: pd.DataFrame, plan: SweepPlan) -> pd.DataFrame:
    """Returns `schema.BOUNDS`: the proven curves of each model's training over a fine grid of budgets."""
    rows = []
    for (dataset, model), of_model in points.groupby(["dataset", "model"], sort=False):
        first = of_model.iloc[0]
        for epsilon in curve_epsilons(plan.curve_points):
            target = PrivacyTarget(epsilon=float(epsilon), delta=float(first["delta"]), accountant="rdp")
            mechanism = calibrate(target, sample_rate=float(first["sample_rate"]), steps=int(first["steps"]))
            risks = proven_risks(mechanism, float(first["kappa"]))
            rows.append(
                {
                    "dataset": dataset,
                    "model": model,
                    "epsilon_rdp": get_epsilon_from_mechanism(mechanism, delta=target.delta, accountant="rdp"),
                    "epsilon_tight": get_epsilon_from_mechanism(mechanism, delta=target.delta, accountant="tight"),
                    "noise_multiplier": mechanism.noise_multiplier,
                    "worst_case": risks["worst_case"],
                    "relaxed": risks["relaxed"],
                }
            )
    return pd.DataFrame(rows)
