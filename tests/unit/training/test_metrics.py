"""Scores of a classifier and of outlines against scikit-learn, and their limits."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from dpcore.errors import InvalidValue
from dpcore.training import get_dice_from_outlines, get_utility_from_scores


@pytest.mark.parametrize("seed", range(5))
def test_all_scores_agree_with_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = (rng.random(300) < 0.2).astype(np.int64)
    scores = np.round(np.clip(rng.normal(0.3 + 0.2 * labels, 0.2), 0, 1), 2)  # rounded: ties occur
    utility = get_utility_from_scores(labels, scores, threshold=0.5)
    assert utility.mcc == pytest.approx(sk.matthews_corrcoef(labels, scores > 0.5))
    assert utility.balanced_accuracy == pytest.approx(sk.balanced_accuracy_score(labels, scores > 0.5))
    assert utility.auc == pytest.approx(sk.roc_auc_score(labels, scores))


def test_a_constant_classifier_is_worth_nothing() -> None:
    utility = get_utility_from_scores(np.array([0, 1, 0, 0]), np.full(4, 0.9), threshold=0.5)
    assert (utility.mcc, utility.balanced_accuracy, utility.auc) == (0.0, 0.5, 0.5)


def test_one_class_or_a_diverged_training_is_an_error_not_a_score() -> None:
    with pytest.raises(InvalidValue, match="labels must contain both classes"):
        get_utility_from_scores(np.ones(4, dtype=np.int64), np.linspace(0, 1, 4), threshold=0.5)
    with pytest.raises(InvalidValue, match="diverged"):
        get_utility_from_scores(np.array([0, 1]), np.array([np.nan, 0.2]), threshold=0.5)


@pytest.mark.parametrize("seed", range(3))
def test_dice_of_each_structure_is_its_f1_score(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, found = (rng.choice(3, p=p, size=(6, 9, 7)) for p in ((0.7, 0.25, 0.05), (0.8, 0.1, 0.1)))
    dice = get_dice_from_outlines(truth, found, ("liver", "tumour"))
    expected = sk.f1_score(truth.ravel(), found.ravel(), labels=[1, 2], average=None)
    assert list(dice) == ["dice_liver", "dice_tumour"]
    assert list(dice.values()) == pytest.approx(list(expected), rel=1e-12)


def test_a_structure_that_is_nowhere_has_no_dice() -> None:
    with pytest.raises(InvalidValue, match="labels must show tumour somewhere, but none does"):
        get_dice_from_outlines(np.ones((2, 3, 3), dtype=int), np.ones((2, 3, 3), dtype=int), ("liver", "tumour"))
