"""What a dataset is: its description for people, and its arrays for training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dpcore.errors import InvalidValue


@dataclass(frozen=True, kw_only=True)
class DatasetSpec:
    """Describes a dataset without loading it. All texts are shown to visitors."""

    name: str
    title: str
    kind: Literal["image", "tabular"]
    synthetic: bool
    #: Shape of one record as the model sees it: (channels, height, width) or (features,).
    record_shape: tuple[int, ...]
    #: The diagnostic question, one sentence a clinician understands.
    task: str
    positive_label: str
    negative_label: str
    #: What one record is called: "image" or "patient record".
    record_noun: str
    #: Records that share a group never end up on both sides of a split: "patient" or "lesion".
    group_noun: str
    source: str
    url: str
    licence: str
    #: Whether pictures of its records may be shown and shipped with the project.
    images_may_ship: bool


@dataclass(frozen=True, kw_only=True)
class Split:
    """Indices of the records for training, tuning and testing; no group appears in two of them."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A loaded dataset. n is the number of records."""

    spec: DatasetSpec
    #: float32, (n, *spec.record_shape), scaled with constants that do not depend on the data.
    features: NDArray[np.float32]
    #: int64, (n,), 1 for the positive class.
    labels: NDArray[np.int64]
    #: int64, (n,), who or what the record belongs to.
    groups: NDArray[np.int64]
    split: Split
    #: Named partitions of the records, each (n,): skin tone, sex, ….
    subgroups: dict[str, NDArray[np.str_]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises InvalidValue when the arrays do not belong together."""
        n = len(self.labels)
        if self.features.shape != (n, *self.spec.record_shape):
            _reject("features", f"of shape {(n, *self.spec.record_shape)}", self.features.shape)
        if not np.isfinite(self.features).all():
            raise InvalidValue("features must be finite numbers, but some are not.")
        if not np.isin(self.labels, (0, 1)).all():
            raise InvalidValue("labels must be 0 or 1, but some are not.")
        for name, values in {"groups": self.groups, **self.subgroups}.items():
            if values.shape != (n,):
                _reject(name, f"of shape {(n,)}", values.shape)


@dataclass(frozen=True, kw_only=True)
class AttackRecords:
    """Records for the reconstruction attack."""

    #: Name of the dataset they come from.
    name: str
    #: uint8, (n, 128, 128, 3) for images; float32, (n, features), scaled as in training, for tables.
    records: NDArray[np.uint8] | NDArray[np.float32]
    #: Whether pictures of these records may be shown to anyone and shipped with the project.
    may_show: bool
    #: Where the records come from, one sentence for visitors.
    source: str


@dataclass(frozen=True, kw_only=True)
class DataStatus:
    """Whether a dataset can be loaded here, and one sentence that says so or why not."""

    available: bool
    message: str


def _reject(name: str, rule: str, value: object) -> None:
    raise InvalidValue(f"{name} must be {rule}, but is {value!r}.")
