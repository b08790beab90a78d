"""Per-sample gradients by `torch.func`, clipped and summed in physical chunks: memory does not grow with the batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap
from torch.nn import functional as F

Parameters = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class ClippedSum:
    """Sum over a batch of per-sample gradients, each of L2 norm at most the clipping norm."""

    gradient: Parameters
    #: Mean unweighted loss over the batch, before the step; NaN for an empty batch.
    loss: float
    #: L2 norms before clipping, (n,).
    norms: Tensor


class PerSampleGradients:
    """Computes the clipped gradient sum of a model's cross-entropy.

    Class weights scale the gradient after clipping and their maximum is 1: inside the clipping they would be undone,
    and the majority class would outvote the minority. No record moves the sum by more than the clipping norm.
    """

    def __init__(self, model: nn.Module, *, class_weights: Tensor, chunk_size: int = 64) -> None:
        self._model = model
        self.class_weights = class_weights / class_weights.max()
        self._chunk_size = chunk_size
        self._chunk_gradients = vmap(grad_and_value(self._loss), in_dims=(None, 0, 0))

    def _loss(self, parameters: Parameters, record: Tensor, label: Tensor) -> Tensor:
        logits = functional_call(self._model, parameters, (record.unsqueeze(0),))  # (1, classes)
        return F.cross_entropy(logits, label.unsqueeze(0))

    def clipped_sum(self, records: Tensor, labels: Tensor, *, max_grad_norm: float) -> ClippedSum:
        """Returns the sum of clipped gradients for records (n, …) and labels (n,); n may be 0.

        Source: Abadi et al. 2016, Algorithm 1, lines "compute gradient" and "clip gradient".
        """
        parameters = {name: p.detach() for name, p in self._model.named_parameters()}
        total = {name: torch.zeros_like(p) for name, p in parameters.items()}
        norms: list[Tensor] = []
        losses: list[Tensor] = []
        for chunk, chunk_labels in zip(records.split(self._chunk_size), labels.split(self._chunk_size), strict=True):
            if not len(chunk):
                continue
            gradients, loss = self._chunk_gradients(parameters, chunk, chunk_labels)  # each (chunk, *parameter shape)
            norm = torch.stack([g.flatten(1).norm(dim=1) for g in gradients.values()]).norm(dim=0)  # (chunk,)
            factor = self.class_weights[chunk_labels] * (max_grad_norm / norm.clamp_min(1e-12)).clamp_max(1.0)
            for name, g in gradients.items():
                total[name] += torch.tensordot(factor, g, dims=1)
            norms.append(norm)
            losses.append(loss)
        return ClippedSum(
            gradient=total,
            loss=float(torch.cat(losses).mean()) if losses else float("nan"),
            norms=torch.cat(norms) if norms else torch.empty(0),
        )
