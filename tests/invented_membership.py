"""A store whose membership and audit results are invented by a formula: what the pages must show, not what is true."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from dpcore.results import store as results
from dpcore.results.exposure import proven_roc

#: Budgets at which membership is measured; None is without DP.
BUDGETS = (1.0, 8.0, 32.0, 1e3, 1e6, 1e9, None)
#: By partition: groups, their records, and how much stronger the attack is on them.
GROUPS = {
    "all": {"all": (6000, 1.0)},
    "class": {"benign": (4800, 0.8), "malignant: of any kind": (1200, 1.7)},
    "skin tone": {"dark": (250, 1.4), "light": (3500, 1.0), "medium": (2250, 1.0)},
}
CAP = 5.2
_SHADOWS = 16
_RATES = np.concatenate([[0.0], np.geomspace(1e-5, 1, 150)])


def invent(shipped: Path, folder: Path, datasets: Sequence[str] | None = None) -> Path:
    """Copies the shipped results with invented membership and audits, under a manifest that fits again."""
    shutil.copytree(shipped, folder)
    points = pd.read_parquet(folder / "points.parquet")
    points = points[points["dataset"].isin(datasets or points["dataset"].unique())]
    rows = points.to_dict("records")
    results.write_table(folder, "membership", pd.DataFrame([r for row in rows for r in _membership(row)]))
    results.write_table(folder, "audits", pd.DataFrame([r for row in rows for r in _audits(row)]))
    facts = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    results.write_manifest(folder, {k: v for k, v in facts.items() if k not in ("files", "schema_version")})
    return folder


def strength(target_epsilon: float | None, attack: str) -> float:
    """The invented attack's shift between members and others, in standard deviations: slowly rising with ε."""
    private = 1.2 if target_epsilon is None else min(1.1, 0.05 * math.log1p(target_epsilon))
    return private * (1.0 if attack == "LiRA" else 0.4)


def _membership(point: dict[str, Any]) -> Iterator[dict[str, Any]]:
    target = None if math.isnan(point["target_epsilon"]) else float(point["target_epsilon"])
    if target not in BUDGETS:
        return
    shared = {k: point[k] for k in ("dataset", "model", "target_epsilon", "noise_multiplier", "sample_rate", "steps")}
    is_outlined = point["metric"] != "mcc"
    limit = proven_roc(point, _RATES)
    for attack in ("loss threshold", "LiRA"):
        for partition, groups in GROUPS.items():
            for group, (records, factor) in {} if is_outlined and partition != "all" else groups.items():
                found = np.minimum(ndtr(ndtri(_RATES) + factor * strength(target, attack)), limit)
                scores = records * _SHADOWS // 2
                counts = {
                    f"{side}_at_{name}": round(scores * share)
                    for rate, name in ((0.001, "0001"), (0.01, "001"))
                    for side, share in (("true", float(np.interp(rate, _RATES, found))), ("false", rate))
                }
                auc = float(np.trapezoid(found, _RATES))
                yield {
                    **shared,
                    "attack": attack,
                    "partition": partition,
                    "group": group,
                    "shadows": _SHADOWS,
                    "members": scores,
                    "non_members": scores,
                    "auc": auc,
                    "auc_low": auc - 0.01,
                    "auc_high": auc + 0.01,
                    **counts,
                    "roc_fpr": _RATES.tolist(),
                    "roc_tpr": found.tolist(),
                }


def _audits(point: dict[str, Any]) -> Iterator[dict[str, Any]]:
    epsilon = float(point["target_epsilon"])
    if math.isnan(epsilon):
        return
    kinds = {"gradient": 0.35} if point["metric"] != "mcc" else {"mislabelled record": 0.03, "gradient": 0.35}
    for canary, factor in kinds.items():
        floor = min(CAP, factor * epsilon) if factor * epsilon > 0.1 else 0.0
        right = 1 / (1 + math.exp(-floor))
        yield {
            **{k: point[k] for k in ("dataset", "model", "target_epsilon", "noise_multiplier", "delta")},
            **{k: point[k] for k in ("epsilon_rdp", "epsilon_tight")},
            "canary": canary,
            "canaries": 1000,
            "guesses": 500,
            "correct": round(500 * right),
            "floor": floor,
            "cap": CAP,
            "seconds": 1.0,
        }
