"""Every published measurement beside ours: from which data, under which conditions, never more than was measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dpcore import claims, datasets
from dpcore.claims import published
from dpcore.claims.rows import mechanism_of
from dpcore.claims.verdict import ClaimRow
from dpcore.datasets import DatasetSpec
from dpcore.results.schema import ATTACKS, POINTS, RUNS
from dpcore.results.store import PrecomputedStore, write_manifest, write_table

#: Utility at each budget (NaN: no DP), and the tumour's Dice.
UTILITY = {1.0: 0.40, 8.0: 0.6, 20.0: 0.70, 32.0: 0.75, 1e9: 0.89, 1e12: 0.9, 1e15: 0.9, np.nan: 0.9}
NAMES = ("ham10000", "msd_liver", "liver_phantom", "pneumonia_mnist")
#: σ of the invented attacks; RadImageNet's at 1e12 lies between the last two.
NOISE = {1.0: 10.0, 1e9: 4e-4, 1e12: 1e-5, 1e15: 4e-7, np.nan: 0.0}


def _runs(dataset: str, model: str = "small_cnn") -> list[dict[str, Any]]:
    return [
        dict.fromkeys(RUNS, 0.0)
        | {"dataset": dataset, "model": model, "target_epsilon": epsilon, "seed": seed, "metric": "mcc"}
        | {"utility": mean + 0.01 * seed, "dice_tumour": mean / 10 + 0.01 * seed}
        for epsilon, mean in UTILITY.items()
        for seed in range(5)
    ]


def _points(dataset: str, model: str = "small_cnn") -> list[dict[str, Any]]:
    base = dict.fromkeys(POINTS, 0.0) | {"dataset": dataset, "model": model, "metric": "mcc", "tost_margin": 0.05}
    return [base | {"target_epsilon": epsilon} for epsilon in UTILITY]


def _attacks(dataset: str, rebuilt: Callable[[float, int], int]) -> list[dict[str, Any]]:
    return [
        dict.fromkeys(ATTACKS, 0.0)
        | {"dataset": dataset, "model": "small_cnn", "records": f"{dataset}_96", "target_epsilon": epsilon}
        | {"noise_multiplier": sigma, "looks": looks, "error": 0.05 if i < rebuilt(sigma, looks) else 0.6}
        for epsilon, sigma in NOISE.items()
        for looks in (1, 20)
        for i in range(10)
    ]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., PrecomputedStore]:
    """Writes invented results of some datasets, all of which the registry knows."""
    known, toy = datasets.spec, datasets.spec("skin_phantom")
    monkeypatch.setattr(datasets, "names", lambda: NAMES)

    def spec(name: str) -> DatasetSpec:
        return known(name) if name == "ham10000" else replace(toy, name=name, record_shape=(1, 64, 64))

    monkeypatch.setattr(datasets, "spec", spec)

    def store(*names: str, rebuilt: Callable[[float, int], int] = lambda sigma, _: 0 if sigma > 1e-4 else 10) -> Any:
        write_table(tmp_path, "points", pd.DataFrame([row for name in names for row in _points(name)]))
        write_table(tmp_path, "runs", pd.DataFrame([row for name in names for row in _runs(name)]))
        write_table(tmp_path, "attacks", pd.DataFrame([row for name in names for row in _attacks(name, rebuilt)]))
        write_manifest(tmp_path, {})
        return PrecomputedStore(folder=tmp_path)

    return store


def _found(store: PrecomputedStore) -> dict[tuple[str, str], ClaimRow]:
    return {(row.dataset, row.what): row for row in claims.measured_rows(store)}


def test_with_all_datasets_every_claim_has_a_number_of_ours(made: Callable[..., PrecomputedStore]) -> None:
    rows = _found(made(*NAMES))
    assert len(rows) == len(published.UTILITIES) + len(published.ATTACKS)
    counted = rows.pop(("RadImageNet", "images rebuilt, no DP"))
    assert (counted.outcome, counted.value) == ("holds", pytest.approx(100 * 10 / 3328))
    for row in rows.values():
        assert row.outcome == "depends"
        assert "depends on" in row.reason
        assert "nan" not in row.ours + row.reason


def test_msd_liver_is_read_from_our_copy(made: Callable[..., PrecomputedStore]) -> None:
    row = _found(made(*NAMES))["MSD Liver", "liver Dice, ε = 1"]
    assert row.value == pytest.approx(42.0)
    assert row.ours == "42.00 ± 1.58 %"
    assert row.reason.startswith("0.84 points below the published value; depends on model, image size, split")
    assert "64 px" in row.reason


def test_the_tumour_is_the_phantom_s_and_says_so(made: Callable[..., PrecomputedStore]) -> None:
    rows = _found(made(*NAMES))
    row = rows["MSD Liver", "tumour Dice, ε = 20"]
    assert row.ours.startswith("synthetic phantom: 9.00 ±")
    assert "liver and tumour merged" in row.reason
    p = rows["MSD Liver", "tumour Dice, p, ε = 1e9"]
    assert p.ours.startswith("synthetic phantom: p = ")
    # 0.089 against 0.090, both ± 0.016: the test of the tumour's own runs, not of the liver's.
    assert p.value == pytest.approx(0.9232, abs=1e-3)


def test_other_radiographs_stand_in_by_name(made: Callable[..., PrecomputedStore]) -> None:
    rows = _found(made(*NAMES))
    row = rows["RadImageNet", "MCC, ε = 32"]
    assert row.ours.startswith("PneumoniaMNIST: 77.00 ±")
    assert "given out on request only" in row.reason
    assert "both find" not in rows["RadImageNet", "MCC, p against no DP, ε = 1e12"].reason
    assert "published finds a difference, ours no difference" in (
        rows["RadImageNet", "MCC, p against no DP, ε = 1e12"].reason
    )


def test_an_attack_says_whether_the_printed_share_is_likely(made: Callable[..., PrecomputedStore]) -> None:
    rows = _found(made(*NAMES))
    none, every = rows["MSD Liver", "images rebuilt, ε = 1e9"], rows["MSD Liver", "images rebuilt, ε = 1e15"]
    assert none.ours == "0 % from 1 look, 0 % from 20 looks"
    assert "the published value lies in our 95 % interval, 0 to 30.8 %" in none.reason
    assert "lies outside our 95 % interval, 69.2 to 100 %" in every.reason
    assert "10 images at 96 px" in every.reason


def test_like_noise_stands_between_two_measured_ones(made: Callable[..., PrecomputedStore]) -> None:
    sigma = mechanism_of(published.RADIMAGENET, 1e12).noise_multiplier
    assert NOISE[1e12] < sigma < NOISE[1e9]
    row = _found(made(*NAMES))["RadImageNet", "images rebuilt, ε = 1e12"]
    assert row.ours == "HAM10000: 0 to 100 % from 1 look"
    assert row.reason.startswith("too far apart to settle it; ")
    assert row.value is None
    alike = _found(made(*NAMES, rebuilt=lambda sigma, _: 0 if sigma else 10))["RadImageNet", "images rebuilt, ε = 1e12"]
    assert alike.ours == "HAM10000: 0 to 0 % from 1 look"
    assert "settle" not in alike.reason


@pytest.mark.parametrize("name", NAMES)
def test_each_dataset_fills_its_own_rows_only(made: Callable[..., PrecomputedStore], name: str) -> None:
    filled = {row.dataset for row in claims.measured_rows(made(name)) if row.outcome == "depends"}
    assert (
        filled
        == {
            "ham10000": {"HAM10000", "RadImageNet"},
            "msd_liver": {"MSD Liver"},
            "liver_phantom": {"MSD Liver"},
            "pneumonia_mnist": {"RadImageNet"},
        }[name]
    )


def test_only_the_main_model_counts(made: Callable[..., PrecomputedStore]) -> None:
    store = made(*NAMES)
    for table, more in (("points", _points), ("runs", _runs)):
        extra = pd.DataFrame(more("msd_liver", "resnet9"))
        both = pd.concat([store.table(table), extra.assign(**({"utility": 0.1} if table == "runs" else {}))])
        write_table(store.folder, table, both)
        write_manifest(store.folder, {})
    assert _found(store)["MSD Liver", "liver Dice, ε = 1"].value == pytest.approx(42.0)


def test_runs_that_failed_get_no_number(made: Callable[..., PrecomputedStore]) -> None:
    store = made(*NAMES)
    runs = store.table("runs")
    runs.loc[(runs["dataset"] == "msd_liver") & (runs["target_epsilon"] == 1.0) & (runs["seed"] == 0), "utility"] = (
        np.nan
    )
    write_table(store.folder, "runs", runs)
    write_manifest(store.folder, {})
    assert _found(store)["MSD Liver", "liver Dice, ε = 1"].outcome == "unchecked"
