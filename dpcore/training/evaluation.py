"""What a model scores on records of a dataset."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dpcore.datasets.spec import Dataset
from dpcore.training.metrics import get_dice_from_outlines, get_utility_from_scores

_CHUNK = 256


def get_scores_from_model(model: nn.Module, dataset: Dataset, index: NDArray[np.int64]) -> dict[str, float]:
    """Returns the scores named in `dataset.spec.metrics`, in that order, on the records `index`."""
    labels = dataset.labels[index]
    if dataset.spec.is_segmentation:
        outlined = _outputs(model, dataset, index).argmax(dim=1).numpy()
        return get_dice_from_outlines(labels, outlined, dataset.spec.structures)
    return asdict(get_utility_from_scores(labels, get_chances_from_model(model, dataset, index), threshold=0.5))


def get_chances_from_model(model: nn.Module, dataset: Dataset, index: NDArray[np.int64]) -> NDArray[np.float32]:
    """Returns the predicted probability of the positive class for those records, (n,)."""
    return _outputs(model, dataset, index).softmax(dim=1)[:, 1].numpy()


def _outputs(model: nn.Module, dataset: Dataset, index: NDArray[np.int64]) -> Tensor:
    device = next(model.parameters()).device
    records = torch.from_numpy(dataset.features[index])
    with torch.no_grad():
        return torch.cat([model(chunk.to(device)).cpu() for chunk in records.split(_CHUNK)])
