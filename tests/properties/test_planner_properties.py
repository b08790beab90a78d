"""Whatever is asked: feasible answers keep their limits, tighter limits never widen a range, totals never shrink."""

from __future__ import annotations

import datetime
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpcore.errors import InvalidValue
from dpcore.planner import (
    KINDS,
    AnyRelease,
    Feasible,
    GaussianRelease,
    LaplaceRelease,
    Ledger,
    Limit,
    Plan,
    PlanFile,
    Setting,
    TrainingRelease,
    documents,
    get_total,
    ledger_document,
    ledger_from_document,
    plan_document,
    plans_from_document,
    solve,
)
from dpcore.planner.limits import RECORD_ONLY
from dpcore.planner.solve import TOLERANCE, keeps, value_at
from dpcore.privacy import get_epsilon_from_mechanisms
from dpcore.results.store import PrecomputedStore

STORE = PrecomputedStore()
DELTA = 1e-5
NAMES = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20)


def logs(low: float, high: float) -> st.SearchStrategy[float]:
    """Floats evenly in their logarithm."""
    return st.floats(math.log(low), math.log(high)).map(lambda x: min(max(math.exp(x), low), high))


@st.composite
def fields(draw: st.DrawFn) -> dict[str, Any]:
    num_train = draw(st.integers(500, 20_000))
    epochs = draw(st.one_of(st.none(), st.integers(5, 60)))
    return {
        "num_train": num_train,
        "expected_batch_size": draw(st.integers(max(1, num_train // 100), num_train)),
        "epochs": epochs,
        "steps": draw(st.integers(1, 2000)) if epochs is None else None,
        "delta": draw(logs(1e-8, 1e-3)),
        "images_per_patient": draw(st.integers(1, 4)),
        "accountant": draw(st.sampled_from(["rdp", "tight"])),
        "dataset": draw(st.sampled_from([None, "ham10000", "pneumonia_mnist"])),
        "looks": draw(st.one_of(st.none(), st.integers(1, 100))),
    }


SETTINGS = fields().map(lambda kwargs: Setting(**kwargs))
PLANS = st.tuples(NAMES, fields(), logs(0.01, 1e15)).map(lambda t: Plan(name=t[0], epsilon=t[2], **t[1]))
VALUES = {"epsilon": logs(0.2, 1e4), "utility": st.floats(0.3, 1.0), "realistic": st.floats(0.0, 0.9)}


@st.composite
def one_limit(draw: st.DrawFn) -> Limit:
    kind = draw(st.sampled_from(list(KINDS)))
    level = "record" if kind in RECORD_ONLY else draw(st.sampled_from(["record", "patient"]))
    return Limit(kind=kind, value=draw(VALUES.get(kind, logs(1e-3, 0.99))), level=level)


LIMITS = st.lists(one_limit(), min_size=1, max_size=3, unique_by=lambda limit: (limit.kind, limit.level)).map(tuple)


@settings(max_examples=30)
@given(SETTINGS, LIMITS, st.floats(0, 1))
def test_a_feasible_range_keeps_all_limits(setting: Setting, limits: tuple[Limit, ...], share: float) -> None:
    found = solve(setting, limits, STORE)
    if not isinstance(found, Feasible):
        assert found.reason.endswith(".")
        return
    assert 0 < found.noise_low <= found.noise_high
    assert 0 <= found.epsilon_low <= found.epsilon_high
    end = min(found.noise_high, 1e3 * found.noise_low)
    inside = found.noise_low * (end / found.noise_low) ** share
    for noise in {found.noise_low, min(max(inside, found.noise_low), end), end}:
        for limit in limits:
            value = value_at(setting, limit, noise, STORE)
            # Between the ends a curve's own estimated error, 1e-7, may show.
            assert keeps(limit, value if noise == found.noise_low else value * (1 - _slack(limit)))


def _slack(limit: Limit) -> float:
    return -1e-6 if limit.kind == "utility" else 1e-6


@settings(max_examples=25)
@given(SETTINGS, LIMITS, st.data())
def test_a_tighter_limit_never_widens_the_range(
    setting: Setting, limits: tuple[Limit, ...], data: st.DataObject
) -> None:
    found = solve(setting, limits, STORE)
    index = data.draw(st.integers(0, len(limits) - 1))
    factor = data.draw(st.floats(0.3, 1.0))
    limit = limits[index]
    value = limit.value / factor if limit.kind == "utility" else limit.value * factor
    if (limit.kind == "utility" and value > 2) or (limit.kind == "epsilon" and value < 0.01):
        return
    tighter = (*limits[:index], replace(limit, value=value), *limits[index + 1 :])
    again = solve(setting, tighter, STORE)
    if isinstance(again, Feasible):
        assert isinstance(found, Feasible)
        assert again.noise_low >= found.noise_low * (1 - 2 * TOLERANCE)
        assert again.noise_high <= found.noise_high * (1 + 1e-9)


DATES = st.dates(datetime.date(2000, 1, 1), datetime.date(2100, 1, 1))
COMMON = st.fixed_dictionaries({"label": NAMES, "date": DATES, "planned": st.booleans()})
TRAININGS = st.builds(
    lambda common, noise, rate, steps: TrainingRelease(
        **common, noise_multiplier=noise, sample_rate=rate, steps=steps
    ),
    COMMON, logs(0.5, 50), logs(1e-3, 1.0), st.integers(1, 1000),
)  # fmt: skip
GAUSSIANS = st.builds(
    lambda common, noise, times: GaussianRelease(**common, noise_multiplier=noise, times=times),
    COMMON, logs(0.5, 50), st.integers(1, 50),
)  # fmt: skip
LAPLACES = st.builds(
    lambda common, epsilon, times: LaplaceRelease(**common, epsilon=epsilon, times=times),
    COMMON, logs(1e-3, 2), st.integers(1, 5),
)  # fmt: skip
RELEASES = st.lists(st.one_of(TRAININGS, GAUSSIANS, LAPLACES), min_size=1, max_size=4).map(tuple)


@settings(max_examples=30)
@given(RELEASES)
def test_a_total_is_never_below_any_single_release(releases: tuple[AnyRelease, ...]) -> None:
    total = get_total(releases, delta=DELTA)
    for release in releases:
        single = get_total((release,), delta=DELTA)
        assert total.epsilon_rdp >= single.epsilon_rdp * (1 - 1e-9)
        assert total.epsilon_tight >= single.epsilon_tight * (1 - 1e-6)


@settings(max_examples=30)
@given(st.lists(st.one_of(TRAININGS, GAUSSIANS), min_size=1, max_size=3).map(tuple))
def test_a_total_without_laplace_is_the_composed_mechanism(releases: tuple[Any, ...]) -> None:
    total = get_total(releases, delta=DELTA)
    mechanisms = [release.mechanism() for release in releases]
    for accountant in ("rdp", "tight"):
        composed = get_epsilon_from_mechanisms(mechanisms, delta=DELTA, accountant=accountant)
        assert total.by(accountant) == pytest.approx(composed, rel=1e-5, abs=1e-9)


@settings(max_examples=60)
@given(st.lists(PLANS, min_size=1, max_size=4, unique_by=lambda plan: plan.name), st.one_of(st.just(()), LIMITS))
def test_plans_survive_files(plans: list[Plan], limits: tuple[Limit, ...]) -> None:
    file = PlanFile(plans=tuple(plans), limits=limits)
    for write in (documents.to_json, documents.to_toml):
        document = documents.parse_document(write(plan_document(file)).encode())
        assert plans_from_document(document) == file


@settings(max_examples=60)
@given(NAMES, RELEASES, logs(0.01, 1e6), st.integers(1, 1000))
def test_ledgers_survive_files(name: str, releases: tuple[AnyRelease, ...], budget: float, images: int) -> None:
    ledger = Ledger(name=name, budget_epsilon=budget, delta=DELTA, images_per_patient=images, releases=releases)
    for write in (documents.to_json, documents.to_toml):
        document = documents.parse_document(write(ledger_document(ledger)).encode())
        assert ledger_from_document(document) == ledger


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=10), inner, max_size=3)),
    max_leaves=10,
)
KNOWN = ("name", "num_train", "expected_batch_size", "delta", "epochs", "steps", "epsilon", "plans", "limits", "format",
         "hash", "releases", "budget_epsilon", "looks", "dataset", "images_per_patient")  # fmt: skip


@settings(max_examples=150)
@given(st.dictionaries(st.one_of(st.sampled_from(KNOWN), st.text(max_size=5)), JSON, max_size=12))
def test_any_document_is_taken_or_refused_in_one_sentence(document: dict[str, Any]) -> None:
    for read in (plans_from_document, ledger_from_document):
        try:
            read(document)
        except InvalidValue as error:
            sentence = str(error)
        else:
            continue
        assert sentence.endswith(".")
        assert len(sentence) < 2000


@settings(max_examples=150)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_table_or_refused_in_one_sentence(data: bytes) -> None:
    try:
        table = documents.parse_document(data)
    except InvalidValue as error:
        sentence = str(error)
    else:
        sentence = ""
        assert isinstance(table, dict)
    assert sentence == "" or sentence.endswith(".")
    assert "\n" not in sentence
