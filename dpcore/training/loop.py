"""The training loop: with DP-SGD (Abadi et al. 2016) or, for comparison, without."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dpcore.datasets.spec import Dataset
from dpcore.errors import DpcoreError, InvalidValue
from dpcore.models import build_model
from dpcore.privacy import DpSgdMechanism, NonPrivate
from dpcore.training.config import TrainingConfig
from dpcore.training.metrics import Utility, get_utility_from_scores
from dpcore.training.per_sample import PerSampleGradients

Privacy = DpSgdMechanism | NonPrivate


class TrainingCancelled(DpcoreError):
    """The caller asked to stop before the last step."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a training stands after a step."""

    step: int
    steps: int
    #: Mean weighted loss of the step's batch; NaN when the Poisson batch was empty.
    loss: float


@dataclass(frozen=True, kw_only=True)
class TrainedRun:
    """A finished training: the model, what it scores on the test records, and what it took."""

    model: nn.Module
    config: TrainingConfig
    privacy: Privacy
    utility: Utility
    losses: tuple[float, ...]
    seconds: float


class Training:
    """One training as an iterator: each `next` takes one step and reports it; stop iterating to cancel.

    Deterministic for a seed on one device. Raises InvalidValue when the mechanism does not belong to the configuration.
    """

    def __init__(self, dataset: Dataset, config: TrainingConfig, privacy: Privacy) -> None:
        index = dataset.split.train
        self._check(config, privacy, len(index))
        self.dataset, self.config, self.privacy = dataset, config, privacy
        self.model = build_model(config.model, dataset.spec.record_shape, seed=config.seed)
        self._records = torch.from_numpy(dataset.features[index])
        self._labels = torch.from_numpy(dataset.labels[index])
        self._generator = torch.Generator().manual_seed(config.seed)
        self._optimizer = torch.optim.NAdam(self.model.parameters(), lr=config.learning_rate)
        weights = torch.tensor([1.0, config.positive_weight])
        self._gradients = PerSampleGradients(self.model, class_weights=weights, chunk_size=config.chunk_size)
        self._losses: list[float] = []
        self._seconds = 0.0

    @staticmethod
    def _check(config: TrainingConfig, privacy: Privacy, num_train: int) -> None:
        planned = (config.sample_rate(num_train), config.steps(num_train))
        if isinstance(privacy, DpSgdMechanism) and (privacy.sample_rate, privacy.steps) != planned:
            raise InvalidValue(
                f"mechanism must have the configuration's sample_rate and steps {planned}, "
                f"but has {(privacy.sample_rate, privacy.steps)}."
            )

    @property
    def steps(self) -> int:
        """Number of steps of the whole training."""
        return self.config.steps(len(self._labels))

    def __iter__(self) -> Iterator[Progress]:
        for step in range(len(self._losses) + 1, self.steps + 1):
            start = time.perf_counter()
            loss = self._step()
            self._seconds += time.perf_counter() - start
            self._losses.append(loss)
            yield Progress(step=step, steps=self.steps, loss=loss)

    def _step(self) -> float:
        records, labels = self._sample_batch()
        if isinstance(self.privacy, NonPrivate):
            loss = self._plain_gradient(records, labels)
        else:
            loss = self._private_gradient(records, labels, self.privacy.noise_multiplier)
        self._optimizer.step()
        return loss

    def _sample_batch(self) -> tuple[Tensor, Tensor]:
        """Poisson sampling: each record is in with probability sample_rate; the batch may be empty."""
        num_train = len(self._labels)
        chosen = torch.rand(num_train, generator=self._generator) < self.config.sample_rate(num_train)
        return self._records[chosen], self._labels[chosen]

    def _private_gradient(self, records: Tensor, labels: Tensor, noise_multiplier: float) -> float:
        clipped = self._gradients.clipped_sum(records, labels, max_grad_norm=self.config.max_grad_norm)
        noise_std = noise_multiplier * self.config.max_grad_norm
        for name, parameter in self.model.named_parameters():
            noise = torch.randn(parameter.shape, generator=self._generator) * noise_std
            parameter.grad = (clipped.gradient[name] + noise) / self.config.expected_batch_size
        return clipped.loss

    def _plain_gradient(self, records: Tensor, labels: Tensor) -> float:
        self._optimizer.zero_grad()
        if not len(labels):
            return float("nan")
        total = 0.0
        for chunk, chunk_labels in zip(records.split(512), labels.split(512), strict=True):
            weights = self._gradients.class_weights[chunk_labels]
            losses = nn.functional.cross_entropy(self.model(chunk), chunk_labels, reduction="none") * weights
            (losses.sum() / len(labels)).backward()
            total += float(losses.detach().sum())
        return total / len(labels)

    def scores(self, index: Tensor) -> Tensor:
        """Returns the predicted probability of the positive class for those records of the dataset, (n,)."""
        records = torch.from_numpy(self.dataset.features)[index]
        with torch.no_grad():
            return torch.cat([self.model(chunk).softmax(dim=1)[:, 1] for chunk in records.split(512)])

    def finish(self) -> TrainedRun:
        """Returns the run scored on the test records; raises TrainingCancelled when steps are left."""
        if len(self._losses) < self.steps:
            raise TrainingCancelled(f"The training was stopped after step {len(self._losses)} of {self.steps}.")
        test = self.dataset.split.test
        return TrainedRun(
            model=self.model,
            config=self.config,
            privacy=self.privacy,
            utility=get_utility_from_scores(
                self.dataset.labels[test], self.scores(torch.from_numpy(test)).numpy(), threshold=0.5
            ),
            losses=tuple(self._losses),
            seconds=self._seconds,
        )


def train(dataset: Dataset, config: TrainingConfig, privacy: Privacy) -> TrainedRun:
    """Takes every step and returns the finished run."""
    training = Training(dataset, config, privacy)
    for _ in training:
        pass
    return training.finish()
