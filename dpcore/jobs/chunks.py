"""How many views a live training computes at once: few enough to stop it between two chunks, and to keep its memory."""

from __future__ import annotations

import dataclasses
import math

from dpcore.datasets.spec import DatasetSpec
from dpcore.models import build_model
from dpcore.settings import TrainingConfig

_LARGEST = 128
#: About a second of the slowest model that is forecast, the U-Net.
_PIXELS = 2**18
#: Numbers in one chunk's per-sample gradients: 256 MB.
_GRADIENTS = 2**26


def count_weights(model: str, spec: DatasetSpec) -> int:
    """Returns the number of trained weights of a model for a dataset's task."""
    network = build_model(model, spec.record_shape, seed=0, num_classes=spec.num_classes)
    return sum(p.numel() for p in network.parameters())


def in_chunks(config: TrainingConfig, spec: DatasetSpec) -> TrainingConfig:
    """Returns the same training with a chunk size that suits model and records; results change by rounding only."""
    pixels = math.prod(spec.record_shape[1:])  # 1 for the rows of a table.
    size = min(_LARGEST, _PIXELS // pixels, _GRADIENTS // count_weights(config.model, spec))
    return dataclasses.replace(config, chunk_size=max(1, size))
