"""The page of reconstruction without a browser: stored and live pictures, the threshold, links, what is missing."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dpcore import datasets
from tests.page_text import page_text
from ui.loaders import FOLDER_VARIABLE

ROOT = Path(__file__).resolve().parents[2]
Open = Callable[..., AppTest]


@pytest.fixture
def open_page(open_link: Open) -> Open:
    """Opens the page."""
    return functools.partial(open_link, "reconstruction")


def test_the_page_answers_in_the_paper_s_setting(open_page: Open) -> None:
    app = open_page(data="skin_phantom", eps="1e6")
    shown = page_text(app)
    assert not app.error
    assert "One who must only name the right one among 300" in shown
    assert shown.count('<img src="pictures/') == 4
    assert "data:image" not in shown
    assert "Computed now" not in shown
    assert "measured, not proven" in shown
    assert 'class="rc-measures' in shown or "rc-measures" in shown


@pytest.mark.parametrize("dataset", ["ham10000", "skin_phantom"])
def test_another_setting_is_computed_on_pictures_that_may_be_shown(
    open_page: Open, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = datasets.load_attack_records
    monkeypatch.setattr(datasets, "load_attack_records", lambda name: (asked.append(name), real(name))[1])
    app = open_page(data=dataset, eps="1e9", side="28", together="8")
    shown = page_text(app)
    assert not app.error
    assert "Computed now on 16" in shown
    assert set(asked) <= {"skin_phantom"}
    assert "rc-pixels" in shown
    app.button(key="recon_reset").click().run()
    assert "Computed now" not in page_text(app)
    assert "side" not in app.query_params


_VISIT = """
import sys
from streamlit.testing.v1 import AppTest

app = AppTest.from_file(APP, default_timeout=60).run()
app.switch_page("pages/reconstruction.py").run()
app.segmented_control(key="recon_side").set_value(28).run()
assert not app.exception and not app.error
assert any("Computed now" in element.proto.body for element in app.get("html"))
print("FOUND", [name for name in ("torch", "opacus") if name in sys.modules])
"""


def test_an_attack_while_someone_waits_brings_no_torch() -> None:
    code = _VISIT.replace("APP", repr(str(ROOT / "app.py")))
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "FOUND []" in done.stdout


def test_every_control_moves_the_page_and_the_link(open_page: Open) -> None:
    app = open_page(data="ham10000", eps="1e9", side="28")
    before = page_text(app)
    for key, value, name in (
        ("looks", "five", "looks"),
        ("together", 8, "together"),
        ("denoise", "wavelet", "denoise"),
    ):
        app.segmented_control(key=f"recon_{key}").set_value(value).run()
        assert app.query_params[name] == [str(value)] or app.query_params[name] == str(value)
        assert page_text(app) != before
        before = page_text(app)
    app.slider(key="recon_eta").set_value(0.5).run()
    assert "threshold η = 0.50" in page_text(app)


def test_hostile_links_are_ignored_with_a_sentence(open_page: Open) -> None:
    app = open_page(data="ham10000", eps="8", side="9999999", eta="<script>")
    assert "<script>" not in page_text(app)
    assert len(app.warning) == 1
    assert "ignored" in app.warning[0].value
    assert "threshold η = 0.10" in page_text(app)


def test_a_batch_says_that_a_picture_may_be_another_s(open_page: Open) -> None:
    assert "which may be another" in page_text(open_page(data="skin_phantom", eps="1e9", together="8", side="28"))
    assert "which may be another" not in page_text(open_page(data="skin_phantom", eps="1e9", side="28"))


def test_a_table_of_patients_has_no_pictures_and_says_so(open_page: Open) -> None:
    shown = page_text(open_page(data="breast_cancer", eps="1e6"))
    assert "there is no picture to show" in shown
    assert "relative distance" in shown
    assert "<img" not in shown


def test_missing_variations_are_named_never_zero(
    open_page: Open, bent: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(bent("reconstructions", lambda table: table.iloc[:0])))
    shown = page_text(open_page(data="ham10000", eps="8"))
    assert "python -m dpcore sweep --part reconstruction --dataset ham10000" in shown
    assert "rc-changes-missing" in shown
    assert "estimates only" in shown


def test_pictures_from_the_middle_have_a_row_of_their_own(
    open_page: Open, bent: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    best = open_page(data="skin_phantom", eps="8")
    rows = page_text(best).count("What one look gives")

    def with_middle(table: pd.DataFrame) -> pd.DataFrame:
        only = table[table["choice"] == "best"]
        return pd.concat([only, only.assign(choice="middle")])

    monkeypatch.setenv(FOLDER_VARIABLE, str(bent("gallery", with_middle)))
    shown = page_text(open_page(data="skin_phantom", eps="8"))
    assert shown.count("What one look gives") == 2
    assert rows in (1, 2)
