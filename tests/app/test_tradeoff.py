"""The start page: the numbers shown are the numbers stored, whatever is clicked, typed, linked or broken."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from streamlit.testing.v1 import AppTest

from tests.page_text import block_html, main_model, shown
from ui import loaders

DATASETS = ("ham10000", "breast_cancer", "skin_phantom")
#: Budgets of the sweep in every regime: ruinous, middling, “meaningless”, none.
BUDGETS = (0.5, 8.0, 100.0, 1e6, 1e9, 1e15, math.inf)
Opener = Callable[..., AppTest]


def link(epsilon: float) -> str:
    return "no-dp" if math.isinf(epsilon) else f"{epsilon:g}"


def rows(folder: Path, table: str, dataset: str, epsilon: float) -> pd.DataFrame:
    """The stored rows of a budget, read without the app's code."""
    frame = pd.read_parquet(folder / f"{table}.parquet")
    frame = main_model(frame[frame["dataset"] == dataset])
    return frame[
        frame["target_epsilon"].isna() if math.isinf(epsilon) else np.isclose(frame["target_epsilon"], epsilon)
    ]


def parameter(app: AppTest, name: str) -> str:
    """The URL's value, which AppTest gives as text or as a list of one."""
    value = app.query_params[name]
    return value if isinstance(value, str) else value[0]


def assert_clean(app: AppTest) -> None:
    assert not app.exception
    assert not app.error
    assert not app.warning


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("epsilon", BUDGETS)
def test_numbers_shown_are_the_numbers_stored(open_app: Opener, shipped: Path, dataset: str, epsilon: float) -> None:
    """Recomputes utility from the single runs, the attack from the single records, the interval with scipy."""
    app = open_app(data=dataset, eps=link(epsilon))
    assert_clean(app)
    cards, summary = shown(app, "pp-cards"), shown(app, "pp-summary")

    mcc, bare = (rows(shipped, "runs", dataset, budget)["mcc"] for budget in (epsilon, math.inf))
    mean, spread = re.search(r"(-?[\d.]+) ± ([\d.]+)", cards).groups()  # type: ignore[union-attr]
    assert float(mean) == pytest.approx(mcc.mean(), abs=0.0051)
    assert float(spread) == pytest.approx(mcc.std(ddof=1), abs=0.0051)
    share = float(re.search(r"MCC, (-?[\d.]+) % of no DP, (\d+) runs", cards)[1])  # type: ignore[index]
    assert share == pytest.approx(100 * mcc.mean() / bare.mean(), abs=0.51)

    point = rows(shipped, "points", dataset, epsilon).iloc[0]
    if math.isinf(epsilon):
        assert cards.count("no limit") == 2
    else:
        for bound in (point["worst_case"], point["relaxed"]):
            people = math.ceil(1e4 * bound - 1e-9)
            assert ("fewer than 1" if 1e4 * bound < 1 else f"at most {people:,}") in cards
        assert f"1 of {point['num_train']:,}" in cards

    attacks = rows(shipped, "attacks", dataset, epsilon)
    looks = sorted(attacks["looks"].unique())
    first, last = (attacks[attacks["looks"] == k] for k in (looks[0], looks[-1]))
    rebuilt = [int((part["error"] < 0.1).sum()) for part in (first, last)]
    assert f"{rebuilt[0]} of {len(first)}" in cards
    assert f"rebuilt {rebuilt[0]} {rebuilt[1]}" in cards
    assert f"recognised {first['matched'].sum()} {last['matched'].sum()}" in cards
    interval = binomtest(rebuilt[0], len(first)).proportion_ci(method="exact")
    low, high = math.floor(1e4 * interval.low + 1e-6), math.ceil(1e4 * interval.high - 1e-6)
    assert f"95 % sure: {low:,} to {high:,} of 10,000" in cards
    assert ("none" if rebuilt == [0, 0] else str(rebuilt[0])) in summary


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_budget_of_the_sweep_is_a_stop_of_the_slider(open_app: Opener, shipped: Path, dataset: str) -> None:
    app = open_app(data=dataset)
    stored = main_model(pd.read_parquet(shipped / "points.parquet").query("dataset == @dataset"))
    slider = app.select_slider(key="bar_slider")
    assert len(slider.options) == len(stored)
    for epsilon in stored["target_epsilon"].fillna(math.inf):
        app.select_slider(key="bar_slider").set_value(float(epsilon)).run()
        assert_clean(app)
        assert float(parameter(app, "eps").replace("no-dp", "inf")) == pytest.approx(epsilon)
        sigma = rows(shipped, "points", dataset, epsilon)["noise_multiplier"].iloc[0]
        label = app.select_slider(key="bar_slider").label
        assert (
            ("no DP, noise σ = 0" in label)
            if math.isinf(epsilon)
            else (_sigma(label) == pytest.approx(sigma, rel=6e-3))
        )


