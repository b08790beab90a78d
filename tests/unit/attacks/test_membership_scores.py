"""Membership scores and ROC curves, against counting by hand and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from dpcore.attacks.membership import (
    MembershipScores,
    get_lira_scores,
    get_loss_scores,
    get_roc,
    summarise_scores,
    true_positives_at,
)
from dpcore.errors import InvalidValue


def _draw(models: int, records: int, shift: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Confidences of records that differ in difficulty, higher by `shift` under models that know them."""
    draws = np.random.default_rng(seed)
    is_member = draws.random((models, records)) < 0.5
    difficulty = 3 * draws.standard_normal(records)
    return difficulty + shift * is_member + draws.standard_normal((models, records)), is_member


def test_ties_are_never_broken_for_the_attacker() -> None:
    scores, is_member = np.array([2.0, 1.0, 1.0, 1.0, 0.0]), np.array([True, True, False, False, False])
    roc = get_roc(scores, is_member)
    assert roc.fpr.tolist() == pytest.approx([0, 0, 2 / 3, 1])
    assert roc.tpr.tolist() == pytest.approx([0, 0.5, 1, 1])
    # One of three others may be accused; but two share the score 1, so only what lies above it counts.
    assert true_positives_at(scores, is_member, fpr=0.34) == (1, 0)


def test_area_under_the_curve_is_scikit_learns() -> None:
    scores, is_member = _draw(1, 500, 1.0)
    rounded = scores.round(1)  # with many ties
    assert get_roc(rounded, is_member).auc == pytest.approx(roc_auc_score(is_member.ravel(), rounded.ravel()))


def test_at_most_the_allowed_share_is_accused() -> None:
    scores, is_member = _draw(8, 1000, 2.0)
    for rate in (0.001, 0.01, 0.1, 1.0):
        true, false = true_positives_at(scores, is_member, fpr=rate)
        assert false <= rate * (~is_member).sum()
        assert true >= 0


def test_a_thinned_curve_is_never_better_than_the_whole() -> None:
    scores, is_member = _draw(8, 2000, 1.0)
    whole = get_roc(scores, is_member)
    thin = whole.thinned(50)
    assert len(thin.fpr) <= 52
    assert {*zip(thin.fpr, thin.tpr, strict=True)} <= {*zip(whole.fpr, whole.tpr, strict=True)}
    assert (thin.fpr[0], thin.fpr[-1]) == (0, 1)


def test_lira_undoes_the_difficulty_of_records() -> None:
    """Loss alone mixes difficulty with membership; LiRA comes near the best test, of one shift of 1.5 (Φ(1.5/√2))."""
    confidences, is_member = _draw(64, 400, 1.5)
    plain = summarise_scores(get_loss_scores(-confidences, is_member))
    lira = summarise_scores(get_lira_scores(confidences, is_member))
    best = norm.cdf(1.5 / np.sqrt(2))
    assert best - 0.02 < lira.auc < best + 0.01
    assert plain.auc < lira.auc - 0.1
    assert lira.auc_interval[0] < lira.auc < lira.auc_interval[1]


def test_lira_does_not_look_at_its_own_target() -> None:
    confidences, is_member = _draw(6, 50, 1.0)
    changed = is_member.copy()
    changed[2] = ~changed[2]
    before, after = (get_lira_scores(confidences, m).scores[2] for m in (is_member, changed))
    np.testing.assert_array_equal(before, after)


def test_without_a_difference_nobody_is_found() -> None:
    confidences, is_member = _draw(16, 2000, 0.0)
    lira = summarise_scores(get_lira_scores(confidences, is_member))
    assert lira.auc == pytest.approx(0.5, abs=0.02)
    assert lira.at_001[0] / lira.members < 0.02


def test_select_keeps_only_those_records() -> None:
    confidences, is_member = _draw(5, 40, 1.0)
    chosen = np.arange(40) < 10
    part = get_loss_scores(confidences, is_member).select(chosen)
    np.testing.assert_array_equal(part.scores, -confidences[:, :10])


def test_bad_input_is_named() -> None:
    confidences, is_member = _draw(4, 10, 1.0)
    with pytest.raises(InvalidValue, match=r"scores must be of shape \(models, records\)"):
        MembershipScores(scores=confidences[0], is_member=is_member[0])
    with pytest.raises(InvalidValue, match="scores must be numbers, but 40 are NaN"):
        MembershipScores(scores=confidences * np.nan, is_member=is_member)
    with pytest.raises(InvalidValue, match="at least 3 models, but is of 2"):
        get_lira_scores(confidences[:2], is_member[:2])
    with pytest.raises(InvalidValue, match="is_member must hold members and others, but holds 40 and 0"):
        get_roc(confidences, np.ones_like(is_member))
    with pytest.raises(InvalidValue, match="fpr must be"):
        true_positives_at(confidences, is_member, fpr=0.0)
