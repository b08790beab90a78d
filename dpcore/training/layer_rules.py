"""Layers that record their per-sample gradients while one ordinary backward pass runs over a whole chunk.

Shapes as in `recorder`. Images lie in memory channels last: then all views and positions of a record are one block.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from dpcore.training.recorder import KeptGradient, Recorder, channels_last, factored_is_cheaper

_convolution_backward = torch.ops.aten.convolution_backward.default

#: Unfolded inputs are made and used in blocks of this size on a CPU, so that they stay in its cache.
_BLOCK_BYTES = 1 << 20
#: Convolutions over more positions are left to the library, record by record: unfolded, one record fills the cache.
_MOST_UNFOLDED = 2048
_INPUT, _WEIGHT = [True, False, False], [False, True, False]


class UnsupportedLayer(Exception):
    """A parameter is used by an operation without a rule here."""


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, recorder: Recorder, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.recorder, ctx.weight, ctx.bias = recorder, weight, bias
        ctx.save_for_backward(x)
        return F.linear(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (g,), (x,), weight = gradients, ctx.saved_tensors, ctx.weight
        outputs = g.reshape(len(g), -1, g.shape[-1])  # (m, L, C)
        ctx.recorder.add_product(weight, x.reshape(len(x), -1, x.shape[-1]), outputs, lambda s: s.view_as(weight))
        if ctx.bias is not None:
            ctx.recorder.add_sum(ctx.bias, outputs.sum(1))
        return None, g @ weight if ctx.needs_input_grad[1] else None, None, None


@dataclass(frozen=True, kw_only=True)
class _Geometry:
    """How a convolution's kernel moves."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]

    def unfold(self, x: Tensor) -> Tensor:
        """Returns (m, L, K = kernel height × kernel width × channels) for x (m, channels, h, w)."""
        windows = self.windows(self.pad(x))
        m, out_h, out_w, *of_kernel = windows.shape
        return windows.reshape(m, out_h * out_w, math.prod(of_kernel))

    def pad(self, x: Tensor, *, into: Tensor | None = None) -> Tensor:
        """Returns x within its border of zeros, (m, h, w, channels); `into` is a buffer that has the border already."""
        (ph, pw), (m, c, h, w) = self.padding, x.shape
        last = x.permute(0, 2, 3, 1)
        if not ph and not pw:
            return last.contiguous()
        padded = x.new_zeros(m, h + 2 * ph, w + 2 * pw, c) if into is None else into[:m]
        padded[:, ph : ph + h, pw : pw + w].copy_(last)
        return padded

    def windows(self, padded: Tensor) -> Tensor:
        """Returns what the kernel sees, (m, out h, out w, kernel h, kernel w, channels), as a view."""
        (kh, kw), (sh, sw), (dh, dw) = self.kernel, self.stride, self.dilation
        m, height, width, c = padded.shape
        out_h, out_w = (height - dh * (kh - 1) - 1) // sh + 1, (width - dw * (kw - 1) - 1) // sw + 1
        shape = (m, out_h, out_w, kh, kw, c)
        strides = (height * width * c, sh * width * c, sw * c, dh * width * c, dw * c, 1)
        return padded.as_strided(shape, strides)

    def backward(self, g: Tensor, x: Tensor, weight: Tensor, *, which: list[bool]) -> Tensor:
        """Returns the gradient of the input or of the weight, summed over the batch, from that of the output."""
        settings = ([len(weight)], self.stride, self.padding, self.dilation, False, [0, 0], 1)
        return _convolution_backward(g, x, weight, *settings, which)[which.index(True)]


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
        _add_convolution(ctx.recorder, weight, x, g, at)
        if ctx.bias is not None:
            ctx.recorder.add_sum(ctx.bias, g.permute(0, 2, 3, 1).flatten(1, 2).sum(1))
        of_input = at.backward(g, x, weight, which=_INPUT) if ctx.needs_input_grad[1] else None
        return None, of_input, None, None, None


def _add_convolution(recorder: Recorder, weight: Tensor, x: Tensor, g: Tensor, geometry: _Geometry) -> None:
    c, channels, kh, kw = weight.shape
    outputs = recorder.by_record(g.permute(0, 2, 3, 1).flatten(1, 2))  # (n, L, C)
    positions, k = outputs.shape[1], channels * kh * kw

    def arrange(flat: Tensor) -> Tensor:
        return flat.view(c, kh, kw, channels).permute(0, 3, 1, 2)

    fits = x.is_cuda or recorder.records * positions * k * x.element_size() <= _BLOCK_BYTES
    if not x.is_cuda and positions > _MOST_UNFOLDED:
        gradient = _by_library(recorder, weight, x, g, geometry)
        recorder.found.append((weight, KeptGradient(gradient=gradient, arrange=arrange)))
    elif fits or factored_is_cheaper(positions, k, c):
        recorder.add_product(weight, geometry.unfold(x), outputs, arrange)
    else:
        gradient, squared = _in_blocks(recorder, x, outputs, geometry)
        recorder.found.append((weight, KeptGradient(gradient=gradient, arrange=arrange, squared=squared)))


def _by_library(recorder: Recorder, weight: Tensor, x: Tensor, g: Tensor, geometry: _Geometry) -> Tensor:
    """Returns (n, C, K) from one call for each record."""
    by_record = zip(g.split(recorder.views), x.split(recorder.views), strict=True)
    gradients = [geometry.backward(outputs, inputs, weight, which=_WEIGHT) for outputs, inputs in by_record]
    return torch.stack([gradient.permute(0, 2, 3, 1).flatten(1) for gradient in gradients])


