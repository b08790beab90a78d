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
    #: Of a classification: what the classes 1 and 0 mean. Empty for a segmentation.
    positive_label: str = ""
    negative_label: str = ""
    #: Of a segmentation: the outlined structures, label 1 first; label 0 is the background. Empty for a classification.
    structures: tuple[str, ...] = ()
    #: What one record is called: "image" or "patient record".
    record_noun: str
    #: Records that share a group never end up on both sides of a split: "patient" or "lesion".
    group_noun: str
    source: str
    url: str
    licence: str
    #: Whether pictures of its records may be shown and shipped with the project.
    images_may_ship: bool

    @property
    def is_segmentation(self) -> bool:
        """Whether every pixel is labelled rather than the record."""
        return bool(self.structures)

    @property
    def num_classes(self) -> int:
        """Number of classes the model tells apart, the background among them."""
        return len(self.structures) + 1 if self.structures else 2

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the scores a model gets on this task, the one that stands for its utility first."""
        dice = tuple(f"dice_{structure}" for structure in self.structures)
        return dice or ("mcc", "balanced_accuracy", "auc")


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
    #: int64: (n,), 1 for the positive class; or of a segmentation (n, height, width), the class of each pixel.
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
        pixels = self.spec.record_shape[1:] if self.spec.is_segmentation else ()
        if self.labels.shape != (n, *pixels):
            _reject("labels", f"of shape {(n, *pixels)}", self.labels.shape)
        if n and not 0 <= int(self.labels.min()) <= int(self.labels.max()) < self.spec.num_classes:
            raise InvalidValue(f"labels must be whole numbers from 0 to {self.spec.num_classes - 1}, but some are not.")
        for name, values in {"groups": self.groups, **self.subgroups}.items():
            if values.shape != (n,):
                _reject(name, f"of shape {(n,)}", values.shape)


@dataclass(frozen=True, kw_only=True)
class AttackRecords:
    """Records for the reconstruction attack."""

    #: Name of the dataset they come from.
    name: str
    #: uint8, (n, side, side, channels) for images; float32, (n, features), scaled as in training, for tables.
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
