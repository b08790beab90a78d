"""Reconstruction in a real browser: by link, pictures computed now, the threshold, and on a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
_WIDTHS = "[document.documentElement.scrollWidth, document.querySelector('[data-testid=stMain]').scrollWidth]"
_PAINTED = "[...document.querySelectorAll('.rc-gallery img')].every(img => img.complete && img.naturalWidth > 0)"
_THICK = (
    "parseFloat(getComputedStyle(document.querySelector('.st-key-rk_frame_errors svg path.rc-line-{}')).strokeWidth)"
)


def test_a_visitor_looks_closer(visit: Visit, settle: Callable[[Page], None]) -> None:
    page = visit("/reconstruction?data=ham10000&eps=1e9")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.wait_for_selector(".rc-gallery img")
    page.wait_for_function(_PAINTED)
    place = int(page.locator("[data-line]").first.get_attribute("data-line") or -1)
    assert page.evaluate(_THICK.format(place)) > page.evaluate(_THICK.format(0))
    page.locator(".st-key-recon_side").get_by_text("28 px", exact=True).click()
    page.wait_for_selector(".rc-gallery figcaption:has-text('Computed now')")
    page.wait_for_url("**side=28**")
    page.wait_for_function(_PAINTED)
    slider = page.locator(".st-key-recon_eta input[type=range]")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".rc-errors:has-text('threshold η = 0.11')")
    page.wait_for_url("**eta=0.11**")
    settle(page)
    assert not errors


def test_a_phone_never_scrolls_sideways(visit: Visit) -> None:
    page = visit("/reconstruction?data=skin_phantom&eps=8&looks=all", viewport={"width": 390, "height": 844})
    page.wait_for_selector(".rc-holds")
    assert max(page.evaluate(_WIDTHS)) <= 390


def test_charts_out_of_sight_cost_nothing_and_paper_shows_them(visit: Visit) -> None:
    page = visit("/reconstruction?data=ham10000&eps=8")
    last = page.locator(".st-key-rk_frame_appear")
    seen = "chart => chart.querySelector('.rk-plot').checkVisibility({ contentVisibilityAuto: true })"
    assert not last.evaluate(seen)
    page.emulate_media(media="print")
    assert last.evaluate(seen)
    page.emulate_media(media="screen")
    last.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('.st-key-rk_frame_appear .rk-plot').offsetHeight > 0")
    assert last.evaluate(seen)