def _sigma(label: str) -> float:
    text = label.split("σ = ")[1].translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-"))
    return float(text.replace("·10", "e"))


def test_the_pictures_are_those_of_the_budget(open_app: Opener, shipped: Path) -> None:
    for epsilon in (8.0, 1e9):
        app = open_app(data="skin_phantom", eps=link(epsilon))
        gallery = block_html(app, 'class="pp-gallery')
        sent = [loaders.picture_named(name) for name in re.findall(r'src="pictures/([^"]+)"', gallery)]
        stored = (
            rows(shipped, "gallery", "skin_phantom", epsilon)
            .query("looks > 0 and choice == 'best'")
            .sort_values("looks")
        )
        assert sent[1:] == [(shipped / file).read_bytes() for file in stored["file"]]
        errors = [f"<span>{error:.2f}</span>" for strip in stored["errors"] for error in strip]
        assert re.findall(r"<span>\d\.\d\d</span>", gallery) == errors
        assert gallery.count("alt=") == 3


def test_synthetic_stand_in_and_missing_pictures_are_labelled(open_app: Opener) -> None:
    assert "SYNTHETIC" in shown(open_app(data="skin_phantom"), "pp-gallery")
    assert "SYNTHETIC" in shown(open_app(data="skin_phantom"), "pp-context")
    assert "Stand-in" in shown(open_app(data="ham10000"), "pp-gallery")
    assert "no picture to show" in shown(open_app(data="breast_cancer"), "pp-note pp-wide")


@pytest.mark.parametrize("counted", ["paper", "tight"])
@pytest.mark.parametrize("typed", ["12.5", "3·10^5"])
def test_a_typed_budget_is_proven_live_and_its_utility_called_an_estimate(
    open_app: Opener, shipped: Path, typed: str, counted: str
) -> None:
    """σ and both bounds lie between those of the neighbouring points; the rest says where it was measured."""
    app = open_app(data="ham10000", eps="8", counted=counted)
    app.text_input(key="bar_typed").set_value(typed).run()
    assert_clean(app)
    cards = shown(app, "pp-cards")
    assert "estimated between measured points" in cards
    assert "the nearest measured budget" in cards
    assert "≈" in cards
    stored = (
        pd.read_parquet(shipped / "points.parquet").query("dataset == 'ham10000'").dropna(subset=["target_epsilon"])
    )
    axis = "target_epsilon" if counted == "paper" else "epsilon_tight"
    epsilon = float(typed.replace("·10^", "e"))
    below = stored[stored[axis] < epsilon].iloc[stored[stored[axis] < epsilon][axis].argmax()]
    above = stored[stored[axis] > epsilon].iloc[stored[stored[axis] > epsilon][axis].argmin()]
    sigma = _sigma(app.select_slider(key="bar_slider").label)
    assert above["noise_multiplier"] < sigma < below["noise_multiplier"]
    per_cent = [float(shown_bound) for shown_bound in re.findall(r"patients \(([\d.]+) %\)", cards)]
    for tier, bound in zip(("worst_case", "relaxed"), per_cent, strict=True):
        assert 99.9 * below[tier] <= bound <= 101 * above[tier]


def test_counting_tightly_keeps_the_mechanism_and_relabels_the_budget(open_app: Opener, shipped: Path) -> None:
    app = open_app(data="ham10000", eps="1e9")
    before = shown(app, "pp-cards"), _sigma(app.select_slider(key="bar_slider").label)
    app.segmented_control(key="bar_counted").set_value("tight").run()
    assert_clean(app)
    point = rows(shipped, "points", "ham10000", 1e9).iloc[0]
    assert float(parameter(app, "eps")) == pytest.approx(point["epsilon_tight"], rel=1e-4)
    assert parameter(app, "counted") == "tight"
    assert (shown(app, "pp-cards"), _sigma(app.select_slider(key="bar_slider").label)) == before
    app.segmented_control(key="bar_counted").set_value("rdp").run()
    assert parameter(app, "eps") == "1e9"


def test_a_typed_budget_comes_back_from_the_other_accountant(open_app: Opener) -> None:
    app = open_app(data="ham10000")
    app.text_input(key="bar_typed").set_value("12.5").run()
    for counted in ("tight", "rdp"):
        app.segmented_control(key="bar_counted").set_value(counted).run()
        assert_clean(app)
    assert parameter(app, "eps") == "12.5"


