"""The same code on a GPU: equal gradients, one model a seed, flat memory. Skipped where there is none."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dpcore.datasets import spec
from dpcore.datasets.spec import Dataset, Split
from dpcore.models import build_model
from dpcore.privacy import DpSgdMechanism, NonPrivate
from dpcore.settings import SEGMENTATION_MODELS
from dpcore.training import PerSampleGradients, Training, TrainingConfig, make_objective, train
from dpcore.training.device import find_device

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

PICTURES = ("small_cnn", "resnet9", "wrn40_4", "small_unet", "unet")
SMALL = ("small_cnn", "resnet9", "small_unet")


def _clipped(name: str, device: torch.device, dtype: torch.dtype, *, views: int = 1) -> torch.Tensor:
    """Returns the clipped sum over nine records, in a row, in double precision on the CPU."""
    outlines, side = name in SEGMENTATION_MODELS, 16
    generator = torch.Generator().manual_seed(0)
    records = torch.randn(9 * views, 3, side, side, generator=generator, dtype=torch.float64)
    pixels = (side, side) if outlines else ()
    labels = torch.randint(0, 2, (9, *pixels), generator=generator).repeat_interleave(views, dim=0)
    objective = make_objective(num_classes=2, is_segmentation=outlines, positive_weight=2.0)
    model = build_model(name, (3, side, side), seed=0).to(device, dtype)
    gradients = PerSampleGradients(model, objective, chunk_size=4)
    total = gradients.clipped_sum(records.to(device, dtype), labels.to(device), max_grad_norm=0.5, views=views)
    assert gradients.is_layerwise
    return torch.cat([g.flatten().cpu().double() for g in total.gradient.values()])


def _difference(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).norm() / other.norm())


@pytest.mark.parametrize("views", [1, 2])
@pytest.mark.parametrize("name", PICTURES)
def test_clipped_sums_equal_those_of_the_cpu(name: str, views: int) -> None:
    on_gpu = _clipped(name, find_device(), torch.float64, views=views)
    assert _difference(on_gpu, _clipped(name, torch.device("cpu"), torch.float64, views=views)) <= 1e-5


@pytest.mark.parametrize("name", ["small_unet", "unet"])
def test_single_precision_is_not_shortened(name: str) -> None:
    """Only networks with smooth or few winners: a max-pool's near ties may fall differently in single precision."""
    exact = _clipped(name, torch.device("cpu"), torch.float64)
    on_cpu = _difference(_clipped(name, torch.device("cpu"), torch.float32), exact)
    on_gpu = _difference(_clipped(name, find_device(), torch.float32), exact)
    assert on_gpu <= max(1e-5, 10 * on_cpu)


def _pictures(name: str) -> Dataset:
    rng = np.random.default_rng(0)
    outlines = name in SEGMENTATION_MODELS
    own = spec("liver_phantom" if outlines else "skin_phantom")
    labels = rng.integers(0, own.num_classes, (200, *own.record_shape[1:]) if outlines else 200)
    features = rng.normal(size=(200, *own.record_shape)).astype(np.float32)
    split = Split(train=np.arange(120), validation=np.arange(120, 140), test=np.arange(140, 200))
    return Dataset(spec=own, features=features, labels=labels, groups=np.arange(200), split=split)


def _config(name: str) -> TrainingConfig:
    return TrainingConfig(model=name, epochs=2, expected_batch_size=40, max_grad_norm=0.5, seed=1)


def _mechanism(name: str) -> DpSgdMechanism:
    config = _config(name)
    return DpSgdMechanism(noise_multiplier=1.0, sample_rate=config.sample_rate(120), steps=config.steps(120))


@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize("name", SMALL)
def test_the_same_seed_gives_the_same_model(name: str, private: bool) -> None:
    privacy = _mechanism(name) if private else NonPrivate()
    first, second = (
        torch.nn.utils.parameters_to_vector(train(_pictures(name), _config(name), privacy).model.parameters())
        for _ in range(2)
    )
    assert first.is_cuda
    assert torch.equal(first, second)


def test_what_a_step_releases_is_that_of_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches and noise come from the same generator, wherever the gradients are computed.

    The weights would not do: NAdam's first step moves each by the learning rate in the direction of its gradient, and
    rounding alone turns the smallest gradients round.
    """
    released = []
    for device in (find_device(), torch.device("cpu")):
        monkeypatch.setattr("dpcore.training.loop.find_device", lambda device=device: device)
        training = Training(_pictures("small_unet"), _config("small_unet"), _mechanism("small_unet"))
        next(iter(training))
        released.append(torch.cat([p.grad.flatten().cpu() for p in training.model.parameters() if p.grad is not None]))
    # In single precision; other records or another noise would differ by more than 0.1.
    assert _difference(*released) <= 1e-4


def test_memory_does_not_grow_with_the_logical_batch() -> None:
    device = find_device()
    model = build_model("resnet9", (3, 28, 28), seed=0).to(device)
    objective = make_objective(num_classes=2, is_segmentation=False, positive_weight=1.0)
    gradients = PerSampleGradients(model, objective, chunk_size=64)
    peaks = []
    for batch in (64, 64, 1024):  # The first finds out that the layers have rules, which takes memory of its own.
        records = torch.randn(batch, 3, 28, 28, device=device)
        labels = torch.zeros(batch, dtype=torch.long, device=device)
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        gradients.clipped_sum(records, labels, max_grad_norm=1.0)
        peaks.append(torch.cuda.max_memory_allocated() - before)
    assert peaks[2] <= 1.2 * peaks[1]
