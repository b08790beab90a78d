"""A look at a dataset's size and at how fast this machine trains its models and attacks them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import numpy as np

from dpcore.datasets.spec import Dataset, Split
from dpcore.jobs.attacked import attack_run
from dpcore.jobs.chunks import count_weights, in_chunks
from dpcore.jobs.forecast import DatasetFacts, ModelFacts
from dpcore.jobs.loading import Loaded
from dpcore.models import build_model
from dpcore.privacy import DpSgdMechanism, NonPrivate
from dpcore.settings import TrainingConfig, models_for
from dpcore.training import Training
from dpcore.training.loop import Privacy

Check = Callable[[], None]

#: Seconds of a whole probe, loading aside.
SECONDS = 6.0
#: Larger models are too slow to train while someone waits, and even to probe.
MOST_WEIGHTS = 1_000_000
#: Records in the step that warms up and in those that are timed, and most of the latter.
_WARM_UP, _RECORDS, _STEPS = 32, 256, 8
_EPOCHS_ATTACKED = 10
#: With noise, which takes the same time whatever its size, and without.
_BOTH: tuple[Privacy, Privacy] = (DpSgdMechanism(noise_multiplier=1.0, sample_rate=1.0, steps=_STEPS + 1), NonPrivate())


def probe_dataset(loaded: Loaded, *, check: Check, seconds: float = SECONDS) -> DatasetFacts:
    """Returns a dataset's size, and speeds from steps and attacks that are really made; nothing of them is kept.

    The attacks are timed on the dataset's cheapest model, untrained; speeds on at most 256 training records, or fewer
    where a model is so slow that the probe would take longer than about `seconds`.

    Args:
        loaded: the dataset.
        check: called between chunks and parts; what it raises stops the probe.
        seconds: shared by everything that is timed.

    Raises:
        Exception: whatever `check` raises.
    """
    start = time.perf_counter()
    dataset, spec = loaded.dataset, loaded.dataset.spec
    attack_seconds = _time_attacks(loaded, check)
    weights = {name: count_weights(name, spec) for name in models_for(spec)}
    probed = [name for name, count in weights.items() if count <= MOST_WEIGHTS]
    models = {}
    for place, name in enumerate(probed):
        left = max(0.0, seconds - (time.perf_counter() - start)) / (2 * (len(probed) - place))
        private, plain = (_time_view(dataset, name, privacy, left, check) for privacy in _BOTH)
        models[name] = ModelFacts(
            num_parameters=weights[name], private_seconds_per_view=private, plain_seconds_per_view=plain
        )
    split = dataset.split
    return DatasetFacts(
        dataset=spec.name,
        num_train=len(split.train),
        num_validation=len(split.validation),
        num_test=len(split.test),
        # Of real patients it would be a look at their labels that no budget pays for.
        prevalence=float((dataset.labels[split.train] > 0).mean()) if spec.synthetic else None,
        attack_seconds=attack_seconds,
        load_seconds=loaded.seconds,
        models=models,
    )


def _time_attacks(loaded: Loaded, check: Check) -> float:
    spec = loaded.dataset.spec
    model = build_model(models_for(spec)[0], spec.record_shape, seed=0, num_classes=spec.num_classes)
    start = time.perf_counter()
    attack_run(loaded, model, noise_multiplier=1.0, epochs=_EPOCHS_ATTACKED, check=check)
    return time.perf_counter() - start


def _time_view(dataset: Dataset, model: str, privacy: Privacy, seconds: float, check: Check) -> float:
    """The median over steps of the seconds a view takes; at least one step after the one that warms up."""
    few = _first_records(dataset)
    taking_part = np.zeros(len(few.split.train), dtype=bool)
    taking_part[:_WARM_UP] = True
    # All records are in every step, so that the number of views is known.
    config = TrainingConfig(model=model, epochs=_STEPS + 1, expected_batch_size=len(taking_part), max_grad_norm=1.0)
    training = Training(few, in_chunks(config, few.spec), privacy, members=taking_part, check=check)
    steps = iter(training)
    end = time.perf_counter() + seconds
    next(steps)
    guessed = training.seconds / taking_part.sum()
    taking_part[: int(np.clip((end - time.perf_counter()) / guessed, _WARM_UP, _RECORDS))] = True
    times: list[float] = []
    while len(times) < _STEPS and (not times or time.perf_counter() + times[-1] < end):
        before = training.seconds
        next(steps)
        times.append(training.seconds - before)
    return float(np.median(times) / taking_part.sum())


def _first_records(dataset: Dataset) -> Dataset:
    split = dataset.split
    few = Split(train=split.train[:_RECORDS], validation=split.validation, test=split.test)
    return dataclasses.replace(dataset, split=few)
