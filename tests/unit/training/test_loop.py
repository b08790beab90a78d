"""The training loop: noise of the right scale, ε as Opacus counts it, determinism, cancelling, learning."""

from __future__ import annotations

import dataclasses
import itertools
import warnings

import numpy as np
import pytest
import torch
from scipy import stats

from dpcore.datasets import spec
from dpcore.datasets.spec import Dataset, Split
from dpcore.errors import InvalidValue
from dpcore.privacy import DpSgdMechanism, NonPrivate, get_epsilon_from_mechanism
from dpcore.training import Training, TrainingCancelled, TrainingConfig, train

CONFIG = TrainingConfig(model="mlp", epochs=5, expected_batch_size=40, max_grad_norm=0.5, seed=1)


@pytest.fixture(scope="module")
def toy() -> Dataset:
    """200 records of 30 features, two classes 1.6 standard deviations apart in every feature."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    features = (rng.normal(size=(200, 30)) + 0.8 * (2 * labels[:, None] - 1)).astype(np.float32)
    split = Split(train=np.arange(120), validation=np.arange(120, 140), test=np.arange(140, 200))
    return Dataset(spec=spec("breast_cancer"), features=features, labels=labels, groups=np.arange(200), split=split)


def _mechanism(config: TrainingConfig, *, noise_multiplier: float) -> DpSgdMechanism:
    return DpSgdMechanism(
        noise_multiplier=noise_multiplier, sample_rate=config.sample_rate(120), steps=config.steps(120)
    )


def _noise_of_one_step(toy: Dataset, noise_multiplier: float) -> torch.Tensor:
    """Isolates the noise: the step's gradient on an empty batch, times the expected batch size."""
    training = Training(toy, CONFIG, _mechanism(CONFIG, noise_multiplier=noise_multiplier))
    training._private_gradient(torch.empty(0, 30), torch.empty(0, dtype=torch.long), noise_multiplier)
    return torch.cat([p.grad.flatten() for p in training.model.parameters()]) * CONFIG.expected_batch_size


def _p_value(noise: torch.Tensor, noise_std: float) -> float:
    return float(stats.kstest(noise.cpu().numpy() / noise_std, "norm").pvalue)


def test_noise_has_the_scale_of_noise_multiplier_times_clipping_norm(toy: Dataset) -> None:
    noise = _noise_of_one_step(toy, 3.0)
    expected = 3.0 * CONFIG.max_grad_norm
    assert _p_value(noise, expected) > 1e-4  # False alarm in 1 of 10,000 seeds; this seed is fixed.
    for wrong in (2 / 3, 3 / 2):
        assert _p_value(noise, expected * wrong) < 1e-6


def test_every_step_adds_fresh_noise(toy: Dataset) -> None:
    training = Training(toy, CONFIG, _mechanism(CONFIG, noise_multiplier=1e6))
    gradients = []
    for _ in itertools.islice(training, 2):
        gradients.append(torch.cat([p.grad.flatten().clone() for p in training.model.parameters()]))
    correlation = float(torch.corrcoef(torch.stack(gradients))[0, 1])
    assert abs(correlation) < 0.1


def test_spends_the_epsilon_that_opacus_counts(toy: Dataset) -> None:
    from opacus.accountants import RDPAccountant

    mechanism = _mechanism(CONFIG, noise_multiplier=1.3)
    training = Training(toy, CONFIG, mechanism)
    accountant = RDPAccountant()
    for _ in training:
        accountant.step(noise_multiplier=1.3, sample_rate=CONFIG.sample_rate(120))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = accountant.get_epsilon(delta=1e-5)
    assert get_epsilon_from_mechanism(mechanism, delta=1e-5, accountant="rdp") == pytest.approx(theirs, rel=1e-6)


def test_poisson_batches_have_the_binomial_distribution(toy: Dataset) -> None:
    training = Training(toy, CONFIG, NonPrivate())
    sizes = np.array([len(training._sample_batch()[0]) for _ in range(2000)])
    rate = CONFIG.sample_rate(120)
    assert abs(sizes.mean() - 120 * rate) < 4 * np.sqrt(120 * rate * (1 - rate) / 2000)
    assert sizes.var() == pytest.approx(120 * rate * (1 - rate), rel=0.15)  # A fixed batch size would have none.


@pytest.mark.parametrize("noise_multiplier", [None, 1.0])
def test_same_seed_same_model_other_seed_other_model(toy: Dataset, noise_multiplier: float | None) -> None:
    def weights(seed: int) -> torch.Tensor:
        config = dataclasses.replace(CONFIG, seed=seed)
        privacy = _mechanism(config, noise_multiplier=noise_multiplier) if noise_multiplier else NonPrivate()
        return torch.nn.utils.parameters_to_vector(train(toy, config, privacy).model.parameters())

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_learns_without_dp_and_not_under_crushing_noise(toy: Dataset) -> None:
    config = dataclasses.replace(CONFIG, epochs=30, learning_rate=5e-3)
    assert train(toy, config, NonPrivate()).scores["auc"] > 0.95
    assert train(toy, config, _mechanism(config, noise_multiplier=1e-3)).scores["auc"] > 0.95
    assert train(toy, config, _mechanism(config, noise_multiplier=1e4)).scores["auc"] < 0.9


def test_progress_counts_every_step_and_can_be_left(toy: Dataset) -> None:
    training = Training(toy, CONFIG, _mechanism(CONFIG, noise_multiplier=1.0))
    reports = list(itertools.islice(training, 4))
    assert [r.step for r in reports] == [1, 2, 3, 4]
    assert all(r.steps == 15 for r in reports)
    with pytest.raises(TrainingCancelled, match="after step 4 of 15"):
        training.finish()
    assert [r.step for r in training] == list(range(5, 16))  # Going on is possible too.
    assert len(training.finish().losses) == 15


def test_a_mechanism_of_another_training_is_refused(toy: Dataset) -> None:
    other = DpSgdMechanism(noise_multiplier=1.0, sample_rate=CONFIG.sample_rate(120), steps=14)
    with pytest.raises(InvalidValue, match="mechanism must have the configuration's sample_rate and steps"):
        Training(toy, CONFIG, other)


BAD_SETTINGS = {
    "epochs": (0, 1.5),
    "expected_batch_size": (0, -3),
    "max_grad_norm": (0.0, float("nan")),
    "learning_rate": (-1.0,),
    "positive_weight": (float("inf"),),
    "seed": (-1,),
    "chunk_size": (0,),
}


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, values in BAD_SETTINGS.items() for v in values])
def test_bad_settings_are_named(field: str, value: object) -> None:
    with pytest.raises(InvalidValue, match=f"^{field} must be .*, but is"):
        dataclasses.replace(CONFIG, **{field: value})


def test_a_batch_above_the_training_set_is_refused() -> None:
    with pytest.raises(InvalidValue, match="expected_batch_size must be at most the 30 training records, but is 40"):
        CONFIG.steps(30)
