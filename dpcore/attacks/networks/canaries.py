"""Canaries: records planted to audit a training, each with probability 1/2."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dpcore._validate import whole
from dpcore.attacks.membership import AuditResult, audit_from_scores
from dpcore.attacks.networks.shadows import get_losses
from dpcore.datasets.spec import Dataset
from dpcore.errors import InvalidValue
from dpcore.privacy import DpSgdMechanism
from dpcore.training import Training, TrainingConfig

#: Length of a gradient canary before clipping, in clipping norms: it must be the clipping that bounds it.
_RAW_LENGTH = 10.0
#: At most one in so many training records is mislabelled, and one in so many weights planted.
_RECORDS_PER_CANARY, _WEIGHTS_PER_CANARY = 4, 2


class GradientCanaries(Training):
    """A training among whose records are canaries that each push one weight of their own as far as clipping lets them.

    The auditor sees every noisy gradient (white box), knows what all other records contribute, subtracts it, and scores
    a canary by the likelihood ratio of its weight's entries: the best there is against the mechanism. Canaries are
    sampled like records, on their own, so that what is known of the others tells nothing about them. Weights are
    picked at random.
    """

    def __init__(
        self, dataset: Dataset, config: TrainingConfig, privacy: DpSgdMechanism, *, canaries: int, seed: int
    ) -> None:
        super().__init__(dataset, config, privacy)
        draws = np.random.default_rng((72, seed))
        weights = sum(p.numel() for p in self.model.parameters())
        count = min(whole(canaries=canaries), weights // _WEIGHTS_PER_CANARY)
        self._places = torch.from_numpy(draws.choice(weights, size=count, replace=False))
        self.is_member = draws.random(count) < 0.5
        self._canary_generator = torch.Generator().manual_seed(seed)
        self._noise_multiplier = privacy.noise_multiplier
        self._from_records = torch.zeros(count)
        #: (m,) logarithms of the likelihood ratio, planted against not, summed over the steps; higher = planted.
        self.canary_scores = np.zeros(count)

    def _clipped_sum(self, records: Tensor, labels: Tensor) -> tuple[dict[str, Tensor], float]:
        gradient, loss = super()._clipped_sum(records, labels)
        self._from_records = _at(gradient, self._places)
        rate = self.config.sample_rate(self.num_train)
        sampled = torch.rand(len(self._places), generator=self._canary_generator) < rate
        chosen = self._places[sampled & torch.from_numpy(self.is_member)]
        flat = torch.zeros(sum(g.numel() for g in gradient.values()))
        # Clipped by what clips the records: were that broken, the canary would show it.
        raw = torch.tensor(_RAW_LENGTH * self.config.max_grad_norm)
        flat[chosen] = raw * self._gradients.clip_factor(raw, self.config.max_grad_norm)
        for name, part in zip(gradient, flat.split([g.numel() for g in gradient.values()]), strict=True):
            gradient[name] = gradient[name] + part.view_as(gradient[name]).to(gradient[name])
        return gradient, loss

    def _observe(self, noisy_sum: dict[str, Tensor]) -> None:
        seen = (_at(noisy_sum, self._places) - self._from_records).double().numpy() / self.config.max_grad_norm
        rate = self.config.sample_rate(self.num_train)
        ratio = (2 * seen - 1) / (2 * self._noise_multiplier**2)
        with np.errstate(divide="ignore"):  # log 0 where every record is in every batch
            self.canary_scores += np.logaddexp(np.log1p(-rate), np.log(rate) + ratio)


def _at(gradient: dict[str, Tensor], places: Tensor) -> Tensor:
    """(m,): the entries of a gradient at those places of all weights in a row."""
    return torch.cat([g.flatten() for g in gradient.values()]).cpu()[places]


class MislabelledCanaries(Training):
    """A training in which some records carry the wrong label and take part with probability 1/2 each.

    The auditor sees the finished model (black box) and scores a canary by its loss under the wrong label.
    """

    def __init__(
        self, dataset: Dataset, config: TrainingConfig, privacy: DpSgdMechanism, *, canaries: int, seed: int
    ) -> None:
        if dataset.spec.is_segmentation:
            raise InvalidValue(f"canary must be “gradient” where pixels are labelled, as in {dataset.spec.name}.")
        train = dataset.split.train
        draws = np.random.default_rng((73, seed))
        chosen = draws.choice(
            len(train), size=min(whole(canaries=canaries), len(train) // _RECORDS_PER_CANARY), replace=False
        )
        self._canary_records = train[chosen]
        self.is_member = draws.random(len(chosen)) < 0.5
        labels = dataset.labels.copy()
        labels[self._canary_records] = 1 - labels[self._canary_records]
        members = np.ones(len(train), dtype=bool)
        members[chosen] = self.is_member
        super().__init__(dataclasses.replace(dataset, labels=labels), config, privacy, members=members)

    @property
    def canary_scores(self) -> NDArray[np.float64]:
        """(m,) minus the loss under the wrong label; higher = planted."""
        return -get_losses(self.model, self.dataset, self._canary_records)


AuditedTraining = GradientCanaries | MislabelledCanaries
_KINDS: dict[str, Any] = {"gradient": GradientCanaries, "mislabelled record": MislabelledCanaries}


def start_audit(
    dataset: Dataset,
    config: TrainingConfig,
    privacy: DpSgdMechanism,
    *,
    canary: str,
    canaries: int,
    seed: int = 0,
) -> AuditedTraining:
    """Returns the training with its canaries, not yet run.

    `canary` is "gradient" or "mislabelled record". Fewer are planted than asked for where they would be more than half
    of the weights (gradient) or a quarter of the training records (mislabelled record).

    Raises InvalidValue for an unknown kind, and where a record has no one label to be wrong about.
    """
    if canary not in _KINDS:
        raise InvalidValue(f"canary must be one of {', '.join(_KINDS)}, but is {canary!r}.")
    training: AuditedTraining = _KINDS[canary](dataset, config, privacy, canaries=canaries, seed=seed)
    return training


def finish_audit(training: AuditedTraining, *, delta: float) -> AuditResult:
    """Returns the audit of a finished training; raises TrainingCancelled if steps are left."""
    training.finish()
    return audit_from_scores(training.canary_scores, training.is_member, delta=delta)
