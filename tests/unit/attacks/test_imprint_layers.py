"""The imprint layers: what they do to a record, to the gradient, and that the gradient gives the record back."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from dpcore.attacks._records import RecordKind
from dpcore.attacks.networks import ImprintModel, clipped_imprint_gradient
from dpcore.attacks.networks.imprint import combine_bins
from dpcore.attacks.reading import averaged_noise_std, invert
from dpcore.errors import InvalidValue
from dpcore.models import build_model

SHAPE = (3, 16, 16)
VALUES = math.prod(SHAPE)
KIND = RecordKind(model="small_cnn", record_shape=SHAPE, mean=0.5, spread=0.25, low=0.0, high=1.0)


def _model(**options: float) -> ImprintModel:
    return ImprintModel(build_model("small_cnn", SHAPE, seed=3), record_shape=SHAPE, seed=3, **options)


def _record(seed: int = 0) -> torch.Tensor:
    return torch.rand(SHAPE, generator=torch.Generator().manual_seed(seed))


def _whole_gradient(model: nn.Module, record: torch.Tensor, label: int) -> dict[str, torch.Tensor]:
    """By backward(), another way than the attack takes it."""
    model.zero_grad()
    nn.functional.cross_entropy(model(record[None]), torch.tensor([label])).backward()
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def test_layers_hardly_change_what_the_network_sees() -> None:
    model = _model()
    record = _record()
    seen = []
    model.network.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    model(record[None])
    assert (seen[0][0] - record).abs().max() < 0.02
    assert not torch.equal(seen[0][0], record)


def test_layers_have_the_published_shapes() -> None:
    model = _model()
    assert model.to_bins.weight.shape == (10, VALUES)
    assert model.to_values.weight.shape == (VALUES, 10)


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("offset", [0.0, 0.5])
def test_gradient_of_every_bin_is_bias_gradient_times_record(label: int, offset: float) -> None:
    model, record = _model(pixel_offset=offset), _record()
    gradient = clipped_imprint_gradient(model, record, label, max_grad_norm=1.0)
    expected = torch.outer(gradient.biases, record.flatten() - offset)
    assert gradient.biases.abs().min() > 0
    torch.testing.assert_close(gradient.weights, expected, rtol=1e-5, atol=1e-9)


def test_whole_gradient_is_clipped_to_the_norm_and_lies_in_the_imprint_layer() -> None:
    model, record = _model(), _record()
    clipped = clipped_imprint_gradient(model, record, 1, max_grad_norm=0.7)
    whole = _whole_gradient(model, record, 1)
    norm = math.sqrt(sum(float(g.double().square().sum()) for g in whole.values()))
    assert norm > 0.7
    torch.testing.assert_close(clipped.weights, whole["to_bins.weight"] * 0.7 / norm, rtol=1e-4, atol=1e-12)
    torch.testing.assert_close(clipped.biases, whole["to_bins.bias"] * 0.7 / norm, rtol=1e-4, atol=1e-12)
    first_layer = whole["to_bins.weight"].double().square().sum() + whole["to_bins.bias"].double().square().sum()
    assert clipped.clip_share == pytest.approx(float(first_layer) / norm**2, rel=1e-6)
    assert clipped.clip_share > 0.95


def test_gradient_shorter_than_the_clipping_norm_stays() -> None:
    model, record = _model(), _record()
    clipped = clipped_imprint_gradient(model, record, 0, max_grad_norm=1e12)
    torch.testing.assert_close(clipped.weights, _whole_gradient(model, record, 0)["to_bins.weight"], rtol=1e-4, atol=0)


def test_no_gradient_gives_no_share() -> None:
    model = _model()
    for p in model.network.head.parameters():
        nn.init.zeros_(p)
    clipped = clipped_imprint_gradient(model, _record(), 0, max_grad_norm=1.0)
    assert clipped.clip_share == 0
    assert not clipped.weights.any()


@pytest.mark.parametrize("norm", [0.0, -1.0, math.nan, math.inf])
def test_clipping_norm_must_be_positive(norm: float) -> None:
    with pytest.raises(InvalidValue, match="max_grad_norm must be a finite number above 0"):
        clipped_imprint_gradient(_model(), _record(), 0, max_grad_norm=norm)


def test_at_least_one_bin() -> None:
    with pytest.raises(InvalidValue, match="num_bins must be a whole number of at least 1"):
        _model(num_bins=0)


def test_combining_bins_keeps_the_noise_and_adds_the_signal_up() -> None:
    signal = torch.full((10, VALUES), 0.3)
    combined = combine_bins(signal, torch.full((10,), 0.3))
    np.testing.assert_allclose(combined, 0.3 * math.sqrt(10), rtol=1e-6)
    noise = torch.randn((10, 100_000), generator=torch.Generator().manual_seed(0))
    assert combine_bins(noise, torch.zeros(10))[:-1].std() == pytest.approx(1, abs=0.02)


def _gradients(records: np.ndarray, sign: float, scale: float = 0.05) -> np.ndarray:
    return (sign * scale * np.hstack([records, np.ones((len(records), 1))])).astype(np.float32)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("scale", [1e-4, 0.05, 1.0])
def test_without_noise_inversion_is_exact(sign: float, scale: float) -> None:
    records = np.random.default_rng(0).random((4, VALUES)).astype(np.float32)
    rebuilt = invert(_gradients(records, sign, scale), noise_std=0.0, max_grad_norm=1.0, kind=KIND, pixel_offset=0.0)
    np.testing.assert_allclose(rebuilt, records, atol=1e-5)


@pytest.mark.parametrize("noise_std", [1e-3, 1.0, 1e6])
@pytest.mark.parametrize("bias", [0.0, 1e-12, -1e-12, -5.0])
def test_useless_denominator_still_gives_finite_pixels_in_range(noise_std: float, bias: float) -> None:
    gradients = np.full((2, VALUES + 1), 0.03, dtype=np.float32)
    gradients[:, -1] = bias
    rebuilt = invert(gradients, noise_std=noise_std, max_grad_norm=1.0, kind=KIND, pixel_offset=0.0)
    assert np.isfinite(rebuilt).all()
    assert rebuilt.min() >= 0
    assert rebuilt.max() <= 1


def test_steadied_denominator_beats_the_noisy_one() -> None:
    """With a hopeless bias gradient the brightness still comes out about right, from what pictures have in common."""
    rng = np.random.default_rng(1)
    records = rng.uniform(0.2, 0.8, (200, VALUES))
    length = np.sqrt(np.square(records).sum(axis=1, keepdims=True) + 1)
    clean = np.hstack([records, np.ones((200, 1))]) / length
    noise_std = 3 * clean[0, -1]
    noisy = clean.copy()
    noisy[:, -1] += noise_std * rng.standard_normal(200)
    rebuilt = invert(noisy.astype(np.float32), noise_std=noise_std, max_grad_norm=1.0, kind=KIND, pixel_offset=0.0)
    plain = np.clip(noisy[:, :-1] / noisy[:, -1:], 0, 1)
    assert np.abs(rebuilt - records).mean() < 0.1
    assert np.abs(rebuilt - records).mean() < 0.5 * np.abs(plain - records).mean()


def test_noise_std_falls_with_the_root_of_the_looks() -> None:
    assert averaged_noise_std(noise_multiplier=2.0, max_grad_norm=3.0, looks=1) == 6.0
    assert averaged_noise_std(noise_multiplier=2.0, max_grad_norm=3.0, looks=4) == 3.0
