"""Trainings that break their promise are caught by the audit; the sound one is not.

An audit at 95 % accuses a sound training in at most 5 % of seeds; each broken one here exceeds its promise by far.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from dpcore import datasets
from dpcore.attacks.networks.canaries import GradientCanaries, finish_audit
from dpcore.privacy import PrivacyTarget, calibrate
from dpcore.training import TrainingConfig
from dpcore.training.per_sample import PerSampleGradients

DELTA = 1e-5
PROMISED = 1.0
CONFIG = TrainingConfig(model="mlp", epochs=10, expected_batch_size=209, max_grad_norm=2.0)


class TooLittleNoise(GradientCanaries):
    """Adds a third of the promised noise."""

    def _private_gradient(self, records: Tensor, labels: Tensor, noise_multiplier: float) -> float:
        return super()._private_gradient(records, labels, noise_multiplier / 3)


class Unclipped(PerSampleGradients):
    """Lets every gradient be as long as it is."""

    def clip_factor(self, norm: Tensor, max_grad_norm: float) -> Tensor:  # noqa: ARG002
        return torch.ones_like(norm)


class NoClipping(GradientCanaries):
    """Clips nothing."""

    gradients_type = Unclipped


class BatchClipping(GradientCanaries):
    """Clips the batch's mean gradient instead of each record's, and adds the noise of one record."""

    gradients_type = Unclipped

    def _clipped_sum(self, records: Tensor, labels: Tensor) -> tuple[dict[str, Tensor], float]:
        total, loss = super()._clipped_sum(records, labels)
        batch = self.config.expected_batch_size
        length = float(torch.stack([g.square().sum() for g in total.values()]).sum().sqrt()) / batch
        factor = min(1.0, self.config.max_grad_norm / length)
        return {name: factor * g for name, g in total.items()}, loss


def _floor(kind: type[GradientCanaries], seed: int) -> float:
    dataset = datasets.load("breast_cancer")
    num_train = len(dataset.split.train)
    target = PrivacyTarget(epsilon=PROMISED, delta=DELTA, accountant="tight")
    mechanism = calibrate(target, sample_rate=CONFIG.sample_rate(num_train), steps=CONFIG.steps(num_train))
    training = kind(dataset, CONFIG, mechanism, canaries=1000, seed=seed)
    for _ in training:
        pass
    return finish_audit(training, delta=DELTA).floor


@pytest.mark.parametrize("broken", [TooLittleNoise, NoClipping, BatchClipping])
def test_a_broken_training_is_caught(broken: type[GradientCanaries]) -> None:
    assert _floor(broken, seed=0) > PROMISED


def test_the_sound_training_is_not() -> None:
    """Of 12 audits more than 4 would accuse a sound training with probability 1e-4 at most."""
    floors = np.array([_floor(GradientCanaries, seed) for seed in range(12)])
    assert (floors > PROMISED).sum() <= 4
