"""What a training minimises: one loss for each record, and how much a record may weigh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

#: Keeps the Dice loss of a structure that is nowhere in a picture defined: 0 if nothing is outlined.
_DICE_SMOOTHING = 1.0


class Objective(Protocol):
    """Losses (m,) of outputs and labels, each from its own record only, and weights (m,) of at most 1."""

    def losses(self, outputs: Tensor, labels: Tensor) -> Tensor: ...
    def record_weights(self, labels: Tensor) -> Tensor: ...


@dataclass(frozen=True, kw_only=True)
class ClassificationObjective:
    """Cross-entropy. Class weights scale the gradient after clipping, and their maximum is 1.

    Inside the clipping they would be undone, and the majority class would outvote the minority.
    """

    #: (classes,), public knowledge.
    class_weights: Tensor

    def losses(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Returns the cross-entropy (m,) of logits (m, classes) and labels (m,)."""
        return F.cross_entropy(outputs, labels, reduction="none")

    def record_weights(self, labels: Tensor) -> Tensor:
        """Returns (m,), at most 1."""
        return (self.class_weights / self.class_weights.max()).to(labels.device)[labels]


@dataclass(frozen=True, kw_only=True)
class SegmentationObjective:
    """Weighted cross-entropy of the pixels plus the mean soft Dice loss of the structures (Milletari et al. 2016)."""

    #: (classes,), background first, public knowledge.
    class_weights: Tensor

    def losses(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Returns (m,) for logits (m, classes, h, w) and labels (m, h, w)."""
        classes = torch.arange(len(self.class_weights), device=labels.device)[:, None, None]
        truth = (labels.unsqueeze(1) == classes).to(outputs)  # (m, classes, h, w)
        log_chance = outputs.log_softmax(dim=1)
        size, weights = truth.sum(dim=(2, 3)), self.class_weights.to(outputs)  # (m, classes), (classes,)
        cross_entropy = -((truth * log_chance).sum(dim=(2, 3)) @ weights) / (size @ weights)
        chance, of_structures = log_chance[:, 1:].exp(), truth[:, 1:]
        overlap = (chance * of_structures).sum(dim=(2, 3))
        dice = (2 * overlap + _DICE_SMOOTHING) / (chance.sum(dim=(2, 3)) + size[:, 1:] + _DICE_SMOOTHING)
        return cross_entropy + 1 - dice.mean(dim=1)

    def record_weights(self, labels: Tensor) -> Tensor:
        """Returns 1 for every record (m,)."""
        return torch.ones(len(labels), device=labels.device)


def make_objective(*, num_classes: int, is_segmentation: bool, positive_weight: float) -> Objective:
    """Returns the objective in which class 0 weighs 1 and every other class `positive_weight`."""
    weights = torch.tensor([1.0] + [positive_weight] * (num_classes - 1))
    if is_segmentation:
        return SegmentationObjective(class_weights=weights)
    return ClassificationObjective(class_weights=weights)
