"""The live lab in a real browser with a real laboratory: start, watch, reload, share, and on a phone."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from benchmarks.latency import READY, running_app

pytestmark = pytest.mark.browser

Settle = Callable[[Page], None]
#: The quickest data there is: no copy needed, a second a training.
_LINK = "/lab?data=breast_cancer&eps=8&epochs=20"
_WIDTHS = "[document.documentElement.scrollWidth, document.querySelector('[data-testid=stMain]').scrollWidth]"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an app with a database of its own, whose laboratory it starts itself."""
    folder: Path = tmp_path_factory.mktemp("lab")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PINCH_LAB", str(folder / "lab.sqlite3"))
        with running_app() as address:
            yield address


def _open(browser: Browser, address: str, *, width: int = 1280) -> Page:
    context = browser.new_context(viewport={"width": width, "height": 900})
    context.set_default_timeout(90_000)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector(".lb-before")
    page.wait_for_selector(READY)
    return page


def test_a_visitor_trains_reloads_and_shares(browser: Browser, lab: str, settle: Settle) -> None:
    page = _open(browser, lab + _LINK)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.wait_for_selector(".lb-advice")  # This machine has been timed; a worker is there.
    settle(page)
    start = time.perf_counter()
    page.get_by_role("button", name="Start training").click()
    page.wait_for_selector(".lb-head")
    first = time.perf_counter() - start
    page.wait_for_selector(".lb-course .rk-line", state="attached")  # On a quick machine it is soon folded away.
    page.wait_for_selector(".lb-result:has-text('without DP')")
    page.wait_for_selector(".lb-head", state="detached")
    settle(page)
    address = page.url
    assert re.search(r"[?&]run=[A-Za-z0-9_-]{16}", address)
    # 1 s when the machine is free; these tests share it with others.
    assert first < 5

    page.reload()
    page.wait_for_selector(".lb-result")
    settle(page)
    assert page.get_by_role("button", name="Delete").is_visible()
    token = {cookie["name"]: cookie for cookie in page.context.cookies()}["pinch_visitor"]
    assert token["sameSite"] == "Strict"
    assert token["value"] not in page.url

    other = _open(browser, address)
    other.wait_for_selector(".lb-result")
    assert other.get_by_text("Somebody shared this run").is_visible()
    assert not other.get_by_role("button", name="Delete").count()
    assert not errors
    other.context.close()
    page.context.close()


def test_a_visitor_cancels_what_runs(browser: Browser, lab: str) -> None:
    page = _open(browser, lab + "/lab?data=breast_cancer&eps=8&epochs=900&seed=7")
    page.wait_for_selector(".lb-advice")
    page.get_by_role("button", name="Start training").click()
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_selector("[data-testid=stAlert]:has-text('Cancelled, so there is no result')")
    page.wait_for_selector(".lb-head", state="detached")
    page.context.close()


def test_a_phone_never_scrolls_sideways(browser: Browser, lab: str, settle: Settle) -> None:
    page = _open(browser, lab + _LINK + "&seed=3", width=390)
    page.wait_for_selector(".lb-advice")
    page.get_by_role("button", name="Start training").click()
    page.wait_for_selector(".lb-head")
    assert max(page.evaluate(_WIDTHS)) <= 390
    page.wait_for_selector(".lb-result")
    page.wait_for_selector(".lb-head", state="detached")
    settle(page)
    assert max(page.evaluate(_WIDTHS)) <= 390
    page.context.close()
