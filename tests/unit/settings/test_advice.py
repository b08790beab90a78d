"""Advice before a training: numbers against hand calculation and Opacus, sentences, and bad input."""

from __future__ import annotations

import dataclasses
import math
import warnings

import numpy as np
import pytest

from dpcore.errors import InvalidValue
from dpcore.privacy import DpSgdMechanism, NonPrivate, PrivacyTarget, calibrate
from dpcore.settings.advice import Advice, get_advice, get_noise_to_signal
from dpcore.training import TrainingConfig

NUM_TRAIN = 8192
DELTA = 8e-7
CONFIG = TrainingConfig(model="small_cnn", epochs=40, expected_batch_size=1024, max_grad_norm=8.0)


def _mechanism(config: TrainingConfig, epsilon: float, num_train: int = NUM_TRAIN) -> DpSgdMechanism:
    target = PrivacyTarget(epsilon=epsilon, delta=DELTA)
    return calibrate(target, sample_rate=config.sample_rate(num_train), steps=config.steps(num_train))


def _advice(config: TrainingConfig = CONFIG, *, epsilon: float = 8.0, **changes: object) -> dict[str, Advice]:
    settings = {"num_train": NUM_TRAIN, "num_parameters": 15_330, "delta": DELTA, **changes}
    if "mechanism" not in settings:
        settings["mechanism"] = _mechanism(config, epsilon, settings["num_train"])
    return {a.name: a for a in get_advice(config, **settings)}


def test_noise_to_signal_by_hand() -> None:
    mechanism = DpSgdMechanism(noise_multiplier=3.0, sample_rate=0.1, steps=10)
    assert get_noise_to_signal(mechanism, num_parameters=10_000, expected_batch_size=50) == 3.0 * 100 / 50


def test_noise_to_signal_is_what_noise_measures() -> None:
    """The norm of drawn noise on a mean gradient, relative to the clipping norm, whatever that is."""
    rng, noise, clip, batch, d = np.random.default_rng(0), 2.5, 0.3, 64, 4_000
    drawn = np.linalg.norm(rng.normal(0.0, noise * clip, size=(500, d)) / batch, axis=1)
    mechanism = DpSgdMechanism(noise_multiplier=noise, sample_rate=0.5, steps=1)
    expected = get_noise_to_signal(mechanism, num_parameters=d, expected_batch_size=batch)
    assert np.sqrt(np.mean(drawn**2)) / clip == pytest.approx(expected, rel=2e-3)


def test_a_small_batch_at_a_small_budget_is_warned_of_with_a_batch_that_helps() -> None:
    config = dataclasses.replace(CONFIG, expected_batch_size=32)
    mechanism = _mechanism(config, 1.0)
    advice = _advice(config, mechanism=mechanism)
    noise = advice["noise"]
    assert noise.severity == "warning"
    assert noise.value == pytest.approx(mechanism.noise_multiplier * math.sqrt(15_330) / 32)
    ratios = {
        batch: _mechanism(dataclasses.replace(CONFIG, expected_batch_size=batch), 1.0).noise_multiplier
        * math.sqrt(15_330)
        / batch
        for batch in (64, 128, 256, 512, 1024, 2048)
    }
    assert [batch for batch, ratio in ratios.items() if ratio < 1] == [2048]
    summed, summed_now = ratios[2048] / math.sqrt(160), noise.value / math.sqrt(10_240)
    assert noise.text == (
        f"Batch 32 at ε = 1: in each step the noise is at least {noise.value:.2g} times the signal; batch 2048 would "
        f"make it {ratios[2048]:.2g} times, in 160 steps instead of 10240 (summed over all steps the noise is then "
        f"{summed:.2g} instead of {summed_now:.2g} times the signal)."
    )
    assert advice["learning_rate"].value == pytest.approx(2e-3 * 8)  # √(2048 / 32)
    assert "large_batch" not in advice


def test_the_suggested_noise_is_what_opacus_asks_for() -> None:
    from opacus.accountants.utils import get_noise_multiplier

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = get_noise_multiplier(
            target_epsilon=8.0, target_delta=DELTA, sample_rate=0.25, steps=160, epsilon_tolerance=1e-5
        )
    value = _advice()["large_batch"].value
    assert value == pytest.approx(theirs * math.sqrt(15_330) / 2048, rel=1e-4)


