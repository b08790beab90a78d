"""The answers as one table, a row a quantity and a column a plan: for the command line, CSV, JSON and the label."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from dpcore import datasets
from dpcore.planner.answer import PlanAnswer
from dpcore.planner.basis import NoBasis
from dpcore.planner.setting import Level
from dpcore.privacy import describe_probability
from dpcore.results.metrics import get_metric_from_name, get_model_words_from_name
from dpcore.results.numbers import round_up
from dpcore.settings.digest import settings_hash

#: What kind of knowledge a row is.
Nature = Literal["given", "proven", "estimated", "measured"]
#: A number, a text, or None where nothing is known.
Value = float | int | str | None

#: Digits of an answer that its hash covers: fewer than numerical noise reaches.
_HASHED_DIGITS = 5
#: A spreadsheet would run a cell that begins with one of these.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One quantity of every plan. `name` is for machines, `label` for people."""

    name: str
    label: str
    nature: Nature
    #: Unit of the values: "", "1" (share), "s", "Wh".
    unit: str
    values: tuple[Value, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Quantity:
    name: str
    label: str
    nature: Nature
    unit: str
    read: Callable[[PlanAnswer], Value]
    show: Callable[[Any], str]


def get_rows(answers: tuple[PlanAnswer, ...]) -> tuple[Row, ...]:
    """Returns all quantities of the plans, one column each in their order."""
    return tuple(
        Row(
            name=q.name,
            label=q.label,
            nature=q.nature,
            unit=q.unit,
            values=(values := tuple(q.read(answer) for answer in answers)),
            texts=tuple(_text(value, q.show) for value in values),
        )
        for q in _QUANTITIES
    )


def get_answers_hash(answers: tuple[PlanAnswer, ...]) -> str:
    """Returns 16 hexadecimal digits of the answers to five digits: the same answers, the same hash.

    Without time and energy, which depend on the machine.
    """
    rows = [row for row in get_rows(answers) if row.unit not in ("s", "Wh")]
    return settings_hash([[row.name, [_rounded(value) for value in row.values]] for row in rows])


def to_csv(answers: tuple[PlanAnswer, ...]) -> str:
    """Returns the table as CSV; cells that a spreadsheet would run as a formula begin with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["quantity", "meaning", "nature", "unit", *(_harmless(a.plan.name) for a in answers)])
    for row in get_rows(answers):
        cells = ["" if value is None else _harmless(value) for value in row.values]
        writer.writerow([row.name, row.label, row.nature, row.unit, *cells])
    return out.getvalue()


def to_plain(answers: tuple[PlanAnswer, ...]) -> list[dict[str, Value]]:
    """Returns one table a plan for JSON; infinite numbers as the text "infinite"."""
    rows = get_rows(answers)
    return [
        {"name": answer.plan.name, **{row.name: _finite(row.values[i]) for row in rows}}
        for i, answer in enumerate(answers)
    ]


def describe_odds(probability: float) -> str:
    """Returns a probability as "1 in 41", the second number rounded down, so that the risk is not belittled."""
    if probability < 1e-8:
        return "less than 1 in 100,000,000"
    if probability > 0.5:
        return f"{math.ceil(1000 * probability) / 10:g} in 100"
    return f"1 in {math.floor(1 / probability * (1 + 1e-12)):,}"


def describe_seconds(seconds: float) -> str:
    """Returns a duration with two digits."""
    for unit, length in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{float(f'{seconds / length:.2g}'):g} {unit}"
    return f"{float(f'{seconds:.2g}'):g} s"


def _text(value: Value, show: Callable[[Any], str]) -> str:
    if value is None:
        return "no basis"
    return "no bound" if isinstance(value, float) and math.isinf(value) else show(value)


def _rounded(value: Value) -> Value:
    return f"{value:.{_HASHED_DIGITS - 1}e}" if isinstance(value, float) else value


def _finite(value: Value) -> Value:
    return "infinite" if isinstance(value, float) and math.isinf(value) else value


def _harmless(value: Value) -> Value:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


def _count(value: float) -> str:
    return f"{value:,.6g}"


def _short(value: float) -> str:
    return f"{value:.4g}"


def _risk(value: float) -> str:
    return f"{describe_probability(round_up(value))} ({describe_odds(value)})"


def _bound(value: float) -> str:
    return _percent(round_up(value))


def _percent(value: float) -> str:
    return f"{100 * value:.3g} %"


def _of(part: str, name: str) -> Callable[[PlanAnswer], Value]:
    """Reads a field of a part of the answer; None where the part has no basis."""

    def read(answer: PlanAnswer) -> Value:
        found = getattr(answer, part)
        return None if isinstance(found, NoBasis) else getattr(found, name)

    return read


def _attack(read: Callable[..., Value]) -> Callable[[PlanAnswer], Value]:
    def of(answer: PlanAnswer) -> Value:
        return None if isinstance(answer.realistic, NoBasis) else read(answer.realistic)

    return of


def _given() -> Iterator[_Quantity]:
    fields: tuple[tuple[str, str, Callable[[PlanAnswer], Value]], ...] = (
        ("num_train", "training records", lambda a: a.plan.num_train),
        ("num_patients", "patients (as few as there can be, if not given)", lambda a: a.plan.patients),
        ("images_per_patient", "records of one patient, at most", lambda a: a.plan.images_per_patient),
        ("expected_batch_size", "expected batch size", lambda a: a.plan.expected_batch_size),
        ("steps", "steps", lambda a: a.plan.num_steps),
        ("passes", "expected passes over the records", lambda a: a.plan.passes),
        ("looks", "looks of the real attacker", lambda a: a.plan.num_looks),
    )
    for name, label, read in fields:
        yield _Quantity(name=name, label=label, nature="given", unit="", read=read, show=_count)
    yield _Quantity(
        name="accountant",
        label="a given ε is counted by",
        nature="given",
        unit="",
        read=lambda a: a.plan.accountant,
        show={"rdp": "RDP, as in the paper", "tight": "tight accountant"}.__getitem__,
    )
    yield _Quantity(name="delta", label="δ", nature="given", unit="", read=lambda a: a.plan.delta, show=_short)
    yield _Quantity(
        name="noise_multiplier",
        label="noise multiplier σ",
        nature="given",
        unit="",
        read=lambda a: a.mechanism.noise_multiplier,
        show=_short,
    )


def _proven(level: Level) -> Iterator[_Quantity]:
    whose = {"record": "one record", "patient": "a patient"}[level]
    labels = {
        "epsilon_rdp": "ε, counted as in the paper (RDP)",
        "epsilon_tight": "ε, counted tightly",
        "kappa": "match by chance",
        "worst_case": "matched by an attacker who holds it",
        "relaxed": "reconstructed by one who does not",
        "advantage": "membership advantage",
        "tpr_at_fpr_0_001": "found at 0.1 % false alarms",
        "tpr_at_fpr_0_01": "found at 1 % false alarms",
        "best_guess_accuracy": "right guesses about membership, even prior",
        "auc": "membership AUC",
    }
    numbers = {"epsilon_rdp", "epsilon_tight", "auc"}
    no_odds = {"advantage", "best_guess_accuracy"}
    for name, label in labels.items():
        if level == "patient" and name == "relaxed":
            continue
        yield _Quantity(
            name=f"{level}_{name}",
            label=f"{label}: {whose}",
            nature="proven",
            unit="" if name in numbers else "1",
            read=_of(level, name),
            show=_short if name in numbers else _bound if name in no_odds else _risk,
        )


def _rest() -> Iterator[_Quantity]:
    shares = (
        ("share", "utility, share of that without DP"),
        ("low", "… at least (95 % of seeds, and other N, batch, epochs)"),
        ("high", "… at most"),
    )
    for name, label in shares:
        yield _Quantity(
            name=f"utility_{name}",
            label=label,
            nature="estimated",
            unit="1",
            read=_of("utility", name),
            show=_percent,
        )
    words: tuple[tuple[str, str, Callable[[str], str]], ...] = (
        ("metric", "its metric", lambda name: get_metric_from_name(name).short),
        ("dataset", "measured on", lambda name: datasets.spec(name).title),
        ("model", "with the model", get_model_words_from_name),
    )
    for name, label, show in words:
        yield _Quantity(
            name=f"utility_{name}",
            label=label,
            nature="estimated",
            unit="",
            read=_of("utility", name),
            show=show,
        )
    yield _Quantity(
        name="seconds", label="time on one core", nature="estimated", unit="s", read=_of("effort", "seconds"),
        show=describe_seconds,
    )  # fmt: skip
    yield _Quantity(
        name="watt_hours", label="energy", nature="estimated", unit="Wh", read=_of("effort", "watt_hours"),
        show=lambda value: f"{value:.2g} Wh",
    )  # fmt: skip
    attacks: tuple[tuple[str, str, Callable[..., Value]], ...] = (
        ("rebuilt", "pictures rebuilt by the real attack", lambda r: r.rebuilt.value),
        ("rebuilt_high", "… at most (95 % interval)", lambda r: r.rebuilt.interval[1]),
        ("matched", "right picture picked from the candidates", lambda r: r.matched.value),
    )
    for name, label, read in attacks:
        yield _Quantity(
            name=f"realistic_{name}", label=label, nature="measured", unit="1", read=_attack(read), show=_percent
        )


_QUANTITIES: tuple[_Quantity, ...] = (*_given(), *_proven("record"), *_proven("patient"), *_rest())
