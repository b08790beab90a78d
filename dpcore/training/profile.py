"""How large the gradients of single records are: what a clipping norm would cut off.

Looking at them is itself a release that no budget pays for, so it is refused on real records unless asked for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dpcore import _validate
from dpcore.datasets.spec import Dataset, DatasetSpec
from dpcore.errors import InvalidValue
from dpcore.privacy import NonPrivate
from dpcore.settings.config import TrainingConfig
from dpcore.training.augmentation import make_views
from dpcore.training.loop import Training
from dpcore.training.objective import make_objective
from dpcore.training.per_sample import PerSampleGradients

#: Said wherever a profile of real records is shown.
UNPAID = (
    "The look at these gradient norms is not paid for by any privacy budget: a clipping norm chosen from them reveals "
    "something about the records."
)


@dataclass(frozen=True, kw_only=True)
class GradientNorms:
    """L2 norms before clipping of n records' gradients, at one moment of a training."""

    #: Epochs trained without DP before the look; 0 = freshly initialised.
    epochs: int
    #: Number of records looked at, n.
    records: int
    #: Records in each bin, (bins,), and the bins' edges, (bins + 1,), evenly spaced from 0 to the largest norm.
    counts: tuple[int, ...]
    edges: tuple[float, ...]
    percentile_80: float
    percentile_90: float
    #: Share of the records whose gradient the configuration's clipping norm would shorten.
    clipped_share: float


@dataclass(frozen=True, kw_only=True)
class ClipNormProfile:
    """Gradient norms of records at initialisation and after a short training without DP."""

    dataset: str
    model: str
    #: Of the configuration, for comparison.
    max_grad_norm: float
    initial: GradientNorms
    trained: GradientNorms
    #: Sentence that must be shown with the profile; empty for invented records.
    warning: str


def get_clip_norm_profile(
    dataset: Dataset,
    config: TrainingConfig,
    *,
    epochs: int = 1,
    num_records: int = 1000,
    bins: int = 30,
    on_private_data: bool = False,
    check: Callable[[], None] | None = None,
) -> ClipNormProfile:
    """Returns the norms of records' gradients before clipping, of views averaged as the configuration wants them.

    The 80th and 90th percentiles are usual starting points for the clipping norm: one record in five or ten is then
    shortened. Abadi et al. (2016, section 5) take the median over a training; under DP a smaller norm also lowers the
    noise, so try both sides.

    Args:
        dataset: public or invented, unless `on_private_data`; its training records are used.
        config: model, batch, rate and views; its epochs are not used.
        epochs: of the short training without DP, at least 1.
        num_records: looked at, drawn by the configuration's seed; all if there are fewer.
        bins: of the histogram.
        on_private_data: whether to look at real records although nothing pays for it; the profile then says so.
        check: as `Training` takes it.

    Raises:
        InvalidValue: for real records without `on_private_data`, a number that breaks its rule, or a training that
            diverged.
    """
    check_permission(dataset.spec, on_private_data=on_private_data)
    _validate.whole(num_records=num_records)
    _validate.whole(bins=bins)
    # Patience would look at validation records, and end the short training by chance.
    training = Training(dataset, dataclasses.replace(config, epochs=epochs, patience=0), NonPrivate(), check=check)
    index = _draw(dataset.split.train, num_records, seed=config.seed)
    initial = _norms(training, index)
    for _ in training:
        pass
    trained = _norms(training, index)
    return ClipNormProfile(
        dataset=dataset.spec.name,
        model=config.model,
        max_grad_norm=config.max_grad_norm,
        initial=_summary(initial, epochs=0, bins=bins, max_grad_norm=config.max_grad_norm),
        trained=_summary(trained, epochs=epochs, bins=bins, max_grad_norm=config.max_grad_norm),
        warning="" if dataset.spec.synthetic else UNPAID,
    )


def check_permission(spec: DatasetSpec, *, on_private_data: bool) -> None:
    """Raises InvalidValue for a dataset of real records, unless the caller asks to look at them."""
    if not spec.synthetic and not on_private_data:
        raise InvalidValue(
            f"on_private_data must be set to look at gradients of {spec.name}, which holds real records, but is not: "
            "the privacy budget would not pay for it, so use a phantom or public records."
        )


def _draw(index: NDArray[np.int64], most: int, *, seed: int) -> NDArray[np.int64]:
    return np.sort(np.random.default_rng(seed).permutation(index)[:most])


def _norms(training: Training, index: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,), of the model as it stands."""
    config, spec, dataset = training.config, training.dataset.spec, training.dataset
    views, labels = make_views(
        torch.from_numpy(dataset.features[index]),
        torch.from_numpy(dataset.labels[index]),
        multiplicity=config.multiplicity,
        flips=config.flips,
        generator=torch.Generator().manual_seed(config.seed),
    )
    objective = make_objective(
        num_classes=spec.num_classes, is_segmentation=spec.is_segmentation, positive_weight=config.positive_weight
    )
    gradients = PerSampleGradients(training.model, objective, chunk_size=config.chunk_size)
    clipped = gradients.clipped_sum(
        views.to(training.device), labels.to(training.device), max_grad_norm=1.0, views=config.multiplicity
    )
    return clipped.norms.cpu().numpy().astype(np.float64)


def _summary(norms: NDArray[np.float64], *, epochs: int, bins: int, max_grad_norm: float) -> GradientNorms:
    if not np.isfinite(norms).all():
        raise InvalidValue("learning_rate must be small enough to train, but gradients are no longer finite.")
    largest = float(norms.max())
    counts, edges = np.histogram(norms, bins=bins, range=(0.0, largest or 1.0))
    return GradientNorms(
        epochs=epochs,
        records=len(norms),
        counts=tuple(map(int, counts)),
        edges=tuple(map(float, edges)),
        percentile_80=float(np.percentile(norms, 80)),
        percentile_90=float(np.percentile(norms, 90)),
        clipped_share=float(np.mean(norms > max_grad_norm)),
    )
