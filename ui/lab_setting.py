"""The training a visitor asks for in the live lab: fields, limits, what the sweep's plan gives. No Streamlit here."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dpcore.datasets import DatasetSpec
from dpcore.errors import InvalidValue, ResultsUnavailable
from dpcore.jobs import Limits, RunSettings
from dpcore.settings import TrainingConfig, models_for
from ui.epsilon import quoted
from ui.evidence import Counted
from ui.fields import Field
from ui.glossary import meaning
from ui.numbers import format_count

#: From two views on they are mirrored at random: views that are all alike teach nothing.
_MIRRORED_FROM = 2

FIELDS = {
    field.name: field
    for field in (
        Field(
            name="sigma",
            label="Noise σ",
            help=f"{meaning('noise')} Empty: it follows from the privacy budget above; a number here decides.",
            low=1e-8,
            high=1e3,
            whole=False,
            placeholder="from ε",
        ),
        Field(
            name="clip",
            label="Clip norm C",
            help=meaning("clipping"),
            low=1e-4,
            high=1e3,
            whole=False,
        ),
        Field(
            name="batch",
            label="Batch",
            help=meaning("batch"),
            low=1,
            high=1e6,
            whole=True,
        ),
        Field(
            name="epochs",
            label="Epochs",
            help=meaning("epoch"),
            low=1,
            high=Limits.epochs,
            whole=True,
        ),
        Field(
            name="rate",
            label="Learning rate",
            help="How far each step moves the model.",
            low=1e-7,
            high=10,
            whole=False,
        ),
        Field(
            name="weight",
            label="Weight of positives",
            help="How much more a positive record counts, where they are rare. Take it from public knowledge.",
            low=1e-3,
            high=1e3,
            whole=False,
        ),
        Field(
            name="views",
            label="Views",
            help="Mirrored versions of each picture that are averaged before clipping. Costs time, not privacy.",
            low=1,
            high=Limits.multiplicity,
            whole=True,
        ),
        Field(
            name="seed",
            label="Seed",
            help=meaning("seed"),
            low=0,
            high=2**31 - 1,
            whole=True,
        ),
    )
}
#: Which setting of the training a field is.
_OF_TRAINING = {
    "clip": "max_grad_norm",
    "batch": "expected_batch_size",
    "epochs": "epochs",
    "rate": "learning_rate",
    "weight": "positive_weight",
    "views": "multiplicity",
    "seed": "seed",
}
Overrides = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Base:
    """Where a visitor's training begins: the sweep's own on a dataset."""

    spec: DatasetSpec
    training: TrainingConfig
    num_train: int
    delta: float

    def value(self, name: str) -> float:
        """Returns the sweep's value of a field; NaN for σ, which follows from the budget."""
        return math.nan if name == "sigma" else float(getattr(self.training, _OF_TRAINING[name]))


def planned_training(manifest: Mapping[str, Any], dataset: str) -> TrainingConfig:
    """Returns how the sweep trained its main model on a dataset; raises ResultsUnavailable if its plan says nothing."""
    known = {field.name for field in dataclasses.fields(TrainingConfig)}
    plan = manifest.get("plan")
    rows = plan.get("datasets", []) if isinstance(plan, dict) else []
    for row in rows:
        if row.get("name") == dataset:
            return TrainingConfig(**{name: value for name, value in row.items() if name in known})
    raise ResultsUnavailable(f"The manifest of the precomputed results does not say how “{dataset}” was trained.")


def training_of(overrides: Overrides, model: str, base: Base) -> TrainingConfig:
    """Returns the sweep's training with the visitor's numbers in place of its own; raises InvalidValue."""
    changes: dict[str, Any] = {
        setting: (int if FIELDS[name].whole else float)(overrides[name])
        for name, setting in _OF_TRAINING.items()
        if name in overrides
    }
    views = int(changes.get("multiplicity", base.training.multiplicity))
    flips = base.training.flips or views >= _MIRRORED_FROM
    training = dataclasses.replace(base.training, model=model or base.training.model, flips=flips, **changes)
    batch = training.expected_batch_size
    if batch > base.num_train:
        raise InvalidValue(
            f"Batch must be at most the {format_count(base.num_train)} training records, but is {format_count(batch)}."
        )
    return training


def run_settings(overrides: Overrides, model: str, base: Base, *, epsilon: float, counted: Counted) -> RunSettings:
    """Returns the run a visitor asks for; an infinite ε is no DP. Raises InvalidValue."""
    sigma = overrides.get("sigma")
    return RunSettings(
        dataset=base.spec.name,
        training=training_of(overrides, model, base),
        epsilon=None if sigma is not None or math.isinf(epsilon) else epsilon,
        noise_multiplier=sigma,
        delta=base.delta,
        accountant=counted,
    )


def fitting(overrides: Overrides, model: str, base: Base) -> tuple[dict[str, float], str, list[str]]:
    """Returns the numbers and the model that make a training on this dataset, all or none, and why not."""
    kept = {n: v for n, v in overrides.items() if not math.isnan(v) and v != base.value(n)}
    chosen = model if model in models_for(base.spec) and model != base.training.model else ""
    try:
        run_settings(kept, chosen, base, epsilon=1.0, counted="rdp")
    except InvalidValue as error:
        return {}, chosen, [str(error)]
    return kept, chosen, []


def read_model(sent: Mapping[str, Sequence[str]], base: Base) -> tuple[str, list[str]]:
    """Returns the model a link asks for, empty for the sweep's own, and why it cannot be used."""
    values = sent.get("model", ())
    if not values:
        return "", []
    allowed = models_for(base.spec)
    if len(values) == 1 and values[0] in allowed:
        return values[0], []
    said = quoted(values[0]) if len(values) == 1 else f"given {len(values)} times"
    return "", [f"In the link: model must be one of {', '.join(allowed)}, but is {said}."]
