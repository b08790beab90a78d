"""From the scores of shadow models to the rows of `schema.MEMBERSHIP`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dpcore.attacks.membership import MembershipScores, get_lira_scores, get_loss_scores, summarise_scores
from dpcore.datasets.spec import Dataset
from dpcore.results.schema import MEMBERSHIP
from dpcore.sweep.cells import Cell, load_dataset
from dpcore.sweep.work import Rows

#: Smaller groups are left out: 1 % of their non-members would be nobody.
MIN_GROUP = 100


def membership_table(rows: dict[Cell, Rows], data_path: str | None) -> pd.DataFrame:
    """Returns `schema.MEMBERSHIP` from the rows of the finished cells of kind "shadow"."""
    at_budget: dict[tuple[str, float | None], list[dict[str, Any]]] = defaultdict(list)
    for cell, part in rows.items():
        if cell.kind == "shadow":
            at_budget[cell.dataset.name, cell.target_epsilon] += part
    made = [row for (name, _), shadows in at_budget.items() for row in _rows(shadows, load_dataset(name, data_path))]
    return pd.DataFrame(made, columns=list(MEMBERSHIP))


def _rows(shadows: list[dict[str, Any]], dataset: Dataset) -> Iterator[dict[str, Any]]:
    is_member = np.array([s["is_member"] for s in shadows], dtype=bool)  # (shadows, n)
    losses = np.array([s["losses"] for s in shadows])
    confidences = np.array([s["confidences"] for s in shadows])
    common = {
        k: shadows[0][k] for k in ("dataset", "model", "target_epsilon", "noise_multiplier", "sample_rate", "steps")
    }
    attacks = {
        "loss threshold": get_loss_scores(losses, is_member),
        "LiRA": get_lira_scores(confidences, is_member),
    }
    for attack, scores in attacks.items():
        for partition, group, chosen in _groups(dataset):
            yield {
                **common,
                "attack": attack,
                "partition": partition,
                "group": group,
                "shadows": len(shadows),
                **_summary(scores.select(chosen)),
            }


def _groups(dataset: Dataset) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Everybody, the classes, and the subgroups among the training records, each (n,)."""
    train, spec = dataset.split.train, dataset.spec
    yield "all", "all", np.ones(len(train), dtype=bool)
    partitions = {name: values[train] for name, values in dataset.subgroups.items()}
    if not spec.is_segmentation:
        names = np.array([spec.negative_label, spec.positive_label])
        partitions = {"class": names[dataset.labels[train]], **partitions}
    for partition, values in partitions.items():
        for group in np.unique(values):
            chosen = values == group
            if chosen.sum() >= MIN_GROUP:
                yield partition, str(group), chosen


def _summary(scores: MembershipScores) -> dict[str, Any]:
    found = summarise_scores(scores)
    return {
        "members": found.members,
        "non_members": found.non_members,
        "auc": found.auc,
        "auc_low": found.auc_interval[0],
        "auc_high": found.auc_interval[1],
        "true_at_0001": found.at_0001[0],
        "false_at_0001": found.at_0001[1],
        "true_at_001": found.at_001[0],
        "false_at_001": found.at_001[1],
        "roc_fpr": found.roc.fpr.tolist(),
        "roc_tpr": found.roc.tpr.tolist(),
    }
