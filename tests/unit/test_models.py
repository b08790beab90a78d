"""Architectures: shapes, no mixing of records, reproducible weights."""

from __future__ import annotations

import pytest
import torch

from dpcore.errors import InvalidValue
from dpcore.models import MODEL_NAMES, build_model


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_a_record_is_scored_alike_alone_and_in_company(name: str) -> None:
    shape = (30,) if name == "mlp" else (3, 28, 28)
    model = build_model(name, shape, seed=0)
    records = torch.randn(6, *shape)
    together = model(records)
    assert together.shape == (6, 2)
    alone = torch.cat([model(r[None]) for r in records])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


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
