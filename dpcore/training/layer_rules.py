"""Layers that record their per-sample gradients while one ordinary backward pass runs over a whole chunk.

Shapes as in `recorder`. Images lie in memory channels last: then all views and positions of a record are one block.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from dpcore.training.convolution_rule import conv2d
from dpcore.training.group_norm_rule import group_norm
from dpcore.training.recorder import Recorder


def linear(recorder: Recorder, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`F.linear` that records, for x (m, …, K)."""
    recorder.check(x)
    return _Linear.apply(recorder, x, weight, bias)


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


#: The rules by the function a module calls.
RULES: dict[Callable[..., Any], Callable[..., Tensor]] = {
    F.linear: linear,
    F.conv2d: conv2d,
    F.group_norm: group_norm,
}
