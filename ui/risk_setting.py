"""The training a visitor may change on the page of risk bounds: fields, limits, and what a sweep's point gives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dpcore.errors import InvalidValue
from ui.evidence import Point
from ui.fields import Field, read_fields
from ui.glossary import meaning

#: So many steps are still composed at once; more are no training anyone runs.
MOST_STEPS = 100_000_000


FIELDS = {
    field.name: field
    for field in (
        Field(
            name="n",
            label="Training records N",
            help="How many records the model learns from. Guessing at random picks the right one with chance 1/N.",
            low=2,
            high=1e8,
            whole=True,
        ),
        Field(
            name="batch",
            label="Batch",
            help=f"{meaning('batch')} Batch / N is the sample rate q.",
            low=1,
            high=1e8,
            whole=True,
        ),
        Field(
            name="epochs",
            label="Epochs",
            help=f"{meaning('epoch')} Epochs · N / batch gives the steps.",
            low=1,
            high=100_000,
            whole=True,
        ),
        Field(
            name="delta",
            label="δ",
            help=meaning("delta"),
            low=1e-15,
            high=0.1,
            whole=False,
        ),
        Field(
            name="kappa",
            label="κ, chance by guessing",
            help=f"{meaning('kappa')} Type 0.001 or 1/1000.",
            low=1e-8,
            high=1.0,
            whole=False,
        ),
    )
}

Overrides = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A training, as far as privacy sees it."""

    num_train: int
    expected_batch_size: int
    epochs: int
    delta: float
    kappa: float
    sample_rate: float
    steps: int
    #: Whether it is the training that was measured.
    is_measured: bool

    def value(self, name: str) -> float:
        """Returns the value of a field."""
        return {
            "n": self.num_train,
            "batch": self.expected_batch_size,
            "epochs": self.epochs,
            "delta": self.delta,
            "kappa": self.kappa,
        }[name]


def apply(overrides: Overrides, point: Point) -> Setting:
    """Returns the sweep's training with the visitor's numbers in place of its own; raises InvalidValue.

    Steps are those whose expected passes over the records come closest to the epochs, as in training.
    """
    num_train = int(overrides.get("n", point.num_train))
    batch = int(overrides.get("batch", max(1, round(point.sample_rate * point.num_train))))
    epochs = int(overrides.get("epochs", max(1, round(point.sample_rate * point.steps))))
    if batch > num_train:
        raise InvalidValue(f"Batch must be at most the {num_train:,} training records, but is {batch:,}.")
    sample_rate, steps = point.sample_rate, point.steps
    if {"n", "batch", "epochs"} & set(overrides):
        sample_rate = batch / num_train
        steps = max(1, round(epochs / sample_rate))
    if steps > MOST_STEPS:
        raise InvalidValue(f"Steps (epochs · N / batch) must be at most {MOST_STEPS:,}, but are {steps:,}.")
    return Setting(
        num_train=num_train,
        expected_batch_size=batch,
        epochs=epochs,
        delta=float(overrides.get("delta", point.delta)),
        kappa=float(overrides.get("kappa", 1 / num_train)),
        sample_rate=sample_rate,
        steps=steps,
        is_measured=not overrides,
    )


def read_overrides(sent: Mapping[str, Sequence[str]], point: Point) -> tuple[dict[str, float], list[str]]:
    """Returns the numbers a link asks for, and a sentence for each that cannot be used."""
    found, problems = read_fields(sent, FIELDS)
    kept, more = fitting(found, point)
    return kept, problems + [f"In the link: {sentence}" for sentence in more]


def fitting(overrides: Overrides, point: Point) -> tuple[dict[str, float], list[str]]:
    """Returns the numbers that make a training together with the sweep's, all or none, and why not."""
    kept = {name: value for name, value in overrides.items() if value != _default(name, point)}
    if "kappa" in kept and kept["kappa"] == 1 / kept.get("n", point.num_train):
        del kept["kappa"]
    try:
        apply(kept, point)
    except InvalidValue as error:
        return {}, [str(error)]
    return kept, []


def _default(name: str, point: Point) -> float:
    setting = apply({}, point)
    return math.nan if name == "kappa" else setting.value(name)
