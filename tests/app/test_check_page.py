"""The page "Is this really DP?" without a browser."""

from __future__ import annotations

import html
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dpcore.checker.examples import EXAMPLES
from tests.page_text import page_text
from ui import check_state

ROOT = Path(__file__).resolve().parents[2]
Open = Callable[..., AppTest]


@pytest.fixture
def page(open_link: Open) -> AppTest:
    return open_link("check")


def _type(app: AppTest, text: str) -> AppTest:
    return app.text_area(key="check_text").set_value(text).run()


def test_an_empty_page_says_what_to_paste(page: AppTest) -> None:
    shown = page_text(page)
    assert "Is this really DP?" in shown
    assert "What to paste" in shown
    assert "What is looked for" in shown
    assert "data-outcome=" not in shown


def test_each_example_fills_the_text_and_gives_its_verdict(page: AppTest) -> None:
    for example in EXAMPLES:
        page.button(key=f"check_example_{example.file.partition('.')[0]}").click().run()
        shown = page_text(page)
        assert f'data-outcome="{example.outcome}"' in shown
        assert page.text_area(key="check_text").value == example.read()
        assert f'data-finding="{example.finding}"' in shown or not example.finding
        assert any(f"dpcore check {example.file}" in code.value for code in page.code)
        assert not page.error
        assert not page.warning


def test_claimed_and_true_epsilon_stand_side_by_side_with_a_person(page: AppTest) -> None:
    page.button(key="check_example_opacus_shuffled").click().run()
    shown = page_text(page).replace("\u00a0", " ")
    for words in ("ε = 3<", "ε = 19.4<", "ε = 20.6<", "of 1,000 outsiders", "σ = 1<", "replace one", "is not proven"):
        assert words in shown, words


def test_a_refused_text_stays_and_one_sentence_says_why(page: AppTest) -> None:
    text = "a: !!python/object:os.system x\n"
    _type(page, text)
    assert len(page.error) == 1
    assert "must not use tags such as" in page.error[0].value.replace("\\", "")
    assert page.text_area(key="check_text").value == text
    assert "data-outcome=" not in page_text(page)
    _type(page, "noise_multiplier: 0\nmax_grad_norm: 1\n")
    assert not page.error
    assert 'data-outcome="void"' in page_text(page)


def test_a_huge_text_is_refused_and_stays(page: AppTest) -> None:
    text = "x: 1\n" * 20_000
    _type(page, text)
    assert "at most 64 kB" in page.error[0].value
    assert page.text_area(key="check_text").value == text


def test_names_from_the_file_cannot_become_html(page: AppTest) -> None:
    nasty = "<script>alert(1)</script>"
    _type(page, f'{{"{nasty}": {{"noise_multiplier": 0, "max_grad_norm": 1, "x{nasty}": 2}}}}')
    shown = page_text(page)
    assert 'data-outcome="void"' in shown
    assert "<script" not in shown.replace("<script data-pinch>", "")  # our own
    assert html.escape(nasty) in shown
    _type(page, f'{{"noise_multiplier": "{nasty}"}}')
    assert "noise_multiplier must be" in page.error[0].value.replace("\\", "")
    assert "\\<script\\>" in page.error[0].value


def test_settings_are_not_in_the_address_and_survive_another_page(page: AppTest) -> None:
    text = "noise_multiplier: 1.5\nmax_grad_norm: 1\n"
    _type(page, text)
    assert not dict(page.query_params)
    page.switch_page("pages/claims.py").run()
    page.switch_page("pages/check.py").run()
    assert page.text_area(key="check_text").value == text
    page.button(key="check_clear").click().run()
    assert page.text_area(key="check_text").value == ""
    assert "What to paste" in page_text(page)


def test_what_is_missing_is_asked_for(page: AppTest) -> None:
    _type(page, "noise_multiplier: 1.0\nepsilon: 3\n")
    shown = page_text(page)
    assert 'data-outcome="incomplete"' in shown
    assert "What is missing?" in shown
    assert "an ε without its δ says nothing" in shown


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"\xff\xfe\x00\x01", "UTF-8"),
        (b"a: \x00", "control character"),
        (b"  \n", "empty"),
        (b"x: 1\n" * 20_000, "at most 64 kB"),
    ],
)
def test_a_refused_upload_keeps_the_text(monkeypatch: pytest.MonkeyPatch, content: bytes, part: str) -> None:
    state: dict[str, object] = {"check_text": "kept", "check_name": "old.yaml"}
    state["check_upload_0"] = SimpleNamespace(name="new.yaml", getvalue=lambda: content)
    monkeypatch.setattr(st, "session_state", state)
    check_state.take_upload()
    assert (state["check_text"], state["check_name"]) == ("kept", "old.yaml")
    assert part in check_state.notice()
    assert check_state.upload_key() == "check_upload_1"


def test_an_upload_takes_the_place_of_the_text(page: AppTest) -> None:
    example = EXAMPLES[0]
    page.file_uploader[0].upload(example.file, example.read().encode(), "application/json").run()
    assert page.text_area(key="check_text").value == example.read()
    assert 'data-outcome="sound"' in page_text(page)


_VISIT = """
import sys
from streamlit.testing.v1 import AppTest

app = AppTest.from_file(APP, default_timeout=60).run()
app.switch_page("pages/check.py").run()
app.button(key="check_example_opacus_sound").click().run()
assert not app.exception and not app.error
print("FOUND", [name for name in ("torch", "opacus", "distributed") if name in sys.modules])
"""


def test_the_page_brings_no_torch() -> None:
    code = _VISIT.replace("APP", repr(str(ROOT / "app.py")))
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "FOUND []" in done.stdout
