"""Per-sample gradients of single parameters, and what collects them during a backward pass.

Shapes: n records, v views of each (augmented copies, side by side along the first dimension), m = n·v. A layer's input
is seen as L positions of K values and its output gradient as L positions of C values, so that a record's gradient of
the weights is the C × K product of the two, summed over views and positions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

#: Multiplications that cost as much as writing and twice reading one number of a gradient kept per record.
_MULTIPLICATIONS_PER_NUMBER = 15


class UnsupportedLayer(Exception):
    """A parameter is used by an operation without a rule, or in a way that hides the records."""


@dataclass(frozen=True, kw_only=True)
class KeptGradient:
    """Gradients of one parameter, one for each record."""

    #: (n, *any order of the parameter's axes)
    gradient: Tensor
    #: Brings a weighted sum into the parameter's shape.
    arrange: Callable[[Tensor], Tensor]
    #: Their squared norms (n,), where they are known.
    squared: Tensor | None = None

    def squared_norm(self) -> Tensor:
        """Returns (n,)."""
        if self.squared is not None:
            return self.squared
        return torch.linalg.vector_norm(self.gradient.flatten(1), dim=1).square()

    def weighted_sum(self, factor: Tensor) -> Tensor:
        """Returns Σ factor·gradient over the records, factor (n,), in the parameter's shape."""
        return self.arrange(factor @ self.gradient.flatten(1))


@dataclass(frozen=True, kw_only=True)
class FactoredGradient:
    """The same, never written out: the products of inputs (n, L, K) and output gradients (n, L, C).

    Norms need only the inner products between positions (Goodfellow 2015; Li et al. 2022, "Large language models can
    be strong differentially private learners", for L > 1); the weighted sum is one product (Bu et al. 2023).
    """

    inputs: Tensor
    outputs: Tensor
    arrange: Callable[[Tensor], Tensor]

    def squared_norm(self) -> Tensor:
        """Returns (n,)."""
        of_inputs = self.inputs @ self.inputs.transpose(1, 2)  # (n, L, L)
        of_outputs = self.outputs @ self.outputs.transpose(1, 2)
        return (of_inputs * of_outputs).sum(dim=(1, 2)).clamp_min(0.0)

    def kept(self) -> KeptGradient:
        """Returns the gradients written out."""
        return KeptGradient(gradient=torch.bmm(self.outputs.transpose(1, 2), self.inputs), arrange=self.arrange)

    def weighted_sum(self, factor: Tensor) -> Tensor:
        """Returns Σ factor·gradient over the records, factor (n,), in the parameter's shape."""
        weighted = (self.outputs * factor[:, None, None]).flatten(0, 1)  # (n·L, C)
        return self.arrange((weighted.T @ self.inputs.flatten(0, 1)).flatten())


def channels_last(x: Tensor) -> Tensor:
    """Returns the same numbers; images (m, channels, h, w) with channels last in memory, as the rules want them."""
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x.contiguous()


Gradient = KeptGradient | FactoredGradient


@dataclass(frozen=True, kw_only=True)
class Recorder:
    """Collects the gradients of one backward pass."""

    #: n, v of the chunk.
    records: int
    views: int
    found: list[tuple[Tensor, Gradient]]

    def check(self, x: Tensor) -> None:
        """Raises UnsupportedLayer unless the first dimension of a layer's input is that of the views."""
        if len(x) != self.records * self.views:
            raise UnsupportedLayer

    def add_product(self, weight: Tensor, inputs: Tensor, outputs: Tensor, arrange: Callable[[Tensor], Tensor]) -> None:
        """Adds the gradient of a weight from inputs (m, L, K) and output gradients (m, L, C)."""
        # Detached: an input that still knew its history would hold this recorder, which holds the input, for ever.
        inputs, outputs = self.by_record(inputs).detach(), self.by_record(outputs).detach()
        positions, (k, c) = inputs.shape[1], (inputs.shape[2], outputs.shape[2])
        factored = FactoredGradient(inputs=inputs, outputs=outputs, arrange=arrange)
        self.found.append((weight, factored if factored_is_cheaper(positions, k, c) else factored.kept()))

    def add_sum(self, parameter: Tensor, per_view: Tensor) -> None:
        """Adds the gradient of a bias or scale from its values for each view (m, C)."""
        summed = per_view.view(self.records, self.views, -1).sum(1) if self.views > 1 else per_view
        self.found.append((parameter, KeptGradient(gradient=summed, arrange=lambda s: s.view_as(parameter))))

    def by_record(self, of_views: Tensor, records: int | None = None) -> Tensor:
        """Returns (m, L, …) as (n, v·L, …), of all records or of a block of so many."""
        return of_views.reshape(records or self.records, -1, of_views.shape[-1])


def factored_is_cheaper(positions: int, k: int, c: int) -> bool:
    """Returns whether norms by inner products cost less than writing C × K numbers a record."""
    return positions * positions * (k + c) < _MULTIPLICATIONS_PER_NUMBER * k * c
