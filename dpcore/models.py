"""Architectures small enough to train on a laptop; none uses BatchNorm, which mixes records and so has no DP guarantee.

Shapes: n records, c channels, h × w pixels. Every model returns logits of shape (n, num_classes).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dpcore.errors import InvalidValue


class Mlp(nn.Module):
    """Two hidden layers for tabular records."""

    def __init__(self, *, in_features: int, num_classes: int = 2, width: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(in_features, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, num_classes)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, features) to logits."""
        return self.layers(x)


class SmallCnn(nn.Module):
    """Three convolutions with GroupNorm and a global maximum: 15,330 weights for RGB.

    Early strides keep it cheap; the global maximum lets a small lesion speak, which helps most under noise.
    """

    def __init__(self, *, in_channels: int, num_classes: int = 2, width: int = 16) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, width, 5, stride=2, padding=2),
            nn.GroupNorm(4, width),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
            nn.GroupNorm(4, 2 * width),
            nn.ReLU(),
            nn.Conv2d(2 * width, 2 * width, 3, padding=1),
            nn.GroupNorm(4, 2 * width),
            nn.ReLU(),
        )
        self.head = nn.Linear(2 * width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, c, h, w) to logits."""
        maps = self.features(x)  # (n, 2·width, h/4, w/4)
        return self.head(F.adaptive_max_pool2d(maps, 1).flatten(1))


class ScaleNorm(nn.Module):
    """Scale normalisation of residual sums (Klause et al., 2022): one GroupNorm after the shortcut is added."""

    def __init__(self, channels: int, *, groups: int = 8) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Keeps the shape (n, c, h, w)."""
        return self.norm(x)


def _conv_block(channels_in: int, channels_out: int, *, pool: bool) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(channels_in, channels_out, 3, padding=1),
        nn.GroupNorm(min(8, channels_out), channels_out),
        nn.Mish(),
    ]
    return nn.Sequential(*layers, *([nn.MaxPool2d(2)] if pool else []))


class ResNet9(nn.Module):
    """ResNet-9 with GroupNorm and, by default, ScaleNorm after each residual sum, as in Ziller et al. (2024)."""

    def __init__(self, *, in_channels: int, num_classes: int = 2, width: int = 16, scale_norm: bool = True) -> None:
        super().__init__()
        w1, w2, w3 = width, 2 * width, 4 * width
        self.stem = nn.Sequential(_conv_block(in_channels, w1, pool=False), _conv_block(w1, w2, pool=True))
        self.residual1 = nn.Sequential(_conv_block(w2, w2, pool=False), _conv_block(w2, w2, pool=False))
        self.norm1 = ScaleNorm(w2) if scale_norm else nn.Identity()
        self.middle = nn.Sequential(_conv_block(w2, w3, pool=True), _conv_block(w3, w3, pool=True))
        self.residual2 = nn.Sequential(_conv_block(w3, w3, pool=False), _conv_block(w3, w3, pool=False))
        self.norm2 = ScaleNorm(w3) if scale_norm else nn.Identity()
        self.head = nn.Linear(w3, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, c, h, w) with h, w ≥ 8 to logits."""
        x = self.stem(x)  # (n, 2·width, h/2, w/2)
        x = self.norm1(x + self.residual1(x))
        x = self.middle(x)  # (n, 4·width, h/8, w/8)
        x = self.norm2(x + self.residual2(x))
        return self.head(F.adaptive_max_pool2d(x, 1).flatten(1))


#: Builds a model from the shape of one record.
_BUILDERS: dict[str, Callable[[tuple[int, ...]], nn.Module]] = {
    "mlp": lambda shape: Mlp(in_features=shape[0]),
    "small_cnn": lambda shape: SmallCnn(in_channels=shape[0]),
    "resnet9": lambda shape: ResNet9(in_channels=shape[0]),
    "resnet9_group_norm": lambda shape: ResNet9(in_channels=shape[0], scale_norm=False),
}

MODEL_NAMES = tuple(_BUILDERS)


def build_model(name: str, record_shape: tuple[int, ...], *, seed: int) -> nn.Module:
    """Returns a freshly initialised model for records of that shape; raises InvalidValue for an unknown name."""
    if name not in _BUILDERS:
        raise InvalidValue(f"model must be one of {', '.join(MODEL_NAMES)}, but is {name!r}.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _BUILDERS[name](record_shape)
