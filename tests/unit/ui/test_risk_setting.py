"""The numbers a visitor may type on the page of risk bounds, and the sentences when they cannot be used."""

from __future__ import annotations

import math

import pytest

from dpcore.errors import InvalidValue
from ui.evidence import Point
from ui.fields import format_value, link_fields
from ui.risk_setting import FIELDS, apply, fitting, read_overrides

POINT = Point(
    target_epsilon=8.0, epsilon_tight=7.4, noise_multiplier=1.4, delta=8e-7, sample_rate=1024 / 7509, steps=147,
    num_train=7509, kappa=1 / 7509, seeds=5, utility_mean=0.2, utility_sd=0.01, auc_mean=0.8,
    dice_tumour_mean=math.nan, share_of_no_dp=0.5,
    p_ttest=0.01, p_tost=0.9, tost_margin=0.05, worst_case=0.01, relaxed=0.001,
)  # fmt: skip


def test_without_numbers_it_is_the_measured_training() -> None:
    setting = apply({}, POINT)
    assert (setting.num_train, setting.expected_batch_size, setting.epochs, setting.steps) == (7509, 1024, 20, 147)
    assert setting.is_measured
    assert setting.kappa == 1 / 7509


def test_epochs_give_steps_as_in_training() -> None:
    setting = apply({"n": 1000, "batch": 100, "epochs": 7}, POINT)
    assert (setting.sample_rate, setting.steps, setting.kappa) == (0.1, 70, 0.001)
    assert not setting.is_measured


def test_a_batch_of_all_records_is_a_full_batch() -> None:
    setting = apply({"batch": 7509, "epochs": 20}, POINT)
    assert (setting.sample_rate, setting.steps) == (1.0, 20)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("n", "7,509", 7509), ("n", "1e6", 1e6), ("delta", "8e-7", 8e-7), ("delta", "10⁻⁶", 1e-6),
     ("kappa", "1/8082", 1 / 8082)],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(name: str, text: str, value: float) -> None:
    assert FIELDS[name].parse(text) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("n", "many", "Training records N must be a whole number from 2 to 100,000,000, but is “many”."),
        ("n", "1", "Training records N must be a whole number from 2 to 100,000,000, but is “1”."),
        ("batch", "0", "Batch must be a whole number from 1 to 100,000,000, but is “0”."),
        ("epochs", "2.5", "Epochs must be a whole number from 1 to 100,000, but is “2.5”."),
        ("delta", "1", "δ must be a number from 1e-15 to 0.1, but is “1”."),
        ("delta", "nan", "δ must be a number from 1e-15 to 0.1, but is “nan”."),
        ("kappa", "0", "κ, chance by guessing must be a number from 1e-8 to 1, but is “0”."),
        ("kappa", "inf", "κ, chance by guessing must be a number from 1e-8 to 1, but is “inf”."),
        ("kappa", "1/0", "κ, chance by guessing must be a number from 1e-8 to 1, but is “1/0”."),
        ("kappa", "1/2/3", "κ, chance by guessing must be a number from 1e-8 to 1, but is “1/2/3”."),
    ],
)
def test_a_bad_number_is_refused_in_one_sentence(name: str, text: str, sentence: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        FIELDS[name].parse(text)
    assert str(caught.value) == sentence


def test_a_batch_larger_than_the_data_is_refused() -> None:
    kept, problems = fitting({"n": 100, "batch": 1000}, POINT)
    assert kept == {}
    assert problems == ["Batch must be at most the 100 training records, but is 1,000."]


def test_more_steps_than_anyone_runs_are_refused() -> None:
    _, problems = fitting({"n": 1e8, "batch": 1, "epochs": 100_000}, POINT)
    assert problems == ["Steps (epochs · N / batch) must be at most 100,000,000, but are 10,000,000,000,000."]


def test_a_typed_default_is_no_change() -> None:
    assert fitting({"n": 7509, "kappa": 1 / 7509, "delta": 8e-7}, POINT) == ({}, [])


def test_a_link_leads_back_to_the_same_numbers() -> None:
    overrides = {"n": 500.0, "batch": 50.0, "epochs": 3.0, "delta": 1.2345678e-6, "kappa": 1 / 3}
    sent = {name: [text] for name, text in link_fields(overrides, FIELDS).items()}
    assert read_overrides(sent, POINT) == (overrides, [])


def test_a_parameter_given_twice_is_refused() -> None:
    kept, problems = read_overrides({"n": ["5", "6"]}, POINT)
    assert kept == {}
    assert problems == ["In the link: Training records N must be given once, but is given 2 times."]


def test_shown_values_can_be_typed_again() -> None:
    setting = apply({}, POINT)
    for name, field in FIELDS.items():
        shown = format_value(setting.value(name), field)
        assert math.isclose(field.parse(shown), setting.value(name), rel_tol=1e-3), name
