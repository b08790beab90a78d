"""The membership page in a real browser, on an invented store: by link, by pointer, by keyboard, on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from benchmarks.latency import READY, running_app
from dpcore.results.store import DEFAULT_FOLDER
from tests.invented_membership import invent

pytestmark = pytest.mark.browser

_WIDTHS = "[document.documentElement.scrollWidth, document.querySelector('[data-testid=stMain]').scrollWidth]"


@pytest.fixture(scope="module")
def invented_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("invented") / "results"
    with running_app(invent(DEFAULT_FOLDER, folder, ["skin_phantom"])) as found:
        yield found


def _open(browser: Browser, address: str, width: int) -> tuple[Page, list[str]]:
    page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
    page.set_default_timeout(90_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{address}/membership?data=skin_phantom&eps=8&before=2")
    page.wait_for_selector(".mb-odds")
    page.wait_for_selector(READY)
    return page, errors


def test_a_link_opens_and_curves_follow_slider_pointer_and_keyboard(browser: Browser, invented_address: str) -> None:
    page, errors = _open(browser, invented_address, 1280)
    assert page.locator(".mb-odds").get_attribute("data-view") == "2 1"
    for frame, name in (("roc", "mb-read-roc"), ("audit", "mb-read-audit")):
        css = f".st-key-rk_frame_member_{frame}"
        # The layer lies on the drawing: both plots cover the same rectangle.
        # Measured at one moment: the page may still be settling.
        drawn, over = page.evaluate(
            "all => all.map((css) => JSON.stringify(document.querySelector(css).getBoundingClientRect()))",
            [f"{css} {c} .rk-plot" for c in (".rk-chart:not(.rk-over)", ".rk-over")],
        )
        assert drawn == over
        page.locator(f"input[name={name}]").first.focus()
        page.keyboard.press("ArrowRight")
        shown = page.locator(f"{css} .rk-readout >> visible=true")
        assert shown.count() == 1
        assert shown.inner_text()
    page.locator(".st-key-member_alarm").get_by_text("1 in 1,000", exact=True).click()
    page.wait_for_url("**alarm=0.1**")
    page.locator(".st-key-bar_slider input[type=range]").focus()
    page.keyboard.press("End")
    page.wait_for_selector('.mb-roc[data-epsilon="no DP"]')
    page.wait_for_selector('.mb-floor[data-epsilon="no DP"]')
    assert not errors
    page.context.close()


def test_a_phone_never_scrolls_sideways(browser: Browser, invented_address: str) -> None:
    page, errors = _open(browser, invented_address, 390)
    assert max(page.evaluate(_WIDTHS)) <= 390
    assert not errors
    page.context.close()
