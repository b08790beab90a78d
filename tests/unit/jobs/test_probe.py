"""A look at a dataset and this machine's speed."""

from __future__ import annotations

import json
import time

import pytest

from dpcore import datasets
from dpcore.jobs import DatasetFacts, ProbeTask, RunSettings, expected_seconds
from dpcore.jobs.forecast import facts_from_json
from dpcore.jobs.loading import load
from dpcore.jobs.probe import probe_dataset
from dpcore.jobs.work import perform_task
from dpcore.models import build_model
from dpcore.settings import TrainingConfig, models_for


class Stopped(Exception):
    """What a test's `check` raises."""


def _probe(dataset: str) -> DatasetFacts:
    plain = perform_task(ProbeTask(dataset=dataset), report=lambda _: None, check=lambda: None)
    return facts_from_json(json.loads(json.dumps(plain, allow_nan=False)))


@pytest.fixture(scope="module")
def table() -> DatasetFacts:
    """Of a table of real patients."""
    return _probe("breast_cancer")


def test_sizes_are_those_of_the_data(table: DatasetFacts) -> None:
    split = datasets.load("breast_cancer").split
    sizes = (table.num_train, table.num_validation, table.num_test)
    assert sizes == (len(split.train), len(split.validation), len(split.test))
    assert set(table.models) == {"mlp"}
    network = build_model("mlp", (30,), seed=0)
    assert table.models["mlp"].num_parameters == sum(p.numel() for p in network.parameters())


def test_labels_of_patients_are_not_counted(table: DatasetFacts) -> None:
    assert table.prevalence is None


def test_a_probe_makes_a_forecast(table: DatasetFacts) -> None:
    training = TrainingConfig(model="mlp", epochs=40, expected_batch_size=128, max_grad_norm=2.0)
    for epsilon in (8.0, None):
        settings = RunSettings(dataset="breast_cancer", training=training, epsilon=epsilon)
        expected = expected_seconds(settings, table)
        assert expected is not None
        assert table.attack_seconds < expected < 60
    assert table.load_seconds == load("breast_cancer", None).seconds > 0  # Not the moment a second load takes.


@pytest.fixture(scope="module")
def pictures() -> DatasetFacts:
    """Of a phantom, in a hurry."""
    return probe_dataset(load("skin_phantom", None), check=lambda: None, seconds=1.0)


def test_models_too_large_to_wait_for_are_left_out(pictures: DatasetFacts) -> None:
    assert set(pictures.models) == set(models_for(datasets.spec("skin_phantom"))) - {"wrn40_4"}
    small, large = pictures.models["small_cnn"], pictures.models["resnet9"]
    assert small.num_parameters == 15_330
    # A ResNet-9 takes about ten times as long; half of that leaves room for a busy machine.
    assert large.private_seconds_per_view > 3 * small.private_seconds_per_view
    assert large.plain_seconds_per_view > 3 * small.plain_seconds_per_view


def test_labels_of_a_phantom_are_counted(pictures: DatasetFacts) -> None:
    dataset = load("skin_phantom", None).dataset
    assert pictures.prevalence == pytest.approx(sum(dataset.labels[dataset.split.train]) / 6000)


def test_a_probe_stops_at_once() -> None:
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Stopped

    start = time.perf_counter()
    with pytest.raises(Stopped):
        probe_dataset(load("skin_phantom", None), check=check)
    assert calls == 3
    assert time.perf_counter() - start < 5
