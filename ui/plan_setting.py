"""The plan a visitor types: its fields, and what they make together with the sweep's training. No Streamlit."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dpcore.errors import InvalidValue
from dpcore.planner import Plan, Setting
from dpcore.planner.setting import MOST_EPOCHS, MOST_IMAGES_PER_PATIENT, MOST_LOOKS, MOST_RECORDS, NOISE_LIMITS
from dpcore.privacy.mechanism import MOST_STEPS
from ui.evidence import Counted, Evidence
from ui.fields import Field, read_fields

FIELDS = {
    field.name: field
    for field in (
        Field(
            name="n",
            label="Records N",
            help="How many records, such as scans, the model learns from.",
            low=2,
            high=MOST_RECORDS,
            whole=True,
        ),
        Field(
            name="patients",
            label="Patients",
            help="Of how many patients the records are. Empty: as few as there can be, which is the safe side.",
            low=2,
            high=MOST_RECORDS,
            whole=True,
            placeholder="fewest",
        ),
        Field(
            name="images",
            label="Records of one patient, at most",
            help="The most that any single patient has. Empty: the mean, rounded up, which one patient may exceed.",
            low=1,
            high=MOST_IMAGES_PER_PATIENT,
            whole=True,
            placeholder="mean",
        ),
        Field(
            name="batch",
            label="Batch",
            help="How many records a training step uses on average.",
            low=1,
            high=MOST_RECORDS,
            whole=True,
        ),
        Field(
            name="epochs",
            label="Epochs",
            help="How often training passes over all records. Steps, if typed, decide instead.",
            low=1,
            high=MOST_EPOCHS,
            whole=True,
            placeholder="from steps",
        ),
        Field(
            name="steps",
            label="Steps",
            help="Noisy releases. Empty: they follow from the epochs.",
            low=1,
            high=MOST_STEPS,
            whole=True,
            placeholder="from epochs",
        ),
        Field(
            name="delta",
            label="δ",
            help="The chance with which the promise of ε may fail. Should be well below 1/N.",
            low=1e-100,
            high=0.5,
            whole=False,
        ),
        Field(
            name="sigma",
            label="Noise σ",
            help="Empty: the noise follows from the budget above. A number here decides instead.",
            low=NOISE_LIMITS[0],
            high=NOISE_LIMITS[1],
            whole=False,
            placeholder="from ε",
        ),
        Field(
            name="looks",
            label="Looks of a real attacker",
            help="How many noisy gradients of the same record are averaged. Empty: one an epoch.",
            low=1,
            high=MOST_LOOKS,
            whole=True,
            placeholder="1 an epoch",
        ),
    )
}
#: Names of the planner's fields, as the page calls them.
_WORDS = {
    "epochs · num_train / expected_batch_size": "Steps (epochs · N / batch)",
    "num_train / images_per_patient": "N / records of one patient",
    "num_train": "Records N",
    "num_patients": "Patients",
    "images_per_patient": "Records of one patient",
    "expected_batch_size": "Batch",
    "noise_multiplier": "Noise σ",
    "budget_epsilon": "Budget",
    "sample_rate": "Sample rate q",
    "epsilon": "ε",
    "delta": "δ",
}
_NAME = re.compile("|".join(rf"(?<![\w.]){re.escape(name)}(?!\w)" for name in _WORDS))
Overrides = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Base:
    """Where a plan begins: the sweep's own training on a dataset."""

    dataset: str
    num_train: int
    expected_batch_size: int
    epochs: int
    delta: float


def base_of(evidence: Evidence) -> Base:
    """Returns the sweep's training."""
    point = evidence.measured[0]
    return Base(
        dataset=evidence.spec.name,
        num_train=point.num_train,
        expected_batch_size=max(1, round(point.sample_rate * point.num_train)),
        epochs=max(1, round(point.sample_rate * point.steps)),
        delta=point.delta,
    )


