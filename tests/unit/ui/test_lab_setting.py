"""The settings a visitor may type in the live lab, and the sentences when they cannot be used."""

from __future__ import annotations

import math

import pytest

from dpcore import datasets
from dpcore.errors import InvalidValue, ResultsUnavailable
from dpcore.settings import TrainingConfig
from ui.fields import link_fields, read_fields
from ui.lab_setting import (
    FIELDS,
    Base,
    fitting,
    planned_training,
    read_model,
    run_settings,
)

PLANNED = TrainingConfig(model="small_cnn", epochs=20, expected_batch_size=1024, max_grad_norm=8.0, positive_weight=4.0)
BASE = Base(spec=datasets.spec("skin_phantom"), training=PLANNED, num_train=6000, delta=8e-7)
TABLE = Base(
    spec=datasets.spec("breast_cancer"),
    training=TrainingConfig(model="mlp", epochs=40, expected_batch_size=128, max_grad_norm=2.0),
    num_train=426,
    delta=8e-7,
)


def test_without_numbers_it_is_the_sweep_s_training() -> None:
    settings = run_settings({}, "", BASE, epsilon=8.0, counted="rdp")
    assert (settings.training, settings.epsilon, settings.noise_multiplier) == (PLANNED, 8.0, None)
    assert settings.delta == BASE.delta


def test_every_number_reaches_the_training() -> None:
    overrides = {"clip": 1.5, "batch": 64.0, "epochs": 3.0, "rate": 0.01, "weight": 2.0, "views": 4.0, "seed": 9.0}
    training = run_settings(overrides, "resnet9", BASE, epsilon=8.0, counted="tight").training
    assert training == TrainingConfig(
        model="resnet9", epochs=3, expected_batch_size=64, max_grad_norm=1.5, learning_rate=0.01, positive_weight=2.0,
        multiplicity=4, flips=True, seed=9,
    )  # fmt: skip
    assert isinstance(training.expected_batch_size, int)


def test_sigma_decides_instead_of_the_budget() -> None:
    settings = run_settings({"sigma": 1.25}, "", BASE, epsilon=8.0, counted="rdp")
    assert (settings.epsilon, settings.noise_multiplier) == (None, 1.25)


def test_no_budget_is_no_dp() -> None:
    assert not run_settings({}, "", BASE, epsilon=math.inf, counted="rdp").is_private


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("epochs", "0", "Epochs must be a whole number from 1 to 1,000, but is “0”."),
        ("epochs", "1e6", "Epochs must be a whole number from 1 to 1,000, but is “1e6”."),
        ("epochs", "2.5", "Epochs must be a whole number from 1 to 1,000, but is “2.5”."),
        ("batch", "", "Batch must be a whole number from 1 to 1,000,000, but is empty."),
        ("sigma", "nan", "Noise σ must be a number from 1e-8 to 1000, but is “nan”."),
        ("sigma", "-1", "Noise σ must be a number from 1e-8 to 1000, but is “-1”."),
        ("clip", "inf", "Clip norm C must be a number from 0.0001 to 1000, but is “inf”."),
        ("views", "17", "Views must be a whole number from 1 to 16, but is “17”."),
        ("seed", "-1", "Seed must be a whole number from 0 to 2,147,483,647, but is “-1”."),
    ],
)
def test_a_bad_number_is_refused_in_one_sentence(name: str, text: str, sentence: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        FIELDS[name].parse(text)
    assert str(caught.value) == sentence


def test_a_batch_above_the_records_is_refused() -> None:
    kept, _, problems = fitting({"batch": 6001.0}, "", BASE)
    assert kept == {}
    assert problems == ["Batch must be at most the 6,000 training records, but is 6,001."]


def test_a_table_has_no_mirrored_views() -> None:
    _, _, problems = fitting({"views": 2.0}, "", TABLE)
    assert problems == ["multiplicity must be 1 for table rows, which cannot be mirrored, but is 2."]


def test_a_model_of_another_task_is_dropped() -> None:
    assert fitting({}, "small_cnn", TABLE) == ({}, "", [])


def test_what_is_as_planned_is_no_change() -> None:
    typed = {"batch": 1024.0, "clip": 8.0, "seed": 0.0, "sigma": math.nan}
    assert fitting(typed, "small_cnn", BASE) == ({}, "", [])


def test_an_emptied_sigma_follows_the_budget_again() -> None:
    assert math.isnan(FIELDS["sigma"].parse("  "))
    assert FIELDS["sigma"].show(math.nan) == ""


def test_a_seed_may_be_zero() -> None:
    assert FIELDS["seed"].parse("0") == 0


def test_a_link_leads_back_to_the_same_settings() -> None:
    overrides = {"sigma": 0.123456789, "batch": 100.0, "rate": 0.0123, "seed": 5.0}
    sent = {name: [text] for name, text in link_fields(overrides, FIELDS).items()}
    assert read_fields(sent, FIELDS) == (overrides, [])


def test_what_a_link_cannot_mean_is_said() -> None:
    found, problems = read_fields({"epochs": ["3", "4"], "batch": ["<b>"]}, FIELDS)
    assert found == {}
    assert problems == [
        "In the link: Batch must be a whole number from 1 to 1,000,000, but is “<b>”.",
        "In the link: Epochs must be given once, but is given 2 times.",
    ]
    model, said = read_model({"model": ["unet"]}, BASE)
    assert model == ""
    assert said[0].startswith("In the link: model must be one of small_cnn, ")


def test_shown_values_can_be_typed_again() -> None:
    for name in FIELDS:
        value = BASE.value(name)
        if not math.isnan(value):
            assert FIELDS[name].parse(FIELDS[name].show(value)) == pytest.approx(value, rel=1e-3), name


def test_the_plan_is_read_from_the_manifest() -> None:
    row = {
        "name": "skin_phantom", "model": "small_cnn", "epochs": 20, "expected_batch_size": 1024, "max_grad_norm": 8.0,
        "positive_weight": 4.0, "tune_epochs": [10, 20],
    }  # fmt: skip
    assert planned_training({"plan": {"datasets": [row]}}, "skin_phantom") == PLANNED
    with pytest.raises(ResultsUnavailable, match="does not say how “ham10000” was trained"):
        planned_training({"plan": {"datasets": [row]}}, "ham10000")
