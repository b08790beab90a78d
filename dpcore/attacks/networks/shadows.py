"""Shadow models: each trained on a random half of the training records, with the mechanism of the whole training."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dpcore.datasets.spec import Dataset
from dpcore.training import Training, TrainingConfig
from dpcore.training.loop import Privacy
from dpcore.training.objective import make_objective

_CHUNK = 256
_LEAST_LOSS = 1e-15


def draw_members(num_train: int, shadow: int) -> NDArray[np.bool_]:
    """Returns (n,): which training records that shadow model learns from, each with probability 1/2 on its own."""
    return np.random.default_rng((71, shadow)).random(num_train) < 0.5


def start_shadow(dataset: Dataset, config: TrainingConfig, privacy: Privacy, *, shadow: int) -> Training:
    """Returns the training of one shadow model, not yet run; its `members` tell on which half.

    Records outside the half are never sampled. Sample rate, steps and noise are those of the whole training, so its
    proven bounds hold for each record of the half.
    """
    members = draw_members(len(dataset.split.train), shadow)
    return Training(dataset, dataclasses.replace(config, seed=shadow), privacy, members=members)


def get_losses(model: nn.Module, dataset: Dataset, index: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns the loss (n,) of records: cross-entropy without class weights, for an outline with its Dice term."""
    spec = dataset.spec
    objective = make_objective(num_classes=spec.num_classes, is_segmentation=spec.is_segmentation, positive_weight=1.0)
    device = next(model.parameters()).device
    losses = []
    with torch.no_grad():
        for chunk in np.array_split(index, max(1, len(index) // _CHUNK)):
            outputs = model(torch.from_numpy(dataset.features[chunk]).to(device)).double()
            losses.append(objective.losses(outputs, torch.from_numpy(dataset.labels[chunk]).to(device)).cpu())
    return torch.cat(losses).double().numpy()


def get_confidences(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns logit-scaled confidences log(p / (1 − p)) with p = e^(−loss) (Carlini et al. 2022, equation 4).

    For cross-entropy p is the chance given to the right class; for outlines the same formula makes the losses' spread
    more even.
    """
    return -np.log(np.expm1(np.maximum(losses, _LEAST_LOSS)))