def _in_blocks(recorder: Recorder, x: Tensor, outputs: Tensor, geometry: _Geometry) -> tuple[Tensor, Tensor]:
    """Returns (n, C, K) from x (m, …) and outputs (n, L, C), and its squared norms (n,).

    One block of records at a time is padded, unfolded and multiplied, in buffers that stay in the cache.
    """
    (n, positions, c), v = outputs.shape, recorder.views
    k = math.prod(geometry.kernel) * x.shape[1]
    size = max(1, _BLOCK_BYTES // (positions * k * x.element_size()))
    padded, unfolded = geometry.pad(torch.zeros_like(x[: size * v])), x.new_empty(size, positions, k)
    kept, norms = x.new_empty(n, c, k), x.new_empty(n)
    blocks = (x.split(size * v), outputs.transpose(1, 2).split(size), kept.split(size), norms.split(size))
    for of_inputs, of_outputs, gradient, norm in zip(*blocks, strict=True):
        seen, inputs = geometry.windows(geometry.pad(of_inputs, into=padded)), unfolded[: len(gradient)]
        inputs.view(seen.shape).copy_(seen)
        torch.bmm(of_outputs, inputs, out=gradient)
        torch.linalg.vector_norm(gradient.flatten(1), dim=1, out=norm)
    return kept, norms.square_()


class _GroupNorm(torch.autograd.Function):
    """The library's backward pass gives only sums over the batch, so it is written out."""

    @staticmethod
    def forward(
        ctx: Any, recorder: Recorder, x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float
    ) -> Tensor:
        ctx.recorder, ctx.weight, ctx.bias = recorder, weight, bias
        m, c, *spatial = x.shape
        y, mean, scale = torch.native_group_norm(x, weight, bias, m, c, math.prod(spatial), groups, eps)
        ctx.save_for_backward(x, mean, scale)  # (m, groups)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (g,), (x, *moments), c = gradients, ctx.saved_tensors, len(ctx.weight)
        seen, outputs = _positions(channels_last(x)), _positions(channels_last(g))  # (m, L, c)
        groups = moments[0].shape[1]
        mean, scale = (of_groups.repeat_interleave(c // groups, dim=1) for of_groups in moments)  # (m, c)
        of_bias = outputs.sum(1)
        of_weight = (outputs * seen).sum(1).addcmul_(mean, of_bias, value=-1).mul_(scale)
        ctx.recorder.add_sum(ctx.weight, of_weight)
        ctx.recorder.add_sum(ctx.bias, of_bias)
        if not ctx.needs_input_grad[1]:
            return None, None, None, None, None, None
        # Through the mean and the variance of each group.
        mix = _group_mean(groups, c, like=x) / outputs.shape[1]
        scaled_weight = scale * ctx.weight
        of_mean = (of_bias * scaled_weight) @ mix
        of_variance = ((of_weight * scaled_weight) @ mix).mul_(scale)
        constant = of_mean.neg_().addcmul_(mean, of_variance).unsqueeze(1)
        of_input = torch.addcmul(constant, outputs, scaled_weight.unsqueeze(1))
        of_input.addcmul_(seen, of_variance.unsqueeze(1), value=-1)
        return None, _from_positions(of_input, like=g), None, None, None, None


def _positions(x: Tensor) -> Tensor:
    """Returns (m, c, …) as (m, L, c); no copy with channels last."""
    return x.movedim(1, -1).reshape(len(x), -1, x.shape[1])


def _from_positions(positions: Tensor, *, like: Tensor) -> Tensor:
    """The inverse."""
    m, c, *spatial = like.shape
    return positions.reshape(m, *spatial, c).movedim(-1, 1)


def _group_mean(groups: int, channels: int, *, like: Tensor) -> Tensor:
    """Returns the (c, c) matrix that gives every channel the mean over the channels of its group."""
    return _cached_group_mean(groups, channels, like.dtype, like.device)


@lru_cache(maxsize=256)
def _cached_group_mean(groups: int, channels: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    size = channels // groups
    return torch.block_diag(*[torch.full((size, size), 1 / size)] * groups).to(dtype=dtype, device=device)


def linear(recorder: Recorder, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`F.linear` that records, for x (m, …, K)."""
    _check_first_dimension(recorder, x)
    return _Linear.apply(recorder, x, weight, bias)


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
    _check_first_dimension(recorder, x)
    if groups != 1 or isinstance(padding, str) or x.dim() != 4:
        raise UnsupportedLayer
    kernel = (weight.shape[2], weight.shape[3])
    geometry = _Geometry(kernel=kernel, stride=_pair(stride), padding=_pair(padding), dilation=_pair(dilation))
    return _Conv2d.apply(recorder, x, weight, bias, geometry)


def group_norm(
    recorder: Recorder,
    x: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """`F.group_norm` with scale and bias that records, for x (m, channels, …)."""
    _check_first_dimension(recorder, x)
    if weight is None or bias is None:
        raise UnsupportedLayer
    return _GroupNorm.apply(recorder, x, num_groups, weight, bias, eps)


def _check_first_dimension(recorder: Recorder, x: Tensor) -> None:
    if len(x) != recorder.records * recorder.views:
        raise UnsupportedLayer


def _pair(value: Any) -> tuple[int, int]:
    return (int(value), int(value)) if isinstance(value, int) else (int(value[0]), int(value[-1]))


#: The rules by the function a module calls.
RULES: dict[Callable[..., Any], Callable[..., Tensor]] = {
    F.linear: linear,
    F.conv2d: conv2d,
    F.group_norm: group_norm,
}
