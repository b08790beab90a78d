"""The membership page without a browser: on an invented store, on the shipped one, controls and hostile links."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.invented_membership import invent
from tests.page_text import page_text

ROOT = Path(__file__).resolve().parents[2]
Open = Callable[..., AppTest]


@pytest.fixture(scope="module")
def invented(shipped: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return invent(shipped, tmp_path_factory.mktemp("invented") / "results", ["skin_phantom", "liver_phantom"])


@pytest.fixture
def open_page(open_link: Open, invented: Path) -> Open:
    """Opens the page on the invented store unless told otherwise."""
    return functools.partial(open_link, "membership", folder=invented)


def test_the_page_answers_and_follows_the_budget(open_page: Open) -> None:
    app = open_page(data="skin_phantom", eps="8")
    assert not app.exception
    assert not app.error
    at_eight = page_text(app)
    for part in (
        "the best attack measured here finds",
        "no attack, known or unknown, finds more than",
        "what proof allows and no attack here reached",
        "the audit proves that ε\u00a0is",
        "nobody knows",
        "by skin tone",
        "really in it",
    ):
        assert part.replace("\u00a0", " ") in at_eight.replace("\u00a0", " ")
    assert at_eight.count('role="img"') == 4
    app.text_input(key="bar_typed").set_value("5").run()
    between = page_text(app).replace("\u00a0", " ")
    assert "Membership attacks were not run at ε = 5" in between
    assert "Not audited at ε = 5" in between
    app.text_input(key="bar_typed").set_value("no DP").run()
    without = page_text(app)
    assert "Nothing is proven" in without.replace("<strong>", "").replace("</strong>", "")
    assert "no limit without DP" in without
    assert "so nothing was audited" in without
    assert not app.exception


def test_every_control_moves_the_page_and_the_link(open_page: Open) -> None:
    app = open_page(data="skin_phantom", eps="8")
    before = page_text(app)
    for widget, name, value in (
        (lambda: app.segmented_control(key="member_axes"), "axes", "linear"),
        (lambda: app.segmented_control(key="member_alarm"), "alarm", "0.1"),
        (lambda: app.select_slider(key="member_before"), "before", "1000"),
    ):
        widget().set_value(value).run()
        assert not app.exception
        assert app.query_params[name] == value
        assert page_text(app) != before
        before = page_text(app)
    again = open_page(data="skin_phantom", eps="8", axes="linear", alarm="0.1", before="1000")
    assert page_text(again) == before
    assert not again.warning


def test_a_hostile_link_is_ignored_by_name(open_page: Open) -> None:
    app = open_page(data="skin_phantom", axes="<img src=x>", alarm=["1", "0.1"], before="1e9")
    assert not app.exception
    (warning,) = [w.value for w in app.warning]
    for name in ("axes", "alarm", "before"):
        assert f"In the link\\: {name} must be" in warning
    assert "<img" not in warning.replace(r"\<", "")
    assert set(app.query_params) == {"data", "eps", "counted"}


def test_an_outlined_dataset_has_no_groups_and_one_kind_of_canary(open_page: Open) -> None:
    app = open_page(data="liver_phantom", eps="8")
    assert not app.exception
    shown = page_text(app)
    assert "no class or subgroup" in shown
    assert "audited floor, 95 %: planted gradient" in shown
    assert "mislabelled record</li>" not in shown


def test_what_was_not_measured_is_said_and_never_shown_as_safe(open_page: Open) -> None:
    app = open_page(data="breast_cancer", eps="8")
    assert not app.exception
    assert not app.error  # Nothing is broken.
    for part in ("membership", "audit"):
        assert f"dpcore sweep --part {part} --dataset breast_cancer" in page_text(app)
    assert page_text(app).count("Not measured is not the same as safe") == 2
    assert "of 1,000</strong>" not in page_text(app)


def test_a_damaged_table_is_an_error_and_not_a_gap(open_page: Open, invented: Path, tmp_path: Path) -> None:
    shutil.copytree(invented, tmp_path / "results")
    for name in ("membership", "audits"):
        (tmp_path / "results" / f"{name}.parquet").write_bytes(b"nothing")
    app = open_page(folder=tmp_path / "results", data="skin_phantom", eps="8")
    assert not app.exception
    assert "of the precomputed results is damaged" in app.error[0].value
    assert "of 1,000</strong>" not in page_text(app)


def test_the_shipped_results_are_shown_or_said_to_be_missing(open_page: Open, shipped: Path) -> None:
    app = open_page(folder=shipped, data="skin_phantom", eps="8")
    assert not app.exception
    assert not app.error
    assert "the best attack measured here finds" in page_text(app)
    assert "the audit proves that" in page_text(app)
