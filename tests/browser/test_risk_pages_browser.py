"""Risk bounds and published claims in a real browser: by deep link, without errors, and on a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import ConsoleMessage, Page

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
_LAYERS = (".rk-chart:not(.rk-over)", ".rk-over")
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


def test_exact_values_are_read_by_pointer_and_by_keyboard(visit: Visit) -> None:
    page = visit("/risks?data=ham10000&eps=8")
    places = page.locator("input[name=rk-read-bounds]")
    shown = page.locator(".rk-bounds .rk-readout >> visible=true")
    assert shown.count() == 0
    at_eight = page.get_by_role("radio", name="ε = 8: at most")
    at_eight.hover()
    assert shown.inner_text() == at_eight.get_attribute("aria-label")
    page.mouse.move(0, 0)
    assert shown.count() == 0
    # One stop of the Tab key, then the arrows.
    places.first.focus()
    page.keyboard.press("ArrowRight")
    assert shown.inner_text().startswith("ε = 0.5: at most ")
    # The layer lies on the drawing: both plots cover the same rectangle.
    drawn, over = (page.locator(f".st-key-rk_frame_bounds {css} .rk-plot").bounding_box() for css in _LAYERS)
    assert drawn == over


def test_a_card_follows_its_slider(visit: Visit) -> None:
    page = visit("/claims")
    page.wait_for_selector("[data-card=refresh]")
    page.locator(".st-key-claims_refresh_months input[type=range]").focus()
    page.keyboard.press("Home")
    page.wait_for_selector("[data-card=refresh] .cl-holds")
