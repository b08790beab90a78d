"""What an optimisation attack minimises: a distance between two gradients plus a prior on pictures, interchangeable.

Shapes: p weights of the network in one vector, n records, c channels, h × w pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

#: Maps the trial gradient (p,) and the observed one (p,) to one number ≥ 0; 0 = they agree.
GradientDistance = Callable[[Tensor, Tensor], Tensor]
#: Maps trial records (n, c, h, w) to one number ≥ 0; smaller = more like a picture.
Regulariser = Callable[[Tensor], Tensor]


def squared_distance(trial: Tensor, observed: Tensor) -> Tensor:
    """Returns ‖trial − observed‖² (Zhu, Liu & Han 2019, equation 4)."""
    return (trial - observed).square().sum()


def cosine_distance(trial: Tensor, observed: Tensor) -> Tensor:
    """Returns 1 − cos(trial, observed), 0 … 2 (Geiping et al. 2020, equation 4): blind to the gradient's length."""
    return 1 - F.cosine_similarity(trial, observed, dim=0)


def no_prior(records: Tensor) -> Tensor:
    """Returns 0: every picture is as good as any other."""
    return records.new_zeros(())


def total_variation(records: Tensor) -> Tensor:
    """Returns the mean absolute difference of neighbouring pixels, down plus across (Geiping et al. 2020, eq. 4)."""
    down, across = records.diff(dim=-2), records.diff(dim=-1)
    return down.abs().mean() + across.abs().mean()


def clipped_gradient(network: nn.Module, records: Tensor, labels: Tensor, *, max_grad_norm: float) -> Tensor:
    """Returns (p,): the sum of the records' clipped cross-entropy gradients, differentiable in the records.

    Differs from `dpcore.training`'s sum only in that: a guess is clipped as its owner would clip it.

    Args:
        network: whose records do not mix.
        records: (n, c, h, w), n ≥ 1; few, since each takes a pass of its own.
        labels: (n,) whole numbers.
        max_grad_norm: clipping norm, L2.
    """
    weights = [p for p in network.parameters() if p.requires_grad]
    total = torch.zeros(())
    for record, label in zip(records.split(1), labels.split(1), strict=True):
        loss = F.cross_entropy(network(record), label)
        parts = torch.autograd.grad(loss, weights, create_graph=records.requires_grad)
        gradient = torch.cat([part.flatten() for part in parts])
        total = total + gradient * (max_grad_norm / gradient.norm().clamp_min(1e-12)).clamp_max(1.0)
    return total


@dataclass(frozen=True, kw_only=True)
class MatchingObjective:
    """Distance of gradients plus weighted prior, as a function of the trial records (n, c, h, w)."""

    network: nn.Module
    #: (p,) what the server received.
    observed: Tensor
    #: (n,)
    labels: Tensor
    max_grad_norm: float
    distance: GradientDistance
    regulariser: Regulariser
    regulariser_weight: float

    def __call__(self, records: Tensor) -> Tensor:
        """Returns one number, differentiable in the records."""
        trial = clipped_gradient(self.network, records, self.labels, max_grad_norm=self.max_grad_norm)
        return self.distance(trial, self.observed) + self.regulariser_weight * self.regulariser(records)
