"""Risk bounds and published claims in a real browser: by deep link, without errors, and on a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import ConsoleMessage, Page

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
_WIDTHS = "[document.documentElement.scrollWidth, document.querySelector('[data-testid=stMain]').scrollWidth]"


def _watch(page: Page) -> list[str]:
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # Streamlit asks for two addresses below a deep link that are not there; harmless.
        if message.type == "error" and "404" not in message.text:
            errors.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


def test_risk_bounds_open_by_link_and_follow_what_is_typed(visit: Visit) -> None:
    page = visit("/risks?eps=8&n=5000")
    errors = _watch(page)
    page.reload()
    page.wait_for_selector(".rk-icons")
    assert page.locator(".rk-plot svg path.rk-worst").count() >= 2
    before = page.locator("[data-view]").first.get_attribute("data-view")
    epochs = page.get_by_role("textbox", name="Epochs")
    epochs.fill("3")
    epochs.press("Enter")
    page.wait_for_function("view => document.querySelector('[data-view]').dataset.view !== view", arg=before)
    page.wait_for_url("**epochs=3**")
    assert not errors


def test_published_claims_open_by_link(visit: Visit) -> None:
    page = visit("/claims")
    errors = _watch(page)
    page.reload()
    page.wait_for_selector(".cl-cards")
    assert page.locator(".cl-table .cl-differs").count() == 1
    assert page.locator(".cl-card").count() >= 10
    assert not errors


@pytest.mark.parametrize("path", ["/risks?eps=1e9&attacker=real", "/claims"])
def test_a_phone_never_scrolls_sideways(visit: Visit, path: str) -> None:
    page = visit(path, viewport={"width": 390, "height": 844})
    page.wait_for_selector(".rk-icons, .cl-cards")
    assert max(page.evaluate(_WIDTHS)) <= 390
