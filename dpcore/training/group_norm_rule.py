"""The rule of GroupNorm, and of a ReLU after it. Shapes: m views, c channels, L positions, channels last."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from dpcore.training.compiled_group_norm import gradients, normalise
from dpcore.training.compiling import is_compiled, over_records
from dpcore.training.recorder import Recorder, UnsupportedLayer


def group_norm(
    recorder: Recorder,
    x: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """`F.group_norm` with scale and bias that records, for x (m, channels, …)."""
    recorder.check(x)
    if weight is None or bias is None:
        raise UnsupportedLayer
    return _GroupNorm.apply(recorder, x, num_groups, weight, bias, eps)


def relu(x: Tensor, inplace: bool = False) -> Tensor:
    """`F.relu` that takes one backward pass together with the GroupNorm that gave x, if one did."""
    node: Any = x.grad_fn
    is_normalised: bool = type(node) is _GroupNorm._backward_cls
    if inplace or not is_normalised or not is_compiled(x):
        return F.relu(x, inplace=inplace)
    seen, mean, scale = node.saved_tensors
    return _RectifiedGroupNorm.apply(node.recorder, seen, x.detach(), mean, scale, node.weight, node.bias)


class _GroupNorm(torch.autograd.Function):
    """The library's backward pass gives only sums over the batch."""

    @staticmethod
    def forward(
        ctx: Any, recorder: Recorder, x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float
    ) -> Tensor:
        ctx.recorder, ctx.weight, ctx.bias = recorder, weight, bias
        m, c, *spatial = x.shape
        if is_compiled(x):
            y, mean, scale = _channels_last(x), x.new_empty(m, groups), x.new_empty(m, groups)
            over_records(normalise, (_positions(x).contiguous(), _positions(y), mean, scale), weight, bias, eps)
        else:
            y, mean, scale = torch.native_group_norm(x, weight, bias, m, c, math.prod(spatial), groups, eps)
        ctx.save_for_backward(x, mean, scale)  # (m, groups)
        return y

    @staticmethod
    def backward(ctx: Any, *of_outputs: Tensor) -> tuple[Tensor | None, ...]:
        return None, _group_norm_backward(ctx, of_outputs[0], lowest=-math.inf), None, None, None, None


class _RectifiedGroupNorm(torch.autograd.Function):
    """ReLU of a GroupNorm's output y (m, c, …), with one backward pass for both: their cost is reading and writing."""

    @staticmethod
    def forward(
        ctx: Any, recorder: Recorder, x: Tensor, y: Tensor, mean: Tensor, scale: Tensor, weight: Tensor, bias: Tensor
    ) -> Tensor:
        ctx.recorder, ctx.weight, ctx.bias = recorder, weight, bias
        ctx.save_for_backward(x, mean, scale)
        return y.clamp_min(0)

    @staticmethod
    def backward(ctx: Any, *of_outputs: Tensor) -> tuple[Tensor | None, ...]:
        return None, _group_norm_backward(ctx, of_outputs[0], lowest=0.0), None, None, None, None, None


def _group_norm_backward(ctx: Any, g: Tensor, *, lowest: float) -> Tensor:
    """Records the gradients of scale and bias, and returns that of the input; outputs up to `lowest` have none."""
    x, mean, scale = ctx.saved_tensors
    seen, outputs = (_positions(t).contiguous() for t in (x, g))  # (m, L, c)
    if is_compiled(x):
        found = (torch.empty_like(seen), *(x.new_empty(len(x), x.shape[1]) for _ in range(2)))
        over_records(gradients, (seen, outputs, mean, scale, *found), ctx.weight, ctx.bias, lowest)
    else:
        found = _group_norm_gradients(seen, outputs, mean, scale, ctx.weight)
    of_input, of_weight, of_bias = found
    ctx.recorder.add_sum(ctx.weight, of_weight)
    ctx.recorder.add_sum(ctx.bias, of_bias)
    return _from_positions(of_input, like=g)


def _group_norm_gradients(
    x: Tensor, g: Tensor, mean: Tensor, scale: Tensor, weight: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the gradients of the input (m, L, c), the scale and the bias (m, c)."""
    groups, c = mean.shape[1], len(weight)
    mean, scale = (of_groups.repeat_interleave(c // groups, dim=1) for of_groups in (mean, scale))  # (m, c)
    of_bias = g.sum(1)
    of_weight = (g * x).sum(1).addcmul_(mean, of_bias, value=-1).mul_(scale)
    # Through the mean and the variance of each group.
    mix = _group_mean(groups, c, like=x) / g.shape[1]
    scaled_weight = scale * weight
    of_mean = (of_bias * scaled_weight) @ mix
    of_variance = ((of_weight * scaled_weight) @ mix).mul_(scale)
    constant = of_mean.neg_().addcmul_(mean, of_variance).unsqueeze(1)
    of_input = torch.addcmul(constant, g, scaled_weight.unsqueeze(1))
    return of_input.addcmul_(x, of_variance.unsqueeze(1), value=-1), of_weight, of_bias


def _positions(x: Tensor) -> Tensor:
    """Returns (m, c, …) as (m, L, c); no copy with channels last."""
    return x.movedim(1, -1).reshape(len(x), -1, x.shape[1])


def _channels_last(like: Tensor) -> Tensor:
    """Returns an unfilled (m, c, …) with channels last in memory; not a view, so that it may be changed in place."""
    _, c, *spatial = like.shape
    inner = [c * math.prod(spatial[axis + 1 :]) for axis in range(len(spatial))]
    strides = (c * math.prod(spatial), 1, *inner)
    return torch.empty_strided(like.shape, strides, dtype=like.dtype, device=like.device)


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
