"""The owner's side of an optimisation attack: the attacked network and the noisy gradient that leaves the hospital."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from dpcore._validate import non_negative, positive, whole
from dpcore.errors import InvalidValue
from dpcore.training.objective import ClassificationObjective
from dpcore.training.per_sample import PerSampleGradients


class SmoothCnn(nn.Module):
    """Two strided convolutions and a linear layer on all their values: the *attacker-friendly* choice.

    No normalisation, no pooling, a smooth activation and many channels, as in the literature's LeNet with sigmoids
    (Zhu, Liu & Han 2019): every pixel leaves its mark in the gradient, and the gradient is smooth in every pixel. The
    project's own networks keep only the maximum of each map; there these attacks fail even without noise (`python -m
    benchmarks attacks`), so figures on this network overstate what an honest server gets from those.
    """

    def __init__(self, *, record_shape: tuple[int, int, int], num_classes: int = 2, width: int = 32) -> None:
        super().__init__()
        channels, height, pixels = record_shape
        values = width * math.ceil(height / 4) * math.ceil(pixels / 4)
        self.features = nn.Sequential(
            nn.Conv2d(channels, width, 5, stride=2, padding=2),
            nn.Tanh(),
            nn.Conv2d(width, width, 5, stride=2, padding=2),
            nn.Tanh(),
        )
        self.head = nn.Linear(values, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, c, h, w) to logits (n, num_classes)."""
        return self.head(self.features(x).flatten(1))


def build_victim(record_shape: tuple[int, int, int], *, seed: int) -> SmoothCnn:
    """Returns a freshly initialised `SmoothCnn` for two classes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return SmoothCnn(record_shape=record_shape)


def noisy_gradient(
    network: nn.Module,
    records: Tensor,
    labels: Tensor,
    *,
    max_grad_norm: float,
    noise_multiplier: float,
    looks: int = 1,
    seed: int,
) -> dict[str, Tensor]:
    """Returns what DP-SGD releases of a batch: the sum of clipped gradients plus N(0, σ²C²/looks), by parameter name.

    Under weights that stay, the mean of k looks is exactly the gradient plus noise of variance σ²C²/k. The standard
    normal draws depend on the seed alone, so that a curve over σ or looks is not jagged by fresh ones.

    Args:
        network: whose records do not mix.
        records: float32 (n, *record_shape), n ≥ 1.
        labels: (n,) whole numbers.
        max_grad_norm: clipping norm C, L2, > 0.
        noise_multiplier: noise standard deviation / clipping norm, ≥ 0.
        looks: number of averaged releases, ≥ 1.
        seed: of the noise, ≥ 0.

    Raises:
        InvalidValue: if an argument breaks its rule.
    """
    max_grad_norm = positive(max_grad_norm=max_grad_norm)
    noise_std = non_negative(noise_multiplier=noise_multiplier) * max_grad_norm / math.sqrt(whole(looks=looks))
    generator = torch.Generator().manual_seed(whole(0, seed=seed))
    if len(records) == 0 or len(records) != len(labels):
        raise InvalidValue(f"labels must be one for each of at least 1 record, but are {len(labels)}, {len(records)}.")
    objective = ClassificationObjective(class_weights=torch.ones(int(labels.max()) + 1))
    total = PerSampleGradients(network, objective).clipped_sum(records, labels, max_grad_norm=max_grad_norm).gradient
    return {name: g + noise_std * torch.randn(g.shape, generator=generator) for name, g in total.items()}
