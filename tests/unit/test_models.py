"""Architectures: shapes, no mixing of records, reproducible weights."""

from __future__ import annotations

import pytest
import torch

from dpcore.errors import InvalidValue
from dpcore.models import WideResNet, build_model, scale_up
from dpcore.settings import MODEL_NAMES, SEGMENTATION_MODELS


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_a_record_is_scored_alike_alone_and_in_company(name: str) -> None:
    shape = (30,) if name == "mlp" else (3, 24, 24)
    model = build_model(name, shape, seed=0)
    records = torch.randn(6, *shape)
    together = model(records)
    assert together.shape == ((6, 2, 24, 24) if name in SEGMENTATION_MODELS else (6, 2))
    alone = torch.cat([model(r[None]) for r in records])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def _wide_weights(*, depth: int, widen: int, channels_in: int, classes: int) -> int:
    """Counted on paper: 3×3 convolutions without bias, two numbers a normalised channel, a 1×1 shortcut a stage."""
    count, channels = 9 * channels_in * 16, 16
    for width in (16 * widen, 32 * widen, 64 * widen):
        blocks = (depth - 4) // 6
        first = 2 * channels + 9 * channels * width + 2 * width + 9 * width**2 + channels * width
        count += first + (blocks - 1) * (4 * width + 18 * width**2)
        channels = width
    return count + 2 * channels + (channels + 1) * classes


def test_wrn40_4_is_the_network_of_the_papers() -> None:
    model = build_model("wrn40_4", (3, 32, 32), seed=0, num_classes=10)
    weights = sum(p.numel() for p in model.parameters())
    assert weights == _wide_weights(depth=40, widen=4, channels_in=3, classes=10)
    assert round(weights / 1e6, 1) == 8.9  # As Zagoruyko & Komodakis (2016) print it.
    kinds = {type(module) for module in model.modules() if not list(module.children())}
    assert kinds == {torch.nn.Conv2d, torch.nn.GroupNorm, torch.nn.Linear}
    # 40 = 1 stem + 3 stages · 6 blocks · 2 + 3 shortcuts.
    assert sum(isinstance(m, torch.nn.Conv2d) for m in model.modules()) == 40
    assert {m.num_groups for m in model.modules() if isinstance(m, torch.nn.GroupNorm)} == {16}


@pytest.mark.parametrize("size", [(16, 12), (13, 7), (8, 6)])
def test_scaling_by_products_is_bilinear_interpolation(size: tuple[int, int]) -> None:
    maps = torch.randn(3, 2, 8, 6, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(3, 2, *size, dtype=torch.float64)
    results = []
    for by_products in (True, False):
        scaled = scale_up(maps, size, by_products=by_products)
        (gradient,) = torch.autograd.grad((scaled * weights).sum(), maps)
        results.append((scaled, gradient))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(("side", "coarse"), [(28, 7), (32, 8), (9, 3)])
def test_a_wide_network_halves_the_picture_twice(side: int, coarse: int) -> None:
    model = WideResNet(in_channels=1, depth=10, widen=1)
    assert model.blocks(model.stem(torch.zeros(2, 1, side, side))).shape == (2, 64, coarse, coarse)
    assert model(torch.zeros(2, 1, side, side)).shape == (2, 2)


@pytest.mark.parametrize("name", ["small_cnn", "resnet9"])
def test_image_models_take_128_pixels_too(name: str) -> None:
    assert build_model(name, (3, 128, 128), seed=0)(torch.zeros(2, 3, 128, 128)).shape == (2, 2)


def test_the_seed_decides_the_weights_and_leaves_torch_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, second, other = (
        torch.nn.utils.parameters_to_vector(build_model("mlp", (30,), seed=s).parameters()) for s in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(InvalidValue, match=r"model must be one of mlp, .*, but is 'vgg'"):
        build_model("vgg", (3, 28, 28), seed=0)