@pytest.mark.parametrize("typed", ["abc", "-4", "0", "", "1e16", "0.01", "<script>alert(1)</script>", "![x](http://x)"])
def test_bad_typing_gets_one_sentence_and_the_last_good_view_stays(open_app: Opener, typed: str) -> None:
    app = open_app(data="ham10000", eps="20")
    before = shown(app, "pp-cards")
    app.text_input(key="bar_typed").set_value(typed).run()
    assert not app.exception
    (warning,) = app.warning
    plain = warning.value.replace("\\", "")
    assert plain.startswith("ε must be a number from 0.1 to 10¹⁵ or “no DP”, but is ")
    assert plain.endswith("Still shown: ε = 20.")
    assert "![" not in warning.value
    assert shown(app, "pp-cards") == before
    assert parameter(app, "eps") == "20"
    app.select_slider(key="bar_slider").set_value(32.0).run()
    assert_clean(app)
    assert app.text_input(key="bar_typed").value == "32"


@pytest.mark.parametrize(
    "sent",
    [
        {"eps": "abc"},
        {"eps": "9" * 5000},
        {"eps": ["8", "9"]},
        {"eps": "nan"},
        {"eps": "\x00"},
        {"data": "<script>alert(1)</script>"},
        {"data": "../../etc/passwd"},
        {"data": ["ham10000", "ham10000"]},
        {"counted": "neither"},
        {"data": "x", "eps": "y", "counted": "z"},
    ],
)
def test_a_hostile_link_falls_back_with_one_friendly_line(open_app: Opener, sent: dict[str, str | list[str]]) -> None:
    app = open_app(**sent)
    assert not app.exception
    assert not app.error
    assert len(app.warning) == 1
    assert "link" in app.warning[0].value
    assert "<script>" not in app.warning[0].value
    assert parameter(app, "data") == "ham10000"
    assert parameter(app, "eps") == "8"
    assert "ε = 8" in shown(app, "pp-summary")


def test_a_link_reopens_the_same_view(open_app: Opener) -> None:
    first = open_app(data="breast_cancer", eps="1e6")
    first.segmented_control(key="bar_counted").set_value("tight").run()
    carried = {name: parameter(first, name) for name in ("data", "eps", "counted")}
    again = open_app(**carried)
    assert_clean(again)
    assert shown(again, "pp-summary") == shown(first, "pp-summary")
    assert again.selectbox(key="bar_dataset").value == "breast_cancer"


def test_another_dataset_keeps_the_nominal_budget(open_app: Opener) -> None:
    app = open_app(data="ham10000", eps="8")
    app.segmented_control(key="bar_counted").set_value("tight").run()
    app.selectbox(key="bar_dataset").set_value("breast_cancer").run()
    assert_clean(app)
    app.segmented_control(key="bar_counted").set_value("rdp").run()
    assert parameter(app, "eps") == "8"
    assert parameter(app, "data") == "breast_cancer"


def test_the_chart_has_a_description_and_a_table_with_every_budget(open_app: Opener, shipped: Path) -> None:
    app = open_app(data="ham10000")
    (chart,) = [element.value for element in app.get("html") if 'class="pp-plot"' in element.value]
    assert "table below the chart" in re.search(r'role="img" aria-label="([^"]+)"', chart)[1]
    exact = next(element.value for element in app.get("html") if "pp-readings" in element.value)
    assert re.search(r"proven, attacker holds the image: at most [\d,]+ of 10,000 patients", exact)
    assert re.search(r"measured, one look, 300 pictures: \d+ recognised among 300 \(95 %: ", exact)
    table = next(element.value for element in app.get("html") if "pp-table" in element.value)
    stored = main_model(pd.read_parquet(shipped / "points.parquet").query("dataset == 'ham10000'"))
    assert table.count('<th scope="row">') == exact.count("<input") == len(stored)


def test_limits_and_sources_are_told(open_app: Opener) -> None:
    app = open_app(data="ham10000")
    words = " ".join(element.value for element in app.markdown)
    for promised in ("measurement, not a guarantee", "each image, not each person", "CC BY-NC 4.0", "Nature Machine"):
        assert promised in words
    assert any("python -m dpcore sweep" in block.value for block in app.code)
    facts = " ".join(e.value for e in app.get("html") if "pp-facts" in e.value)
    assert "commit" in facts


def test_what_is_folded_is_made_when_it_is_opened(open_app: Opener) -> None:
    app = open_app(folded=True, data="ham10000")
    assert not any('class="pp-table' in element.value for element in app.get("html"))
    assert not any("measurement, not a guarantee" in element.value for element in app.markdown)
    assert not any("python -m dpcore sweep" in block.value for block in app.code)
