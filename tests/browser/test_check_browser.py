"""The page "Is this really DP?" in a real browser: examples, keyboard, upload, a hostile file, a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from benchmarks.latency import READY
from dpcore.checker.examples import EXAMPLES

pytestmark = pytest.mark.browser

_WIDTHS = "[document.documentElement.scrollWidth, document.querySelector('[data-testid=stMain]').scrollWidth]"
_HOSTILE = '{"noise_multiplier": 0, "max_grad_norm": 1, "<script>window.hit = 1</script><img src=x onerror=hit()>": 1}'


@pytest.fixture
def page(browser, address: str) -> Page:
    return _open(browser, address, 1280)


def _open(browser, address: str, width: int) -> Page:
    page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
    page.set_default_timeout(90_000)
    page.goto(f"{address}/check")
    page.wait_for_selector(".ck-empty")
    page.wait_for_selector(READY)
    return page


def _verdict(page: Page, outcome: str) -> None:
    page.wait_for_selector(f'.ck-verdict[data-outcome="{outcome}"]')
    page.wait_for_selector(READY)


def test_by_keyboard_from_an_example_to_what_is_typed(page: Page, tmp_path: Path) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.locator(".st-key-check_example_tf_microbatches button").focus()
    page.keyboard.press("Enter")
    _verdict(page, "void")
    assert page.locator(".ck-word").inner_text().split()[-1].lower() == "void"
    summary = page.locator(".ck-finding summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert "sensitivity is 2C" in page.locator(".ck-finding details").first.inner_text()

    area = page.locator(".st-key-check_text textarea")
    area.fill(_HOSTILE)
    page.locator(".st-key-check_go button").click()
    page.wait_for_selector('[data-finding="no_noise"]')
    assert "<script>" in page.locator(".ck-faint", has_text="Not read").inner_text()
    assert page.evaluate("window.hit") is None

    area.fill("a: &b 1")
    area.press("Control+Enter")
    page.wait_for_selector('[data-testid="stAlert"]')
    assert area.input_value() == "a: &b 1"
    assert page.url.endswith("/check")

    file = tmp_path / "mine.json"
    file.write_text(EXAMPLES[0].read(), encoding="utf-8")
    page.locator(".st-key-check_beside input[type=file]").set_input_files(file)
    _verdict(page, "sound")
    assert area.input_value() == EXAMPLES[0].read()
    assert "check mine.json" in page.locator("[data-testid=stCode]").inner_text()
    with page.expect_download() as download:
        page.locator(".st-key-check_download_txt button").click()
    assert Path(download.value.path()).read_text(encoding="utf-8").startswith("SOUND: ")
    assert not errors
    page.context.close()


def test_a_phone_never_scrolls_sideways(browser, address: str) -> None:
    page = _open(browser, address, 390)
    assert max(page.evaluate(_WIDTHS)) <= 390
    for example in EXAMPLES:
        page.locator(f".st-key-check_example_{example.file.partition('.')[0]} button").click()
        _verdict(page, example.outcome)
        assert max(page.evaluate(_WIDTHS)) <= 390
    page.context.close()
