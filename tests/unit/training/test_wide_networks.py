"""Wide residual networks: per-sample gradients layer by layer, as autograd and the general way have them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dpcore.models import WideResNet, build_model
from dpcore.training import PerSampleGradients, make_objective

EVEN = make_objective(num_classes=2, is_segmentation=False, positive_weight=1.0)


@pytest.fixture(autouse=True)
def double_precision() -> Iterator[None]:
    """Rounding must not hide a missing term."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def _batch(n: int, side: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(n)
    return torch.randn(n, 3, side, side, generator=generator), torch.arange(n) % 2


def _one_by_one(model: nn.Module, records: Tensor, labels: Tensor, max_grad_norm: float) -> tuple[Tensor, Tensor]:
    """The clipped sum by ordinary autograd, a record at a time, all parameters in a row; and the norms."""
    total, norms = torch.zeros(sum(p.numel() for p in model.parameters())), []
    for record, label in zip(records, labels, strict=True):
        gradients = torch.autograd.grad(F.cross_entropy(model(record[None]), label[None]), list(model.parameters()))
        flat = torch.cat([g.flatten() for g in gradients])
        norms.append(flat.norm())
        total += flat * min(1.0, max_grad_norm / float(flat.norm()))
    return total, torch.stack(norms)


def _flat(gradient: dict[str, Tensor]) -> Tensor:
    return torch.cat([g.flatten() for g in gradient.values()])


def test_wrn40_4_is_taken_layer_by_layer() -> None:
    model = build_model("wrn40_4", (3, 8, 8), seed=0)
    records, labels = _batch(2, 8)
    gradients = PerSampleGradients(model, EVEN)
    clipped = gradients.clipped_sum(records, labels, max_grad_norm=0.5)
    assert gradients.is_layerwise
    expected, norms = _one_by_one(model, records, labels, 0.5)
    torch.testing.assert_close(clipped.norms, norms, rtol=1e-9, atol=0.0)
    assert float((_flat(clipped.gradient) - expected).norm()) <= 1e-9 * float(expected.norm())


@pytest.mark.parametrize(("depth", "widen", "side"), [(10, 1, 12), (16, 2, 9)])
def test_both_ways_agree(depth: int, widen: int, side: int) -> None:
    torch.manual_seed(0)
    model = WideResNet(in_channels=3, depth=depth, widen=widen)
    layerwise, general = (PerSampleGradients(model, EVEN, chunk_size=2) for _ in range(2))
    general.is_layerwise = False
    ours, theirs = (way.clipped_sum(*_batch(5, side), max_grad_norm=0.5) for way in (layerwise, general))
    assert layerwise.is_layerwise
    torch.testing.assert_close(ours.norms, theirs.norms, rtol=1e-9, atol=0.0)
    torch.testing.assert_close(_flat(ours.gradient), _flat(theirs.gradient), rtol=1e-8, atol=1e-12)
