from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dpcore.datasets import split_by_group

records = st.lists(
    st.tuples(st.integers(-(2**60), 2**60) | st.integers(0, 12), st.integers(0, 1)), min_size=3, max_size=120
).filter(lambda pairs: len({group for group, _ in pairs}) >= 3)


@given(pairs=records, seed=st.integers(0, 2**32))
def test_no_group_is_in_two_parts_and_no_record_is_lost(pairs: list[tuple[int, int]], seed: int) -> None:
    groups, labels = (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
    split = split_by_group(groups, labels, seed=seed)
    parts = (split.train, split.validation, split.test)
    owners = [set(groups[part].tolist()) for part in parts]
    assert not owners[0] & owners[1]
    assert not owners[0] & owners[2]
    assert not owners[1] & owners[2]
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(pairs)))
    assert all(len(part) > 0 for part in parts)


@given(pairs=records, seed=st.integers(0, 2**32))
def test_the_same_input_gives_the_same_split(pairs: list[tuple[int, int]], seed: int) -> None:
    groups, labels = (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
    first, second = (split_by_group(groups, labels, seed=seed) for _ in range(2))
    np.testing.assert_array_equal(first.train, second.train)
    np.testing.assert_array_equal(first.test, second.test)


@given(sizes=st.lists(st.integers(1, 5), min_size=60, max_size=200), seed=st.integers(0, 2**32))
def test_shares_are_met_up_to_one_group(sizes: list[int], seed: int) -> None:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    split = split_by_group(groups, groups % 2, seed=seed)
    for part, share in ((split.train, 0.75), (split.validation, 0.10), (split.test, 0.15)):
        assert abs(len(part) - share * len(groups)) <= 3 * max(sizes)