def values(overrides: Overrides, base: Base) -> dict[str, float]:
    """Returns what every field stands for; NaN where it is empty."""
    n = overrides.get("n", base.num_train)
    found = {
        "n": n,
        "batch": min(base.expected_batch_size, n),
        "epochs": math.nan if "steps" in overrides else base.epochs,
        "delta": base.delta,
        **dict.fromkeys(("patients", "images", "steps", "sigma", "looks"), math.nan),
    }
    return {**found, **overrides}


def setting_arguments(overrides: Overrides, base: Base, counted: Counted) -> dict[str, Any]:
    """Returns the planner's arguments for the numbers; nothing is checked yet."""
    v = values(overrides, base)

    def whole(name: str) -> int | None:
        return None if math.isnan(v[name]) else int(v[name])

    images = whole("images")
    if images is None:
        images = 1 if math.isnan(v["patients"]) else math.ceil(v["n"] / v["patients"])
    return {
        "num_train": int(v["n"]),
        "num_patients": whole("patients"),
        "images_per_patient": images,
        "expected_batch_size": int(v["batch"]),
        "epochs": whole("epochs"),
        "steps": whole("steps"),
        "delta": v["delta"],
        "looks": whole("looks"),
        "accountant": counted,
        "dataset": base.dataset,
    }


def make_setting(overrides: Overrides, base: Base, counted: Counted) -> Setting:
    """Returns the training without its budget; raises InvalidValue in the page's words."""
    try:
        return Setting(**setting_arguments(overrides, base, counted))
    except InvalidValue as error:
        raise InvalidValue(in_words(str(error))) from None


def make_plan(overrides: Overrides, base: Base, *, epsilon: float, counted: Counted, name: str) -> Plan | None:
    """Returns the plan, of the noise typed or else the budget; None without DP. Raises InvalidValue."""
    sigma = overrides.get("sigma")
    if sigma is None and math.isinf(epsilon):
        return None
    try:
        return Plan(
            **setting_arguments(overrides, base, counted),
            name=name,
            epsilon=epsilon if sigma is None else None,
            noise_multiplier=sigma,
        )
    except InvalidValue as error:
        raise InvalidValue(in_words(str(error))) from None


def fitting(overrides: Overrides, base: Base) -> tuple[dict[str, float], list[str]]:
    """Returns the numbers that make a plan together with the sweep's, all or none, and why not."""
    kept = {name: value for name, value in overrides.items() if not math.isnan(value)}
    default = values({name: kept[name] for name in ("n", "steps") if name in kept}, base)
    own = {"n": base.num_train}
    kept = {name: v for name, v in kept.items() if v != own.get(name, math.nan if name == "steps" else default[name])}
    try:
        make_setting(kept, base, "rdp")
    except InvalidValue as error:
        return {}, [str(error)]
    return kept, []


def overrides_of(setting: Setting, base: Base, before: Overrides) -> dict[str, float]:
    """Returns the numbers that make a setting the planner proposed."""
    found: dict[str, float] = {name: before[name] for name in ("looks", "delta") if name in before}
    asked = {
        "n": setting.num_train,
        "patients": setting.num_patients,
        "images": setting.images_per_patient if setting.images_per_patient > 1 or setting.num_patients else None,
        "batch": setting.expected_batch_size,
        "epochs": setting.epochs,
        "steps": setting.steps,
    }
    found.update({name: float(value) for name, value in asked.items() if value is not None})
    return fitting(found, base)[0]


def read_overrides(sent: Mapping[str, Sequence[str]]) -> tuple[dict[str, float], list[str]]:
    """Returns the numbers a link asks for, and a sentence for each that cannot be used."""
    found, problems = read_fields(sent, FIELDS)
    if {"epochs", "steps"} <= set(found):
        problems.append("In the link: exactly one of epochs and steps must be given, but both are.")
        del found["steps"]
    return found, problems


def in_words(sentence: str) -> str:
    """Returns a sentence of the planner with its fields named as on the page."""
    return _NAME.sub(lambda found: _WORDS[found[0]], sentence)
