"""Gradient norms of records: against ordinary autograd, and refused on real records unless asked for."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from dpcore.datasets import spec
from dpcore.datasets.spec import Dataset, Split
from dpcore.errors import InvalidValue
from dpcore.models import build_model
from dpcore.privacy import NonPrivate
from dpcore.training import TrainingConfig, train
from dpcore.training.profile import UNPAID, ClipNormProfile, get_clip_norm_profile

CONFIG = TrainingConfig(model="mlp", epochs=50, expected_batch_size=40, max_grad_norm=0.5, seed=1)


def _toy(*, synthetic: bool = True) -> Dataset:
    """200 records of 30 features, two classes 1.6 standard deviations apart in every feature."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    features = (rng.normal(size=(200, 30)) + 0.8 * (2 * labels[:, None] - 1)).astype(np.float32)
    split = Split(train=np.arange(120), validation=np.arange(120, 140), test=np.arange(140, 200))
    described = dataclasses.replace(spec("breast_cancer"), name="toy", synthetic=synthetic)
    return Dataset(spec=described, features=features, labels=labels, groups=np.arange(200), split=split)


@pytest.fixture(scope="module")
def profile() -> ClipNormProfile:
    """Of all training records, one epoch in."""
    return get_clip_norm_profile(_toy(), CONFIG)


def _norms_by_autograd(model: torch.nn.Module, dataset: Dataset) -> np.ndarray:
    norms = []
    for i in dataset.split.train:
        loss = F.cross_entropy(
            model(torch.from_numpy(dataset.features[i : i + 1])), torch.from_numpy(dataset.labels[i : i + 1])
        )
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        norms.append(math.sqrt(sum(float(g.square().sum()) for g in gradients)))
    return np.array(norms)


@pytest.mark.parametrize("moment", ["initial", "trained"])
def test_norms_are_those_of_ordinary_autograd(profile: ClipNormProfile, moment: str) -> None:
    dataset = _toy()
    model = build_model("mlp", (30,), seed=1)
    if moment == "trained":
        model = train(dataset, dataclasses.replace(CONFIG, epochs=1), NonPrivate()).model.cpu()
    norms, ours = _norms_by_autograd(model, dataset), getattr(profile, moment)
    assert ours.percentile_80 == pytest.approx(np.quantile(norms, 0.8), rel=1e-4)
    assert ours.percentile_90 == pytest.approx(np.quantile(norms, 0.9), rel=1e-4)
    assert ours.clipped_share == np.mean(norms > 0.5)
    assert ours.edges[-1] == pytest.approx(norms.max(), rel=1e-4)
    expected = [np.sum((low <= norms) & (norms < high)) for low, high in zip(ours.edges, ours.edges[1:], strict=False)]
    assert sum(abs(c - e) for c, e in zip(ours.counts, expected, strict=True)) <= 2  # Rounding at an edge.


def test_histograms_hold_every_record(profile: ClipNormProfile) -> None:
    for moment, epochs in ((profile.initial, 0), (profile.trained, 1)):
        assert (moment.epochs, moment.records, sum(moment.counts)) == (epochs, 120, 120)
        assert len(moment.edges) == len(moment.counts) + 1 == 31
        assert moment.edges[0] == 0.0
    assert (profile.dataset, profile.model, profile.max_grad_norm, profile.warning) == ("toy", "mlp", 0.5, "")


def test_fewer_records_longer_training_and_the_same_again() -> None:
    settings = {"epochs": 3, "num_records": 17, "bins": 5}
    first, again = (get_clip_norm_profile(_toy(), CONFIG, **settings) for _ in range(2))
    assert first == again
    assert (first.trained.epochs, first.trained.records, len(first.trained.counts)) == (3, 17, 5)
    other = get_clip_norm_profile(_toy(), dataclasses.replace(CONFIG, seed=2), **settings)
    assert other.initial.edges != first.initial.edges


def test_patience_of_the_configuration_is_left_out() -> None:
    patient = dataclasses.replace(CONFIG, patience=1)
    assert get_clip_norm_profile(_toy(), patient, epochs=4) == get_clip_norm_profile(_toy(), CONFIG, epochs=4)


def test_real_records_are_refused_unless_asked_for(profile: ClipNormProfile) -> None:
    with pytest.raises(InvalidValue, match=r"^on_private_data must be set to look at gradients of toy, .* but is not"):
        get_clip_norm_profile(_toy(synthetic=False), CONFIG)
    asked = get_clip_norm_profile(_toy(synthetic=False), CONFIG, on_private_data=True)
    assert asked.warning == UNPAID
    assert "not paid for" in asked.warning
    assert dataclasses.replace(asked, warning="") == profile


@pytest.mark.parametrize("name", ["ham10000", "msd_liver", "pneumonia_mnist", "breast_cancer"])
def test_every_set_of_real_patients_counts_as_private(name: str) -> None:
    assert not spec(name).synthetic


@pytest.mark.parametrize(("field", "value"), [("epochs", 0), ("num_records", 0), ("bins", 0), ("bins", 1.5)])
def test_bad_input_is_named(field: str, value: object) -> None:
    with pytest.raises(InvalidValue, match=f"^{field} must be .*, but is"):
        get_clip_norm_profile(_toy(), CONFIG, **{field: value})


def test_a_diverged_training_is_an_error_not_a_profile() -> None:
    with pytest.raises(InvalidValue, match="learning_rate must be small enough"):
        get_clip_norm_profile(_toy(), dataclasses.replace(CONFIG, learning_rate=1e38), epochs=3)
