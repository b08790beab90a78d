from __future__ import annotations

import numpy as np
import pytest

from dpcore.datasets import split_by_group
from dpcore.errors import InvalidValue


@pytest.fixture(scope="module")
def records() -> tuple[np.ndarray, np.ndarray]:
    """4,000 records of 1–5 a patient; a fifth of the patients is positive."""
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(2000), rng.integers(1, 6, 2000))[:4000]
    return groups, (rng.random(2000) < 0.2).astype(np.int64)[groups]


def test_parts_have_their_share_and_the_same_prevalence(records) -> None:
    groups, labels = records
    split = split_by_group(groups, labels)
    for part, share in ((split.train, 0.75), (split.validation, 0.10), (split.test, 0.15)):
        assert len(part) / len(labels) == pytest.approx(share, abs=0.003)
        assert labels[part].mean() == pytest.approx(labels.mean(), abs=0.01)


def test_the_order_of_the_records_does_not_matter(records) -> None:
    groups, labels = records
    order = np.random.default_rng(4).permutation(len(groups))
    straight, shuffled = split_by_group(groups, labels), split_by_group(groups[order], labels[order])
    np.testing.assert_array_equal(np.sort(order[shuffled.test]), straight.test)


def test_another_seed_gives_another_split(records) -> None:
    groups, labels = records
    first, again, other = (split_by_group(groups, labels, seed=seed).test for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert len(np.intersect1d(first, other)) < 0.5 * len(first)


def test_members_of_small_groups_are_spread_at_random(records) -> None:
    """Neighbouring group numbers must not march through the parts in step."""
    groups, labels = records
    test = np.unique(groups[split_by_group(groups, labels).test])
    assert np.abs(np.corrcoef(np.isin(np.arange(1999), test), np.isin(np.arange(1, 2000), test))[0, 1]) < 0.1


@pytest.mark.parametrize(
    ("groups", "labels"),
    [
        (np.array([1, 1, 2]), np.array([0, 1, 0])),
        (np.array([], dtype=np.int64), np.array([], dtype=np.int64)),
        (np.arange(4), np.zeros(5, np.int64)),
        (np.zeros((3, 3), np.int64), np.zeros((3, 3), np.int64)),
    ],
)
def test_what_cannot_be_split_is_refused(groups: np.ndarray, labels: np.ndarray) -> None:
    with pytest.raises(InvalidValue, match="groups"):
        split_by_group(groups, labels)
