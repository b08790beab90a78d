"""A dataset whose liver is outlined, and a dataset trained with two models, on invented results."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dpcore import datasets
from dpcore.results import store as results
from dpcore.results.metrics import get_model_words_from_name
from dpcore.results.schema import TABLES
from tests.page_text import main_model
from ui.glossary import words_html
from ui.loaders import FOLDER_VARIABLE

Opener = Callable[..., AppTest]
TOY = "toy_liver"
SPEC = replace(
    datasets.spec("skin_phantom"),
    name=TOY,
    title="Toy livers (synthetic)",
    task="Where is the liver?",
    positive_label="",
    negative_label="",
    structures=("liver", "tumour"),
    record_noun="slice",
)


def _as_outlines(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """The skin phantom's rows as if its runs had outlined livers."""
    frame = frame[frame["dataset"] == "skin_phantom"].assign(dataset=TOY)
    if table == "tuning":
        return frame.iloc[:0]
    if table in ("runs", "points", "bounds", "attacks"):
        frame = frame.assign(model="unet")
    if table == "points":
        tumour = 0.1 * frame["utility_mean"]
        frame = frame.assign(metric="dice_liver", auc_mean=math.nan, dice_tumour_mean=tumour, dice_tumour_sd=0.01)
    return frame.assign(metric="dice_liver", mcc=math.nan, auc=math.nan) if table == "runs" else frame


def _as_second_model(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """HAM10000's runs again as those of another, better model that was not attacked."""
    if table not in ("runs", "points", "bounds"):
        return frame.iloc[:0]
    frame = main_model(frame[frame["dataset"] == "ham10000"]).assign(model="wrn40_4")
    return frame.assign(utility_mean=0.9) if table == "points" else frame


@pytest.fixture
def invented(tmp_path: Path, shipped: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped results with both added, and a registry that knows the toy."""
    folder = tmp_path / "results"
    shutil.copytree(shipped, folder)
    for table in TABLES:
        frame = pd.read_parquet(folder / f"{table}.parquet")
        added = [part for part in (_as_outlines(frame, table), _as_second_model(frame, table)) if len(part)]
        results.write_table(folder, table, pd.concat([frame, *added], ignore_index=True))
    facts = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    results.write_manifest(folder, {k: v for k, v in facts.items() if k not in ("files", "schema_version")})
    spec, names = datasets.spec, datasets.names
    monkeypatch.setattr(datasets, "spec", lambda name: SPEC if name == TOY else spec(name))
    # The last one has no results yet.
    monkeypatch.setattr(datasets, "names", lambda: (*names(), TOY, "not_swept_yet"))
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    return folder


def _html(app: AppTest) -> str:
    """All HTML of the page but the list of all words."""
    return " ".join(element.value for element in app.get("html")).replace(words_html(), "")


@pytest.mark.parametrize("epsilon", ["0.1", "8", "50", "1e9", "no-dp"])
def test_the_start_page_speaks_of_outlines(open_app: Opener, invented: Path, epsilon: str) -> None:
    app = open_app(folder=invented, data=TOY, eps=epsilon)
    assert not app.exception
    assert not app.error
    shown = _html(app)
    assert "Outline of the liver" in shown
    assert "Dice" in shown
    assert "your slice" in shown
    for foreign in ("MCC", "diagnos", "Matthews", ">nan"):
        assert foreign not in shown, foreign
    exact = next(element.value for element in app.get("html") if "pp-readings" in element.value)
    assert "MCC" not in exact
    assert "Dice" in exact


def test_the_risk_page_opens_on_outlines(open_app: Opener, invented: Path) -> None:
    app = open_app(folder=invented, data=TOY, eps="8")
    app.switch_page("pages/risks.py").run()
    assert not app.exception
    assert "slice" in _html(app)


def test_a_dataset_without_rows_is_not_offered(open_app: Opener, invented: Path) -> None:
    app = open_app(folder=invented, data="not_swept_yet")
    assert not app.exception
    assert "The link's data must be one of" in app.warning[0].value.replace("\\", "")
    assert "not_swept_yet" not in app.selectbox(key="bar_dataset").options


def test_another_model_stands_in_a_table_of_its_own(open_app: Opener, invented: Path) -> None:
    app = open_app(folder=invented, data="ham10000", eps="8")
    assert not app.exception
    shown = _html(app)
    other = get_model_words_from_name("wrn40_4")
    assert shown.index("(real patients), small CNN") < shown.index(f"(real patients), {other}")
    assert "0.900 ±" in shown.split(f"(real patients), {other}")[1]
    # The cards stay those of the main model; an attack that was not run is never shown as 0.
    cards = next(line for line in shown.splitlines() if 'class="pp-cards' in line)
    assert "0.90" not in cards
    assert "not measured" in shown.split(f"(real patients), {other}")[1]
