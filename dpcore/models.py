"""Architectures small enough to train on a laptop; none uses BatchNorm, which mixes records and so has no DP guarantee.

Shapes: n records, c channels, h × w pixels. Classifiers return logits of shape (n, num_classes), the U-Net of shape
(n, num_classes, h, w).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dpcore.errors import InvalidValue
from dpcore.settings.architectures import MODEL_NAMES

#: Groups of every GroupNorm in wide residual networks (De et al. 2022, section 3).
_WIDE_GROUPS = 16


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


class _Mish(torch.autograd.Function):
    """x·tanh(log(1 + eˣ)) and its derivative from a single exponential: n / (n + 2) with n = eˣ·(eˣ + 2)."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        exp = x.clamp(max=20.0).exp_()  # Beyond, Mish is x to the last digit.
        n = (exp + 2).mul_(exp)
        inverse = (n + 2).reciprocal_()
        tanh = n.mul_(inverse)
        slope = (exp + 1).mul_(exp).mul_(inverse).mul_(inverse).mul_(4).mul_(x).add_(tanh)
        return tanh * x, slope

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:  # noqa: ARG004
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(output[1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0] * ctx.saved_tensors[0]


class Mish(nn.Module):
    """`nn.Mish` (Misra 2019), the same numbers to single precision but faster on a CPU."""

    def forward(self, x: Tensor) -> Tensor:
        """Keeps the shape."""
        return _Mish.apply(x)[0]


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
        Mish(),
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


class _WideBlock(nn.Module):
    """GroupNorm, ReLU and convolution, twice, then the shortcut is added: pre-activation (He et al. 2016)."""

    def __init__(self, channels_in: int, channels_out: int, *, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(_WIDE_GROUPS, channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride=stride, padding=1, bias=False)
        self.norm2 = nn.GroupNorm(_WIDE_GROUPS, channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        projects = stride > 1 or channels_in != channels_out
        self.shortcut = nn.Conv2d(channels_in, channels_out, 1, stride=stride, bias=False) if projects else None

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, channels_in, h, w) to (n, channels_out, h/stride, w/stride)."""
        active = F.relu(self.norm1(x))
        residual = self.conv2(F.relu(self.norm2(self.conv1(active))))
        return residual + (x if self.shortcut is None else self.shortcut(active))


class WideResNet(nn.Module):
    """A wide residual network (Zagoruyko & Komodakis 2016) with GroupNorm(16), as De et al. (2022) train it with DP.

    Three stages of (depth − 4) / 6 blocks each, of 16, 32 and 64 channels times `widen`. Weight standardisation, which
    De et al. add, and moving averages of the weights are left out. WRN-40-4 has 8.9 million weights for RGB.
    """

    def __init__(self, *, in_channels: int, num_classes: int = 2, depth: int = 40, widen: int = 4) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        channels = 16
        for stage, width in enumerate((16 * widen, 32 * widen, 64 * widen)):
            for block in range((depth - 4) // 6):
                blocks.append(_WideBlock(channels, width, stride=2 if stage and not block else 1))
                channels = width
        self.stem = nn.Conv2d(in_channels, 16, 3, padding=1, bias=False)
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.GroupNorm(_WIDE_GROUPS, channels)
        self.head = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, c, h, w) with h, w ≥ 4 to logits."""
        maps = self.blocks(self.stem(x))  # (n, 64·widen, h/4, w/4)
        return self.head(F.relu(self.norm(maps)).mean(dim=(2, 3)))


def _twice(channels_in: int, channels_out: int, *, stride: int = 1) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels, step in ((channels_in, stride), (channels_out, 1)):
        layers += [
            nn.Conv2d(channels, channels_out, 2 * step + 1, stride=step, padding=step),
            nn.GroupNorm(min(8, channels_out), channels_out),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """A 2-D U-Net (Ronneberger et al. 2015) with GroupNorm and three resolutions; `width` channels at the finest.

    With `stem_stride` 2 the finest is half that of the picture, and the outlines are scaled up: a quarter of the cost.
    """

    def __init__(self, *, in_channels: int, num_classes: int, width: int, stem_stride: int = 1) -> None:
        super().__init__()
        self.stem_stride = stem_stride
        self.down1 = _twice(in_channels, width, stride=stem_stride)
        self.down2 = _twice(width, 2 * width)
        self.bottom = _twice(2 * width, 4 * width)
        self.up2 = _twice(4 * width + 2 * width, 2 * width)
        self.up1 = _twice(2 * width + width, width)
        self.head = nn.Conv2d(width, num_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, c, h, w), h and w multiples of 4 · stem_stride, to logits (n, num_classes, h, w)."""
        fine = self.down1(x)  # (n, width, h', w') with h' = h / stem_stride
        middle = self.down2(F.max_pool2d(fine, 2))  # (n, 2·width, h'/2, w'/2)
        coarse = self.bottom(F.max_pool2d(middle, 2))  # (n, 4·width, h'/4, w'/4)
        middle = self.up2(torch.cat([F.interpolate(coarse, scale_factor=2.0), middle], dim=1))
        logits = self.head(self.up1(torch.cat([F.interpolate(middle, scale_factor=2.0), fine], dim=1)))
        return scale_up(logits, (x.shape[2], x.shape[3])) if self.stem_stride > 1 else logits


def scale_up(maps: Tensor, size: tuple[int, int], *, by_products: bool | None = None) -> Tensor:
    """Returns maps (n, c, h, w) as (n, c, *size), by bilinear interpolation.

    On a GPU, unless told otherwise, by products with fixed weights: the library's gradient there adds up in any order,
    so that a seed would not give the same model.
    """
    if not (maps.is_cuda if by_products is None else by_products):
        return F.interpolate(maps, size=size, mode="bilinear")
    rows, columns = (_linear_weights(old, new, like=maps) for old, new in zip(maps.shape[2:], size, strict=True))
    return rows @ maps @ columns.T


def _linear_weights(old: int, new: int, *, like: Tensor) -> Tensor:
    """Returns the (new, old) weights of linear interpolation: what it makes of unit vectors."""
    return F.interpolate(torch.eye(old, dtype=like.dtype, device=like.device)[None], size=new, mode="linear")[0].T


#: Builds a model from the shape of one record and the number of classes.
_BUILDERS: dict[str, Callable[[tuple[int, ...], int], nn.Module]] = {
    "mlp": lambda shape, classes: Mlp(in_features=shape[0], num_classes=classes),
    "small_cnn": lambda shape, classes: SmallCnn(in_channels=shape[0], num_classes=classes),
    "resnet9": lambda shape, classes: ResNet9(in_channels=shape[0], num_classes=classes),
    "resnet9_group_norm": lambda shape, classes: ResNet9(in_channels=shape[0], num_classes=classes, scale_norm=False),
    "wrn40_4": lambda shape, classes: WideResNet(in_channels=shape[0], num_classes=classes),
    "small_unet": lambda shape, classes: UNet(in_channels=shape[0], num_classes=classes, width=8, stem_stride=2),
    "unet": lambda shape, classes: UNet(in_channels=shape[0], num_classes=classes, width=16),
}


def build_model(name: str, record_shape: tuple[int, ...], *, seed: int, num_classes: int = 2) -> nn.Module:
    """Returns a freshly initialised model for records of that shape; raises InvalidValue for an unknown name."""
    if name not in _BUILDERS:
        raise InvalidValue(f"model must be one of {', '.join(MODEL_NAMES)}, but is {name!r}.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _BUILDERS[name](record_shape, num_classes)
