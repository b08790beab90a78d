"""The start page without a table or a picture, or with a damaged one: it says so, and the rest works."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from tests.page_text import block_html, shown

Opener = Callable[..., AppTest]


def test_missing_results_get_one_sentence(open_app: Opener, tmp_path: Path) -> None:
    app = open_app(folder=tmp_path / "nothing")
    assert not app.exception
    assert len(app.error) == 1
    assert "no precomputed results" in app.error[0].value
    assert "python -m dpcore sweep" in app.error[0].value


@pytest.mark.parametrize("name", ["points.parquet", "manifest.json"])
@pytest.mark.parametrize("damage", ["cut", "gone", "changed"])
def test_without_budgets_there_is_one_sentence(
    open_app: Opener, shipped: Path, tmp_path: Path, name: str, damage: str
) -> None:
    app = open_app(folder=_damaged(shipped, tmp_path, name, damage))
    assert not app.exception
    assert len(app.error) == 1
    assert "precomputed results" in app.error[0].value


@pytest.mark.parametrize(("name", "damage"), [("attacks.parquet", "gone"), ("bounds.parquet", "changed")])
def test_without_attacks_or_curves_the_rest_stands(
    open_app: Opener, shipped: Path, tmp_path: Path, name: str, damage: str
) -> None:
    app = open_app(folder=_damaged(shipped, tmp_path, name, damage), data="ham10000", eps="8")
    assert not app.exception
    (told,) = [element.value for element in app.get("html") if 'role="alert"' in element.value]
    assert name in told
    cards = shown(app, "pp-cards")
    assert "0.39 ± 0.02" in cards
    assert "at most 119" in cards
    attacked = name != "attacks.parquet"
    assert ("of 300" in cards) == attacked
    assert (name in cards) != attacked


def _damaged(shipped: Path, tmp_path: Path, name: str, damage: str) -> Path:
    folder = tmp_path / "results"
    shutil.copytree(shipped, folder, copy_function=os.symlink)
    path = folder / name
    whole = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(whole[: len(whole) // 2] if damage == "cut" else b"{" + whole[1:-8] + b"12345678")
    return folder


def test_a_damaged_picture_is_told_in_its_place_only(open_app: Opener, shipped: Path, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    shutil.copytree(shipped, folder, copy_function=os.symlink)
    for picture in (folder / "gallery").rglob("*.webp"):
        picture.unlink()
    app = open_app(folder=folder, data="ham10000")
    assert not app.exception
    told = block_html(app, 'data-drag="gallery')
    assert "<img" not in told
    assert 'role="alert"' in told
    assert "gallery/ham10000/8-originals.webp" in told
    assert "ε = 8" in shown(app, "pp-summary")


def test_a_missing_bound_is_an_error_not_a_zero(open_app: Opener, bent: Callable[..., Path]) -> None:
    def hole(points: pd.DataFrame) -> pd.DataFrame:
        points.loc[(points["dataset"] == "ham10000") & (points["target_epsilon"] == 8), "worst_case"] = math.nan
        return points

    app = open_app(folder=bent("points", hole), data="ham10000", eps="8")
    assert not app.exception
    cards = shown(app, "pp-cards")
    assert cards.count("not available") == 2
    assert "could not be computed" in shown(app, "pp-summary")


def test_gaps_in_the_attack_are_an_error_not_a_success(open_app: Opener, bent: Callable[..., Path]) -> None:
    def hole(attacks: pd.DataFrame) -> pd.DataFrame:
        attacks.loc[attacks["dataset"] == "ham10000", "error"] = math.nan
        return attacks

    app = open_app(folder=bent("attacks", hole), data="ham10000")
    assert not app.exception
    cards = shown(app, "pp-cards")
    assert "has gaps for “ham10000”" in cards
    assert " of 300" not in cards
