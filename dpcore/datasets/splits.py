"""Splits that keep all records of a patient or lesion on one side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dpcore.datasets.spec import Split
from dpcore.errors import InvalidValue

#: Share of the records for training, validation and test.
FRACTIONS = (0.75, 0.10, 0.15)
#: The same split for everyone, so that results from different machines can be compared.
SPLIT_SEED = 2024


def split_by_group(groups: NDArray[np.int64], labels: NDArray[np.int64], *, seed: int = SPLIT_SEED) -> Split:
    """Returns a train/validation/test split (about 75/10/15 % of the records) in which no group appears twice.

    Groups are shuffled within strata of equal share of positives, then each goes where most records are missing, so all
    parts have about the same prevalence and, from three groups on, none is empty. Depends on `seed` and on the order of
    the group numbers, not on the order of the records. Raises InvalidValue for fewer than three groups.
    """
    if groups.shape != labels.shape or groups.ndim != 1:
        raise InvalidValue(f"groups and labels must be two equally long lists, but are {groups.shape}, {labels.shape}.")
    numbers, group_of = np.unique(groups, return_inverse=True)
    if len(numbers) < len(FRACTIONS):
        raise InvalidValue(f"groups must be at least {len(FRACTIONS)} different ones to split, but are {len(numbers)}.")
    sizes = np.bincount(group_of)
    prevalence = np.bincount(group_of, weights=labels) / sizes
    shuffled = np.random.default_rng(seed).permutation(len(numbers))
    order = shuffled[np.argsort(prevalence[shuffled], kind="stable")]
    part_of_record = _assign(order, sizes)[group_of]
    train, validation, test = (np.flatnonzero(part_of_record == part) for part in range(len(FRACTIONS)))
    return Split(train=train, validation=validation, test=test)


def _assign(order: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the part of each group: walking in `order`, the part that is least filled relative to its share."""
    filled = np.zeros(len(FRACTIONS))
    part_of_group = np.empty(len(sizes), dtype=np.int64)
    for group in order:
        part = int(np.argmin(filled / FRACTIONS))
        part_of_group[group] = part
        filled[part] += sizes[group]
    return part_of_group
