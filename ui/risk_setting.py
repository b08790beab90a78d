"""The training a visitor may change on the page of risk bounds: fields, limits, and what a sweep's point gives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dpcore.errors import InvalidValue
from ui.epsilon import parse_epsilon, quoted
from ui.evidence import Point
from ui.numbers import format_count

#: So many steps are still composed at once; more are no training anyone runs.
MOST_STEPS = 100_000_000


@dataclass(frozen=True, kw_only=True)
class Field:
    """One number to type: its limits are used by the widget, the link and the tests alike."""

    #: In the URL.
    name: str
    label: str
    help: str
    low: float
    high: float
    whole: bool

    @property
    def rule(self) -> str:
        """What a value must be, in words."""
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {format_value(self.low, self)} to {format_value(self.high, self)}"

    def parse(self, text: str) -> float:
        """Returns the value of what was typed: “7,509”, “8e-7”, “10⁻⁶”, “1/8082”; raises InvalidValue."""
        value = _to_number(text)
        if value is None or not self.low <= value <= self.high or (self.whole and value != int(value)):
            raise InvalidValue(f"{self.label} must be {self.rule}, but is {quoted(text)}.")
        return value


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
            help="How many records a training step uses on average. Batch / N is the sample rate q.",
            low=1,
            high=1e8,
            whole=True,
        ),
        Field(
            name="epochs",
            label="Epochs",
            help="How often training passes over all records. Epochs · N / batch gives the steps.",
            low=1,
            high=100_000,
            whole=True,
        ),
        Field(
            name="delta",
            label="δ",
            help="The chance with which the promise of ε may fail. Must be well below 1/N.",
            low=1e-15,
            high=0.1,
            whole=False,
        ),
        Field(
            name="kappa",
            label="κ, chance by guessing",
            help="The attacker's chance without the model, 1/N unless you know better. Type 0.001 or 1/1000.",
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
    found: dict[str, float] = {}
    problems: list[str] = []
    for name, field in FIELDS.items():
        values = sent.get(name, ())
        try:
            if len(values) > 1:
                raise InvalidValue(f"{field.label} must be given once, but is given {len(values)} times.")
            if values:
                found[name] = field.parse(values[0])
        except InvalidValue as error:
            problems.append(f"In the link: {error}")
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


def link_overrides(overrides: Overrides) -> dict[str, str]:
    """Returns the query parameters that lead back to these numbers."""
    return {name: format_value(overrides[name], FIELDS[name], link=True) for name in FIELDS if name in overrides}


def format_value(value: float, field: Field, *, link: bool = False) -> str:
    """Returns a value as typed: “7,509”, “8e-07” (in a link without commas, with all digits)."""
    if field.whole:
        return str(int(value)) if link else format_count(value)
    return repr(float(value)) if link else f"{value:.4g}".replace("e-0", "e-")


def _default(name: str, point: Point) -> float:
    setting = apply({}, point)
    return math.nan if name == "kappa" else setting.value(name)


def _to_number(text: str) -> float | None:
    parts = text.split("/")
    if len(parts) > 2:
        return None
    try:
        values = [parse_epsilon(part) for part in parts]
    except InvalidValue:
        return None
    if any(math.isinf(value) for value in values):
        return None
    return values[0] / values[1] if len(values) == 2 else values[0]
