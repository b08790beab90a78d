"""The training loop: with DP-SGD (Abadi et al. 2016) or, for comparison, without."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dpcore.datasets.spec import Dataset, DatasetSpec
from dpcore.errors import DpcoreError, InvalidValue
from dpcore.models import build_model
from dpcore.privacy import DpSgdMechanism, NonPrivate
from dpcore.settings import SEGMENTATION_MODELS, TrainingConfig
from dpcore.training.augmentation import make_views
from dpcore.training.device import chunk_size_on, find_device
from dpcore.training.evaluation import get_scores_from_model
from dpcore.training.objective import make_objective
from dpcore.training.patience import Patience
from dpcore.training.per_sample import PerSampleGradients
from dpcore.training.recorder import channels_last

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
    #: By the names in the dataset's `spec.metrics`; the first one stands for the utility.
    scores: dict[str, float]
    losses: tuple[float, ...]
    seconds: float

    @property
    def utility(self) -> float:
        """The score that stands for the model's utility."""
        return next(iter(self.scores.values()))


class Training:
    """One training as an iterator: each `next` takes one step and reports it; stop iterating to cancel.

    Runs on a GPU when there is one; deterministic for a seed on one device. Raises InvalidValue when the mechanism or
    the model does not belong to the configuration or the dataset.

    Args:
        dataset: what to learn from.
        config: how.
        privacy: the mechanism, which must be that of `config` on all training records.
        members: (n,) which of the training records take part, all by default; the others are never sampled. Sample
            rate, steps and noise stay those of all n.
        check: called before every chunk of records that goes through the model, in training, in scoring and in whatever
            the finished model is asked later; what it raises stops them there.
    """

    #: How gradients are clipped and added up; tests put a broken one in its place.
    gradients_type: type[PerSampleGradients] = PerSampleGradients

    def __init__(
        self,
        dataset: Dataset,
        config: TrainingConfig,
        privacy: Privacy,
        *,
        members: NDArray[np.bool_] | None = None,
        check: Callable[[], None] | None = None,
    ) -> None:
        index, spec = dataset.split.train, dataset.spec
        if members is not None and members.shape != index.shape:
            raise InvalidValue(f"members must be of shape {index.shape}, but is of shape {members.shape}.")
        self.members = np.ones(len(index), dtype=bool) if members is None else members
        _check_mechanism(config, privacy, len(index))
        _check_model(config, spec)
        self.dataset, self.config, self.privacy = dataset, config, privacy
        self.device = find_device()
        model = build_model(config.model, spec.record_shape, seed=config.seed, num_classes=spec.num_classes)
        self.model = model.to(self.device)
        self._chunk_size = chunk_size_on(self.device, config.chunk_size)
        if check is not None:
            self.model.register_forward_pre_hook(_calling(check))
        self._records = channels_last(torch.from_numpy(dataset.features[index]))
        self._labels = torch.from_numpy(dataset.labels[index])
        # Of the batches and the noise; the views have a stream of their own, so that they change neither.
        self._generator = torch.Generator().manual_seed(config.seed)
        self._view_generator = torch.Generator().manual_seed(config.seed)
        self._optimizer = torch.optim.NAdam(self.model.parameters(), lr=config.learning_rate)
        self._objective = make_objective(
            num_classes=spec.num_classes, is_segmentation=spec.is_segmentation, positive_weight=config.positive_weight
        )
        self._gradients = self.gradients_type(self.model, self._objective, chunk_size=self._chunk_size)
        self._patience = Patience(config.patience, validate=self._validation_score)
        self._losses: list[float] = []
        self._seconds = 0.0

    @property
    def steps(self) -> int:
        """Number of steps of the whole training."""
        return self.config.steps(len(self._labels))

    @property
    def num_train(self) -> int:
        """Number of training records, members or not."""
        return len(self._labels)

    @property
    def seconds(self) -> float:
        """Wall-clock seconds of the steps so far."""
        return self._seconds

    @property
    def is_finished(self) -> bool:
        """Whether every step has been taken, or validation has ended the training."""
        return len(self._losses) >= self.steps or self._patience.is_over

    def __iter__(self) -> Iterator[Progress]:
        while not self.is_finished:
            start = time.perf_counter()
            loss = self._step()
            self._losses.append(loss)
            if self._ended_an_epoch():
                self._patience.after_epoch(self.model)
            self._seconds += time.perf_counter() - start
            yield Progress(step=len(self._losses), steps=self.steps, loss=loss)

    def _ended_an_epoch(self) -> bool:
        """An epoch is steps / epochs steps long, seldom a whole number."""
        before, now = ((step * self.config.epochs) // self.steps for step in (len(self._losses) - 1, len(self._losses)))
        return now > before

    def _step(self) -> float:
        records, labels = self._sample_batch()
        if isinstance(self.privacy, NonPrivate):
            loss = self._plain_gradient(records, labels)
        else:
            loss = self._private_gradient(records, labels, self.privacy.noise_multiplier)
        self._optimizer.step()
        return loss

    def _sample_batch(self) -> tuple[Tensor, Tensor]:
        """Poisson sampling: each record is in with probability sample_rate; the batch may be empty.

        Returns the views of the sampled records, a record's side by side, and their labels.
        """
        chosen = torch.rand(self.num_train, generator=self._generator) < self.config.sample_rate(self.num_train)
        chosen &= torch.from_numpy(self.members)
        views, labels = make_views(
            self._records[chosen],
            self._labels[chosen],
            multiplicity=self.config.multiplicity,
            flips=self.config.flips,
            generator=self._view_generator,
        )
        return views.to(self.device), labels.to(self.device)

    def _private_gradient(self, records: Tensor, labels: Tensor, noise_multiplier: float) -> float:
        total, loss = self._clipped_sum(records, labels)
        noise_std = noise_multiplier * self.config.max_grad_norm
        for name, gradient in total.items():
            noise = torch.randn(gradient.shape, generator=self._generator) * noise_std
            total[name] = gradient + noise.to(self.device)
        self._observe(total)
        for name, parameter in self.model.named_parameters():
            parameter.grad = total[name] / self.config.expected_batch_size
        return loss

    def _clipped_sum(self, records: Tensor, labels: Tensor) -> tuple[dict[str, Tensor], float]:
        """The sum of the records' clipped gradients by parameter, and the mean loss."""
        clipped = self._gradients.clipped_sum(
            records, labels, max_grad_norm=self.config.max_grad_norm, views=self.config.multiplicity
        )
        return {name: clipped.gradient[name] for name, _ in self.model.named_parameters()}, clipped.loss

    def _observe(self, noisy_sum: dict[str, Tensor]) -> None:
        """Sees what DP-SGD releases in a step; an audit overrides it."""

    def _plain_gradient(self, records: Tensor, labels: Tensor) -> float:
        self._optimizer.zero_grad()
        if not len(labels):
            return float("nan")
        total = 0.0
        chunks = zip(records.split(self._chunk_size), labels.split(self._chunk_size), strict=True)
        for chunk, chunk_labels in chunks:
            losses = self._objective.losses(self.model(chunk), chunk_labels)
            losses = losses * self._objective.record_weights(chunk_labels)
            (losses.sum() / len(labels)).backward()
            total += float(losses.detach().sum())
        return total / len(labels)

    def scores(self, index: NDArray[np.int64]) -> dict[str, float]:
        """Returns the scores of `spec.metrics` on those records of the dataset."""
        return get_scores_from_model(self.model, self.dataset, index)

    def _validation_score(self) -> float:
        return next(iter(self.scores(self.dataset.split.validation).values()))

    def finish(self) -> TrainedRun:
        """Returns the run scored on the test records; raises TrainingCancelled when steps are left."""
        if not self.is_finished:
            raise TrainingCancelled(f"The training was stopped after step {len(self._losses)} of {self.steps}.")
        self._patience.restore(self.model)
        return TrainedRun(
            model=self.model,
            config=self.config,
            privacy=self.privacy,
            scores=self.scores(self.dataset.split.test),
            losses=tuple(self._losses),
            seconds=self._seconds,
        )


def _calling(check: Callable[[], None]) -> Callable[..., None]:
    """A hook that leaves the model's input as it is, whatever `check` returns."""

    def hook(*_: object) -> None:
        check()

    return hook


def _check_mechanism(config: TrainingConfig, privacy: Privacy, num_train: int) -> None:
    planned = (config.sample_rate(num_train), config.steps(num_train))
    if isinstance(privacy, NonPrivate):
        return
    if config.patience:
        raise InvalidValue(
            f"patience must be 0 with DP, but is {config.patience}: looking at validation records is not paid for."
        )
    if (privacy.sample_rate, privacy.steps) != planned:
        raise InvalidValue(
            f"mechanism must have the configuration's sample_rate and steps {planned}, "
            f"but has {(privacy.sample_rate, privacy.steps)}."
        )


def _check_model(config: TrainingConfig, spec: DatasetSpec) -> None:
    if (config.model in SEGMENTATION_MODELS) != spec.is_segmentation:
        wanted = "one that labels every pixel" if spec.is_segmentation else "a classifier"
        raise InvalidValue(f"model must be {wanted} for {spec.name}, but is {config.model!r}.")


def train(dataset: Dataset, config: TrainingConfig, privacy: Privacy) -> TrainedRun:
    """Takes every step and returns the finished run."""
    training = Training(dataset, config, privacy)
    for _ in training:
        pass
    return training.finish()
