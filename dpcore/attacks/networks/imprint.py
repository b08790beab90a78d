"""The imprint attack: a malicious server reads a record off the gradient of a layer it planted.

After Fowl et al. (2022, "Robbing the Fed") and Boenisch et al. (2023, "When the curious abandon honesty"), as used by
Ziller et al. (2024) for the realistic attacker. Shapes: d pixels or features of a record, b bins, m gradients.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dpcore._validate import positive, whole

NUM_BINS = 10
# Together they add only ± 0.01 to a pixel, yet multiply the gradient that reaches the bins by 10⁵.
_BIN_BIAS = 1e-8
_SECOND_LAYER_SCALE = 1e5


class ImprintModel(nn.Module):
    """A network with two linear layers planted before it: d values → b bins (ReLU) → d values.

    What reaches the network is record + second layer(bins) + mean of the bins. Threat model: a *malicious* server,
    which chooses architecture, weights and batch size 1, but sees only the clipped, noisy gradient. Its choices:

    - The first layer's weights are 0 and its biases tiny but positive, so every bin is open for every record. A
      gradient does not depend on the weight it belongs to: ∇_{W_i}L = ∂L/∂b_i · record holds at W = 0 as well.
    - All columns of the second layer are the same large random signs, so that all bins carry the same gradient
      (the reader may then simply add them up) and this gradient outgrows that of the whole network. Clipping
      scales everything by one factor, so nearly all of the clipped gradient is the record: see `clip_share`.

    With thresholds, bin i is open only for records whose mean value lies above threshold i, so that the gradients of
    several records, added up, can be told apart (Fowl et al., section 4; `batch.BatchAttack`): its weights are all
    equal, its bias is minus the threshold, both scaled down so that the layers still add next to nothing.

    Args:
        network: maps (n, *record_shape) to logits.
        record_shape: of one record, as the network sees it.
        num_bins: b.
        pixel_offset: subtracted before the first layer. 0 is the published attack. A model that scales its pictures
            to [−1, 1] has an offset of 0.5: less of the clipped gradient is spent on mean brightness, and the attack
            withstands about 3 times the noise.
        seed: of the signs.
        thresholds: one a bin, of the mean value of a record; −∞ leaves a bin open. They set num_bins.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        record_shape: tuple[int, ...],
        num_bins: int = NUM_BINS,
        pixel_offset: float = 0.0,
        seed: int = 0,
        thresholds: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        values = math.prod(record_shape)
        bins = whole(num_bins=num_bins if thresholds is None else len(thresholds))
        generator = torch.Generator().manual_seed(seed)
        signs = torch.randint(0, 2, (values, 1), generator=generator).float() * 2 - 1
        self.network = network
        self.pixel_offset = pixel_offset
        self.to_bins = nn.Linear(values, bins)
        self.to_values = nn.Linear(bins, values)
        with torch.no_grad():
            self.to_bins.weight.zero_()
            self.to_bins.bias.fill_(_BIN_BIAS)
            self.to_values.weight.copy_(_SECOND_LAYER_SCALE * signs.expand(values, bins))
            self.to_values.bias.zero_()
            for i, threshold in enumerate(thresholds or ()):
                if threshold > -math.inf:
                    self.to_bins.weight[i] = _BIN_BIAS / bins / values
                    self.to_bins.bias[i] = (pixel_offset - threshold) * _BIN_BIAS / bins

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, *record_shape) to the network's logits."""
        flat = x.flatten(1) - self.pixel_offset  # (n, d)
        bins = nn.functional.relu(self.to_bins(flat))  # (n, b)
        imprinted = flat + self.to_values(bins) + bins.mean(dim=1, keepdim=True)
        return self.network(imprinted.view_as(x))


@dataclass(frozen=True, kw_only=True)
class ImprintGradient:
    """The clipped gradient of one record, as far as the attacker reads it."""

    #: (b, d) and (b,): of the first imprint layer.
    weights: Tensor
    biases: Tensor
    #: Share of the whole model's squared gradient norm that lies in the first imprint layer, 0 … 1.
    clip_share: float


def clipped_imprint_gradient(
    model: ImprintModel, record: Tensor, label: int, *, max_grad_norm: float
) -> ImprintGradient:
    """Returns the first layer's part of the gradient of the *whole* model for one record, clipped as DP-SGD does.

    Args:
        model: the network with its imprint layers.
        record: (*record_shape), as the network sees it.
        label: the record's class; the attacker does not use it.
        max_grad_norm: L2 norm to which the gradient over all weights is scaled down if it is longer.

    Raises:
        InvalidValue: if max_grad_norm is not a finite number above 0.
    """
    max_grad_norm = positive(max_grad_norm=max_grad_norm)
    loss = nn.functional.cross_entropy(model(record.unsqueeze(0)), torch.tensor([label]))
    named = dict(model.named_parameters())
    gradient = dict(zip(named, torch.autograd.grad(loss, list(named.values())), strict=True))
    squared = {name: float(g.double().square().sum()) for name, g in gradient.items()}
    total = sum(squared.values())
    factor = min(1.0, max_grad_norm / math.sqrt(total)) if total > 0 else 1.0
    imprint = squared["to_bins.weight"] + squared["to_bins.bias"]
    return ImprintGradient(
        weights=gradient["to_bins.weight"] * factor,
        biases=gradient["to_bins.bias"] * factor,
        clip_share=imprint / total if total > 0 else 0.0,
    )


def combine_bins(weights: Tensor, biases: Tensor) -> NDArray[np.float32]:
    """Returns (d + 1,): the bins' weight gradients added up, then their bias gradients, both divided by √b.

    All bins carry the same gradient and independent noise of the same size, so equal weights are the least-squares
    (inverse-variance) combination; the factor 1/√b keeps the noise of a coordinate at its original size.
    """
    stacked = torch.cat([weights, biases.unsqueeze(1)], dim=1)  # (b, d + 1)
    return (stacked.sum(dim=0) / math.sqrt(len(stacked))).numpy()