@pytest.mark.parametrize("accountant", ["rdp", "tight"])
def test_twice_the_epochs_need_more_noise(accountant: str) -> None:
    target = PrivacyTarget(epsilon=8.0, delta=DELTA, accountant=accountant)
    half, now, double = (
        calibrate(target, sample_rate=0.125, steps=steps).noise_multiplier for steps in (160, 320, 640)
    )
    mechanism = DpSgdMechanism(noise_multiplier=now, sample_rate=0.125, steps=320)
    epochs = _advice(mechanism=mechanism, accountant=accountant)["epochs"]
    assert epochs.value == pytest.approx(double / now, rel=1e-6)
    assert f"half of the 40 epochs would need σ = {half:.3g} instead of {now:.3g}, and twice as many {double:.3g}" in (
        epochs.text
    )


def test_full_batches_have_nothing_larger() -> None:
    config = dataclasses.replace(CONFIG, expected_batch_size=NUM_TRAIN)
    advice = _advice(config)
    assert "large_batch" not in advice
    assert advice["learning_rate"].value == config.learning_rate
    assert "try" not in advice["learning_rate"].text
    loud = _advice(config, num_parameters=10**10)["noise"]
    assert loud.severity == "warning"
    assert loud.text.endswith("no larger batch would lessen it, only a smaller model, more records or a larger ε.")


def test_where_no_batch_is_enough_the_best_is_named() -> None:
    noise = _advice(num_parameters=8_900_000)["noise"]
    quietest = _mechanism(dataclasses.replace(CONFIG, expected_batch_size=8192), 8.0).noise_multiplier
    assert quietest * math.sqrt(8_900_000) / 8192 > 1
    assert "batch 8192 would make it" in noise.text
    assert noise.text.endswith("; below 1 come only a smaller model, more records or a larger ε.")


@pytest.mark.parametrize(
    ("delta", "severity"), [(1e-5, None), (2e-5, "note"), (1 / NUM_TRAIN, "warning"), (1e-3, "warning")]
)
def test_delta_must_be_well_below_one_in_n(delta: float, severity: str | None) -> None:
    found = _advice(delta=delta).get("delta")
    assert (found and found.severity) == severity
    if found:
        assert found.value == pytest.approx(delta * NUM_TRAIN)


@pytest.mark.parametrize(
    ("prevalence", "weight", "value"),
    [(0.2, 1.0, 4.0), (0.8, 1.0, 0.25), (0.2, 4.0, None), (0.4, 1.0, None), (0.6, 1.0, None), (None, 1.0, None)],
)
@pytest.mark.parametrize("privacy", ["DP", "no DP"])
def test_imbalance_without_weights(prevalence: float | None, weight: float, value: float | None, privacy: str) -> None:
    config = dataclasses.replace(CONFIG, positive_weight=weight)
    mechanism = NonPrivate() if privacy == "no DP" else _mechanism(config, 8.0)
    found = _advice(config, prevalence=prevalence, mechanism=mechanism).get("imbalance")
    assert (found.value if found else None) == (pytest.approx(value) if value else None)


def test_without_dp_there_is_no_noise_to_speak_of() -> None:
    assert _advice(mechanism=NonPrivate()) == {}


def test_multiplicity_is_advised_for_pictures_that_have_no_views_yet() -> None:
    assert _advice()["multiplicity"].value == 4.0
    assert "multiplicity" not in _advice(pictures=False)
    assert "multiplicity" not in _advice(dataclasses.replace(CONFIG, multiplicity=2, flips=True))


@pytest.mark.parametrize("epsilon", [0.1, 8.0, 1e9, 1e15])
def test_every_advice_is_one_sentence_and_warnings_come_first(epsilon: float) -> None:
    config = dataclasses.replace(CONFIG, expected_batch_size=32)
    found = list(_advice(config, epsilon=epsilon, prevalence=0.1).values())
    assert [a.severity for a in found] == sorted((a.severity for a in found), reverse=True)
    for advice in found:
        assert math.isfinite(advice.value)
        assert advice.text.endswith(".")
        assert "e+" not in advice.text
        assert "nan" not in advice.text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"num_train": 0, "mechanism": NonPrivate()}, "num_train"),
        ({"num_train": 100, "mechanism": DpSgdMechanism(noise_multiplier=1, sample_rate=1, steps=1)}, "expected_batch"),
        ({"num_parameters": 0}, "num_parameters"),
        ({"num_parameters": 1.5}, "num_parameters"),
        ({"delta": 0.0}, "delta"),
        ({"delta": 1.0}, "delta"),
        ({"accountant": "prv"}, "accountant"),
        ({"prevalence": 0.0}, "prevalence"),
        ({"prevalence": float("nan")}, "prevalence"),
        ({"mechanism": DpSgdMechanism(noise_multiplier=1, sample_rate=0.125, steps=319)}, "mechanism"),
    ],
)
def test_bad_input_is_named(changes: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidValue, match=f"^{field}\\w* must "):
        _advice(**changes)
