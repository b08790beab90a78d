"""The rule of convolutions. Shapes as in `recorder`; images lie in memory channels last."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from dpcore.training.compiled_convolution import padded_shape, weight_gradients
from dpcore.training.compiling import Numbers, is_compiled, over_records
from dpcore.training.recorder import (
    KeptGradient,
    Recorder,
    UnsupportedLayer,
    channels_last,
    factored_is_cheaper,
)

_convolution_backward = torch.ops.aten.convolution_backward.default
_ONLY_THE_INPUT = [True, False, False]


def conv2d(
    recorder: Recorder,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """`F.conv2d` that records, for x (m, channels, h, w); raises UnsupportedLayer for groups or padding by name."""
    recorder.check(x)
    if groups != 1 or isinstance(padding, str) or x.dim() != 4:
        raise UnsupportedLayer
    kernel = (weight.shape[2], weight.shape[3])
    geometry = _Geometry(kernel=kernel, stride=_pair(stride), padding=_pair(padding), dilation=_pair(dilation))
    return _Conv2d.apply(recorder, x, weight, bias, geometry)


def _pair(value: Any) -> tuple[int, int]:
    return (int(value), int(value)) if isinstance(value, int) else (int(value[0]), int(value[-1]))


@dataclass(frozen=True, kw_only=True)
class _Geometry:
    """How a convolution's kernel moves."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]

    def unfold(self, x: Tensor) -> Tensor:
        """Returns (m, L, K = kernel height × kernel width × channels) for x (m, channels, h, w)."""
        (ph, pw), (sh, sw), (kh, kw), (dh, dw) = self.padding, self.stride, self.kernel, self.dilation
        padded = F.pad(x, (pw, pw, ph, ph)).permute(0, 2, 3, 1).contiguous()
        m, height, width, c = padded.shape
        out_h, out_w = self.positions(height, width)
        shape = (m, out_h, out_w, kh, kw, c)
        strides = (height * width * c, sh * width * c, sw * c, dh * width * c, dw * c, 1)
        return padded.as_strided(shape, strides).reshape(m, out_h * out_w, kh * kw * c)

    def positions(self, height: int, width: int) -> tuple[int, int]:
        """Returns (out h, out w) for a padded view."""
        (kh, kw), (sh, sw), (dh, dw) = self.kernel, self.stride, self.dilation
        return (height - dh * (kh - 1) - 1) // sh + 1, (width - dw * (kw - 1) - 1) // sw + 1

    def of_input(self, g: Tensor, x: Tensor, weight: Tensor) -> Tensor:
        """Returns the gradient of the input from that of the output."""
        settings = ([len(weight)], self.stride, self.padding, self.dilation, False, [0, 0], 1)
        return _convolution_backward(g, x, weight, *settings, _ONLY_THE_INPUT)[0]


class _Conv2d(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        recorder: Recorder,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        geometry: _Geometry,
    ) -> Tensor:
        ctx.recorder, ctx.weight, ctx.bias, ctx.geometry = recorder, weight, bias, geometry
        ctx.save_for_backward(x)
        y = torch.conv2d(x, weight, bias, geometry.stride, geometry.padding, geometry.dilation)
        # Of pictures with one channel torch cannot tell the order of the axes in memory.
        return y.contiguous(memory_format=torch.channels_last)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (x,), weight, at = ctx.saved_tensors, ctx.weight, ctx.geometry
        g = channels_last(gradients[0])
        _add_convolution(ctx.recorder, weight, ctx.bias, x, g, at)
        of_input = at.of_input(g, x, weight) if ctx.needs_input_grad[1] else None
        return None, of_input, None, None, None


def _add_convolution(
    recorder: Recorder, weight: Tensor, bias: Tensor | None, x: Tensor, g: Tensor, geometry: _Geometry
) -> None:
    c, channels, kh, kw = weight.shape
    outputs = recorder.by_record(g.permute(0, 2, 3, 1).flatten(1, 2)).detach()  # (n, L, C)
    if is_compiled(x) and not factored_is_cheaper(outputs.shape[1], channels * kh * kw, c):
        of_weight, of_bias = _compiled_gradients(recorder, x.detach(), outputs, geometry)
        recorder.found.append((weight, of_weight))
    else:
        recorder.add_product(
            weight, geometry.unfold(x), outputs, lambda s: s.view(c, kh, kw, channels).permute(0, 3, 1, 2)
        )
        of_bias = outputs.sum(1)
    if bias is not None:
        recorder.found.append((bias, KeptGradient(gradient=of_bias, arrange=lambda s: s)))


def _compiled_gradients(
    recorder: Recorder, x: Tensor, outputs: Tensor, geometry: _Geometry
) -> tuple[KeptGradient, Tensor]:
    """Returns the gradients of the weight and the bias' (n, C) from x (m, …) and outputs (n, L, C)."""
    (n, _, c), channels, (kh, kw) = outputs.shape, x.shape[1], geometry.kernel
    runs, offsets = _runs_and_offsets(geometry, tuple(x.shape[1:]), recorder.views)
    k = channels * kh * kw
    shape = padded_shape(k, k // len(runs), c)
    of_weight, squared, of_bias = x.new_empty(n, *shape), x.new_empty(n), x.new_empty(n, c)
    by_record = (x.permute(0, 2, 3, 1).contiguous(), outputs.contiguous(), of_weight, squared, of_bias)
    over_records(weight_gradients, by_record, runs, offsets, geometry.padding, k)

    def arrange(total: Tensor) -> Tensor:
        return total.view(shape)[:k, :c].reshape(kh, kw, channels, c).permute(3, 2, 0, 1)

    return KeptGradient(gradient=of_weight, arrange=arrange, squared=squared), of_bias


@lru_cache(maxsize=256)
def _runs_and_offsets(geometry: _Geometry, shape: tuple[int, ...], views: int) -> tuple[Numbers, Numbers]:
    """Returns where each run of neighbouring weights begins at the first position, and how far each position (L,) is.

    Both within a record's padded views, which are (channels, h, w) before and lie channels last.
    """
    (channels, h, w), (ph, pw) = shape, geometry.padding
    height, width = h + 2 * ph, w + 2 * pw
    (kh, kw), (sh, sw), (dh, dw) = geometry.kernel, geometry.stride, geometry.dilation
    out_h, out_w = geometry.positions(height, width)
    row = width * channels
    starts = np.add.outer(np.arange(kh) * dh * row, np.arange(kw) * dw * channels)
    runs = starts[:, 0] if dw == 1 else starts.ravel()
    first_of_view = np.arange(views) * height * row
    within_view = np.add.outer(np.arange(out_h) * sh * row, np.arange(out_w) * sw * channels)
    return np.ascontiguousarray(runs), np.add.outer(first_of_view, within_view).ravel()
