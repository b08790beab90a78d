"""The same code on a GPU: equal gradients, and the same model from the same seed. Skipped where there is none."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dpcore.datasets import spec
from dpcore.datasets.spec import Dataset, Split
from dpcore.models import build_model
from dpcore.privacy import DpSgdMechanism
from dpcore.training import PerSampleGradients, TrainingConfig, make_objective, train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.mark.parametrize("name", ["small_cnn", "resnet9"])
def test_clipped_sums_equal_those_of_the_cpu(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    records = torch.randn(9, 3, 28, 28, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 2, (9,), generator=generator)
    objective = make_objective(num_classes=2, is_segmentation=False, positive_weight=2.0)

    def clipped(device: str) -> torch.Tensor:
        model = build_model(name, (3, 28, 28), seed=0).double().to(device)
        gradients = PerSampleGradients(model, objective, chunk_size=4)
        total = gradients.clipped_sum(records.to(device), labels.to(device), max_grad_norm=0.5)
        assert gradients.is_layerwise
        return torch.cat([g.flatten().cpu() for g in total.gradient.values()])

    on_cpu, on_gpu = clipped("cpu"), clipped("cuda")
    assert float((on_gpu - on_cpu).norm() / on_cpu.norm()) <= 1e-5


def test_the_same_seed_gives_the_same_model() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    features = rng.normal(size=(200, 3, 28, 28)).astype(np.float32)
    split = Split(train=np.arange(120), validation=np.arange(120, 140), test=np.arange(140, 200))
    pictures = Dataset(spec=spec("skin_phantom"), features=features, labels=labels, groups=np.arange(200), split=split)
    config = TrainingConfig(model="small_cnn", epochs=2, expected_batch_size=40, max_grad_norm=0.5, seed=1)
    mechanism = DpSgdMechanism(noise_multiplier=1.0, sample_rate=config.sample_rate(120), steps=config.steps(120))
    first, second = (
        torch.nn.utils.parameters_to_vector(train(pictures, config, mechanism).model.parameters()) for _ in range(2)
    )
    assert first.is_cuda
    assert torch.equal(first, second)
