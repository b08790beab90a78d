"""The clipped gradient sum of DP-SGD, in physical chunks: memory does not grow with the batch.

Where every layer has a rule (`layer_rules`), one ordinary backward pass gives all per-sample gradients; any other model
takes the general way, `torch.func`. Before the first sum the two are compared on random records.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap

from dpcore.training.layerwise import record_gradients
from dpcore.training.objective import Objective
from dpcore.training.recorder import Gradient, KeptGradient, UnsupportedLayer, channels_last

Parameters = dict[str, Tensor]

#: Records on which both ways are compared: an odd number that no other axis of a model is likely to have.
_COMPARED = 3
_LARGEST_DIFFERENCE = 1e-6


@dataclass(frozen=True, kw_only=True)
class ClippedSum:
    """Sum over a batch of per-sample gradients, each of L2 norm at most the clipping norm."""

    gradient: Parameters
    #: Mean unweighted loss over the batch, before the step; NaN for an empty batch.
    loss: float
    #: L2 norms before clipping, (n,).
    norms: Tensor


class PerSampleGradients:
    """Computes the clipped gradient sum of a model. No record moves it by more than the clipping norm.

    Args:
        model: any whose records do not mix; parameters that are not trained are left out.
        objective: losses and weights of records.
        chunk_size: views that are in memory at once; no effect on the result but rounding.
    """

    def __init__(self, model: nn.Module, objective: Objective, *, chunk_size: int = 128) -> None:
        self._model, self._objective, self._chunk_size = model, objective, chunk_size
        self._of_record = vmap(grad_and_value(self._loss_of_record), in_dims=(None, 0, 0), randomness="different")
        #: Whether every layer has a rule; None until the first batch shows the shape of a record.
        self.is_layerwise: bool | None = None

    def clipped_sum(self, records: Tensor, labels: Tensor, *, max_grad_norm: float, views: int = 1) -> ClippedSum:
        """Returns the sum of clipped gradients; a record's gradient is the mean over its views, clipped afterwards.

        Source: Abadi et al. 2016, Algorithm 1, "compute gradient" and "clip gradient"; for several augmented views of
        each record De et al. 2022, section 3.2: one record still moves the sum by at most the clipping norm.

        Args:
            records: (n · views, …), a record's views side by side; n may be 0.
            labels: (n · views, …), as the objective wants them.
            max_grad_norm: clipping norm, L2.
            views: of each record.
        """
        total = {name: torch.zeros_like(p) for name, p in self._parameters().items()}
        norms, losses = [torch.empty(0, device=labels.device)], []
        size = max(1, self._chunk_size // views) * views
        for chunk, chunk_labels in zip(records.split(size), labels.split(size), strict=True):
            if len(chunk):
                norm, loss = self._add_chunk(total, chunk, chunk_labels, max_grad_norm=max_grad_norm, views=views)
                norms.append(norm)
                losses.append(loss)
        mean_loss = float(torch.cat(losses).mean()) if losses else float("nan")
        return ClippedSum(gradient=total, loss=mean_loss, norms=torch.cat(norms))

    def _add_chunk(
        self, total: Parameters, chunk: Tensor, labels: Tensor, *, max_grad_norm: float, views: int
    ) -> tuple[Tensor, Tensor]:
        """Adds to the total in a call of its own, so that a chunk's gradients are gone before the next ones come."""
        gradients, losses = self._gradients(channels_last(chunk), labels, views)
        with torch.no_grad():
            norm = self._add_clipped(total, gradients, labels[::views], max_grad_norm)
        return norm, losses

    def _add_clipped(
        self, total: Parameters, gradients: Mapping[str, Gradient], labels: Tensor, max_grad_norm: float
    ) -> Tensor:
        norm = torch.stack([g.squared_norm() for g in gradients.values()]).sum(dim=0).sqrt()  # (n,)
        factor = self.clip_factor(norm, max_grad_norm)
        factor = factor * self._objective.record_weights(labels).to(factor)
        for name, gradient in gradients.items():
            total[name] += gradient.weighted_sum(factor)
        return norm

    def clip_factor(self, norm: Tensor, max_grad_norm: float) -> Tensor:
        """Returns by how much gradients of those L2 norms (n,) are scaled: min(1, C / norm)."""
        return (max_grad_norm / norm.clamp_min(1e-12)).clamp_max(1.0)

    def _gradients(self, chunk: Tensor, labels: Tensor, views: int) -> tuple[Mapping[str, Gradient], Tensor]:
        if self.is_layerwise is None:
            self.is_layerwise = self._ways_agree(chunk, labels)
        return self._layerwise(chunk, labels, views) if self.is_layerwise else self._generally(chunk, labels, views)

    def _layerwise(self, chunk: Tensor, labels: Tensor, views: int) -> tuple[Mapping[str, Gradient], Tensor]:
        def losses(outputs: Tensor) -> Tensor:
            return self._objective.losses(outputs, labels)

        return record_gradients(self._model, chunk, losses, records=len(chunk) // views)

    def _generally(self, chunk: Tensor, labels: Tensor, views: int) -> tuple[Mapping[str, Gradient], Tensor]:
        by_record = (t.unflatten(0, (-1, views)) for t in (chunk, labels))  # (n, views, …)
        gradients, losses = self._of_record(self._parameters(), *by_record)
        return {name: _kept(g) for name, g in gradients.items()}, losses.detach()

    def _loss_of_record(self, parameters: Parameters, views: Tensor, labels: Tensor) -> Tensor:
        outputs = functional_call(self._model, parameters, (views,))  # (views, …)
        return self._objective.losses(outputs, labels).mean()

    def _parameters(self) -> Parameters:
        return {name: p.detach() for name, p in self._model.named_parameters() if p.requires_grad}

    def _ways_agree(self, chunk: Tensor, labels: Tensor) -> bool:
        """Whether the rules give what the general way gives; no record is looked at.

        In double precision: in single precision rounding alone flips the winner of a max-pool now and then.
        """
        twin = PerSampleGradients(copy.deepcopy(self._model).double(), self._objective)
        generator = torch.Generator().manual_seed(0)
        shape = (_COMPARED, *chunk.shape[1:])
        records = torch.randn(shape, generator=generator, dtype=torch.float64).to(chunk.device)
        like = labels.new_zeros(_COMPARED, *labels.shape[1:])
        try:
            rules, _ = twin._layerwise(channels_last(records), like, 1)
        except UnsupportedLayer:
            return False
        general, _ = twin._generally(records, like, 1)
        return all(
            _difference(rules, general, of_record) <= _LARGEST_DIFFERENCE
            for of_record in torch.eye(_COMPARED, dtype=torch.float64, device=chunk.device)
        )


@torch.no_grad()
def _difference(ours: Mapping[str, Gradient], theirs: Mapping[str, Gradient], factor: Tensor) -> float:
    """The relative difference of two weighted sums over all parameters."""
    one, other = (torch.cat([g[name].weighted_sum(factor).flatten() for name in theirs]) for g in (ours, theirs))
    return float((one - other).norm() / other.norm().clamp_min(1e-300))


def _kept(gradient: Tensor) -> KeptGradient:
    return KeptGradient(gradient=gradient, arrange=lambda s, like=gradient: s.view(like.shape[1:]))  # type: ignore[misc]
