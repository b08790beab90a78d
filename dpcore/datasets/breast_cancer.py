"""Breast Cancer Wisconsin (Diagnostic): 569 real patients, shipped with scikit-learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dpcore.datasets.spec import AttackRecords, Dataset, DatasetSpec
from dpcore.datasets.splits import split_by_group

SPEC = DatasetSpec(
    name="breast_cancer",
    title="Breast cancer cell nuclei (real patients)",
    kind="tabular",
    synthetic=False,
    record_shape=(30,),
    task="Is this breast mass malignant, judging by 30 measurements of cell nuclei from a fine-needle aspirate?",
    positive_label="malignant",
    negative_label="benign",
    record_noun="patient record",
    group_noun="patient",
    source="Wolberg, Street and Mangasarian: Breast Cancer Wisconsin (Diagnostic), UCI Machine Learning Repository, "
    "1993; 569 patients of the University of Wisconsin",
    url="https://doi.org/10.24432/C5DW2B",
    licence="CC BY 4.0",
    images_may_ship=False,
)

#: Smallest and largest value of each measurement, as printed (rounded) in the data's public description.
#: In the order of scikit-learn: ten means, ten standard errors, ten worst values.
_LOW = np.ravel(
    [
        [6.981, 9.71, 43.79, 143.5, 0.053, 0.019, 0.0, 0.0, 0.106, 0.05],
        [0.112, 0.36, 0.757, 6.802, 0.002, 0.002, 0.0, 0.0, 0.008, 0.001],
        [7.93, 12.02, 50.41, 185.2, 0.071, 0.027, 0.0, 0.0, 0.156, 0.055],
    ]
)
_HIGH = np.ravel(
    [
        [28.11, 39.28, 188.5, 2501.0, 0.163, 0.345, 0.427, 0.201, 0.304, 0.097],
        [2.873, 4.885, 21.98, 542.2, 0.031, 0.135, 0.396, 0.053, 0.079, 0.03],
        [36.04, 49.54, 251.2, 4254.0, 0.223, 1.058, 1.252, 0.291, 0.664, 0.208],
    ]
)
_NUM_ATTACK_RECORDS = 300


def load(data_path: Path | None = None) -> Dataset:  # noqa: ARG001 - the same call for all datasets
    """Returns the 569 patients; each is a group of its own. `data_path` is not used."""
    from sklearn.datasets import load_breast_cancer

    raw = load_breast_cancer()
    labels = (raw.target == 0).astype(np.int64)  # scikit-learn codes malignant as 0
    groups = np.arange(len(labels), dtype=np.int64)
    return Dataset(
        spec=SPEC,
        features=scale(raw.data),
        labels=labels,
        groups=groups,
        split=split_by_group(groups, labels),
    )


def scale(measurements: NDArray[np.float64]) -> NDArray[np.float32]:
    """Returns measurements (n, 30) brought to about −2…4, most near 0, with published constants.

    Mean and standard deviation of the training records would be a look at private data that no budget pays for. The
    ranges used instead are public knowledge. All measurements are sizes with a long upper tail: square roots tame it.
    """
    low, high = np.sqrt(_LOW), np.sqrt(_HIGH)
    position = (np.sqrt(measurements) - low) / (high - low)  # 0 to 1 within the published range
    return ((position - 0.35) * 6).astype(np.float32)


def load_attack_records(data_path: Path | None = None) -> AttackRecords:
    """Returns 300 training records, float32 (300, 30), scaled as in training."""
    dataset = load(data_path)
    chosen = dataset.split.train[:_NUM_ATTACK_RECORDS]
    return AttackRecords(
        name=SPEC.name,
        records=dataset.features[chosen],
        may_show=False,
        source=f"{len(chosen)} training records. {SPEC.source}.",
    )


def describe_copy(data_path: Path | None = None) -> str:  # noqa: ARG001
    """Returns the sentence for the app: this dataset is always there."""
    return "Breast cancer data: comes with the program, nothing to download."
