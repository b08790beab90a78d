"""Scores of a model on its test records: of a classifier from chances and labels (n,), of outlines (n, h, w)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from dpcore.errors import InvalidValue


@dataclass(frozen=True, kw_only=True)
class Utility:
    """How well the model diagnoses."""

    mcc: float
    balanced_accuracy: float
    auc: float


def _rates(labels: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    true_positive = int(np.sum(labels & predicted))
    false_positive = int(np.sum(~labels & predicted))
    false_negative = int(np.sum(labels & ~predicted))
    return true_positive, false_positive, false_negative, len(labels) - true_positive - false_positive - false_negative


def matthews_correlation(labels: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> float:
    """Returns the MCC in [−1, 1]; 0 by convention when all predictions agree (Chicco & Jurman 2020, eq. 5 ff.)."""
    tp, fp, fn, tn = _rates(labels, predicted)
    denominator = float(tp + fp) * float(tp + fn) * float(tn + fp) * float(tn + fn)
    return (float(tp) * tn - float(fp) * fn) / denominator**0.5 if denominator > 0 else 0.0


def area_under_roc(labels: NDArray[np.bool_], scores: NDArray[np.floating]) -> float:
    """Returns the AUC from the rank sum, ties counted half (Mann & Whitney 1947)."""
    positives = int(labels.sum())
    negatives = len(labels) - positives
    rank_sum = float(rankdata(scores)[labels].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def get_utility_from_scores(labels: NDArray[np.int64], scores: NDArray[np.floating], *, threshold: float) -> Utility:
    """Returns all three scores; raises InvalidValue unless both classes occur and every score is finite."""
    positive = labels == 1
    if positive.all() or not positive.any():
        raise InvalidValue("labels must contain both classes, but contain one.")
    if not np.isfinite(scores).all():
        raise InvalidValue("scores must be finite numbers, but some are not: the training diverged.")
    tp, fp, fn, tn = _rates(positive, scores > threshold)
    return Utility(
        mcc=matthews_correlation(positive, scores > threshold),
        balanced_accuracy=(tp / (tp + fn) + tn / (tn + fp)) / 2,
        auc=area_under_roc(positive, scores),
    )


def get_dice_from_outlines(
    truth: NDArray[np.int64], outlined: NDArray[np.int64], structures: tuple[str, ...]
) -> dict[str, float]:
    """Returns the Dice overlap 2·|A ∩ B| / (|A| + |B|) of each structure, the pixels of all records taken together.

    Args:
        truth: (n, h, w), 0 for the background, then the structures in their order.
        outlined: the same, as the model has it.
        structures: names; the keys are "dice_" + name.

    Raises:
        InvalidValue: if a structure is nowhere in the truth.
    """
    dice = {}
    for number, name in enumerate(structures, start=1):
        of_truth, of_model = truth == number, outlined == number
        if not of_truth.any():
            raise InvalidValue(f"labels must show {name} somewhere, but none does.")
        both = np.count_nonzero(of_truth & of_model)
        dice[f"dice_{name}"] = float(2 * both / (np.count_nonzero(of_truth) + np.count_nonzero(of_model)))
    return dice
