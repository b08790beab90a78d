"""The start page by keyboard alone, and its tour: offered, walked, skipped, remembered, opened again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
Settle = Callable[[Page], None]
_FOCUS = "document.activeElement"
#: What a screen reader would call the focused part, and how its focus is drawn.
_NAME = f"{_FOCUS}.getAttribute('aria-label') ?? {_FOCUS}.innerText"
_OUTLINE = f"(s => [s.outlineStyle, parseFloat(s.outlineWidth)])(getComputedStyle({_FOCUS}))"


def tab_to(page: Page, words: str) -> list[str]:
    """Presses Tab until the focus is on a part so called; returns what was passed, each with a visible focus."""
    passed: list[str] = []
    for _ in range(45):
        page.keyboard.press("Tab")
        name = page.evaluate(_NAME) or ""
        if page.evaluate(f"!{_FOCUS}.matches('body, main, [data-testid=stMain]')"):
            style, width = page.evaluate(_OUTLINE)
            drawn = page.evaluate(f"getComputedStyle({_FOCUS}).boxShadow !== 'none'")
            assert (style != "none" and width >= 1) or drawn, f"no visible focus on {name}"
        if words in name:
            return passed
        passed.append(name)
    raise AssertionError(f"“{words}” was not reached by Tab, but {passed}")


def budget(page: Page) -> str:
    return page.get_attribute(".pp-cursor", "data-epsilon") or ""


def wait_for_budget(page: Page, other_than: str, settle: Settle) -> None:
    page.wait_for_function("was => document.querySelector('.pp-cursor').dataset.epsilon !== was", arg=other_than)
    settle(page)


def test_the_start_page_by_keyboard_alone(visit: Visit, settle: Settle) -> None:
    page = visit("/tradeoff?data=ham10000&eps=8")
    page.wait_for_selector(".pp-plot img")
    page.keyboard.press("Tab")
    assert page.evaluate(_NAME) == "Skip to main content"
    page.keyboard.press("Enter")

    # The tour, turned down.
    tab_to(page, "No, thanks")
    page.keyboard.press("Enter")
    page.wait_for_selector(".st-key-tour_again")

    # Another dataset, and back.
    tab_to(page, "Data")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("[role=option]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_function("!location.search.includes('ham10000')")
    settle(page)
    page.go_back()
    page.wait_for_function("location.search.includes('ham10000')")
    settle(page)

    # ε by the slider; its help on the way there, which Escape closes.
    page.locator(".st-key-bar_dataset input, .st-key-bar_dataset [role=combobox]").first.focus()
    tab_to(page, "Help for Privacy budget")
    page.wait_for_selector("[data-testid=stTooltipContent]")
    assert "Sigma" in page.inner_text("[data-testid=stTooltipContent]")
    page.keyboard.press("Escape")
    page.wait_for_selector("[data-testid=stTooltipContent]", state="detached")
    tab_to(page, "Privacy budget ε")
    before = budget(page)
    page.keyboard.press("ArrowRight")
    wait_for_budget(page, before, settle)

    # ε typed, and how it is counted.
    tab_to(page, "or type ε")
    if page.evaluate(f"{_FOCUS}.tagName") == "BUTTON":
        tab_to(page, "or type ε")
    page.keyboard.press("Control+A")
    page.keyboard.type("100")
    before = budget(page)
    page.keyboard.press("Enter")
    wait_for_budget(page, before, settle)
    tab_to(page, "as in the paper")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.wait_for_function("location.search.includes('counted=tight')")
    settle(page)

    # Our own tips: read on focus, gone with Escape, back with the next focus.
    tab_to(page, "About Diagnostic quality")
    tip = page.locator(".pp-help:focus .pp-tip")
    assert tip.is_visible()
    assert tip.inner_text().strip() in page.evaluate(_NAME)
    page.keyboard.press("Escape")
    assert not tip.is_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    assert tip.is_visible()

    # The table, and the download.
    tab_to(page, "The chart as a table")
    page.keyboard.press("Enter")
    page.wait_for_selector("details[open] table")
    tab_to(page, "Download the numbers")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".csv")


@pytest.mark.parametrize(("scheme", "width"), [("dark", 390)])
def test_the_tour_is_walked_by_keyboard_and_never_in_the_way(
    visit: Visit, settle: Settle, scheme: str, width: int
) -> None:
    page = visit("/tradeoff?data=ham10000&eps=8", viewport={"width": width, "height": 844}, color_scheme=scheme)
    page.get_by_role("button", name="Show me in under a minute").focus()
    page.keyboard.press("Enter")
    words = []
    for step in range(1, 7):
        page.wait_for_function("n => document.querySelector('.pp-tour')?.innerText.startsWith(`${n} of 6`)", arg=step)
        settle(page)
        words.append(page.inner_text(".pp-tour"))
        target = page.locator(page.get_attribute("[data-tour-target]", "data-tour-target") or "").first
        assert target.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
        box, panel = target.bounding_box(), page.locator(".st-key-tour_panel").bounding_box()
        assert box
        assert panel
        assert box["y"] < panel["y"], "the tour covers what it speaks of"
        assert box["y"] + box["height"] > 0
        assert panel["x"] >= 0
        assert panel["x"] + panel["width"] <= width
        assert page.evaluate(f"{_FOCUS}.closest('.st-key-tour_panel') !== null")
        if step == 2:
            before = budget(page)
            page.locator(".st-key-bar_slider input[type=range]").focus()
            page.keyboard.press("ArrowRight")
            wait_for_budget(page, before, settle)
            assert page.inner_text(".pp-tour") == words[-1], "a moved slider ends no tour"
            page.locator(".st-key-tour_next button").focus()
        page.keyboard.press("Enter")
    assert len(" ".join(words).split()) <= 200, "under a minute at 200 words a minute"
    page.wait_for_selector(".st-key-tour_again")
    assert page.locator(".st-key-tour_panel").count() == 0


def test_escape_ends_the_tour_which_stays_ended_and_can_be_opened_again(visit: Visit, settle: Settle) -> None:
    page = visit("/tradeoff?data=ham10000&eps=8")
    page.get_by_role("button", name="Show me in under a minute").click()
    page.wait_for_selector(".pp-tour")
    page.keyboard.press("Escape")
    page.wait_for_selector(".st-key-tour_again")
    # Other pages have no tour; back on the start page it is not offered anew.
    page.get_by_role("link", name="Risk bounds").click()
    page.wait_for_selector(".rk-cards")
    assert page.locator("[class*=st-key-tour_]").count() == 0
    page.get_by_role("link", name="Trade-off").click()
    page.wait_for_selector(".pp-gallery")
    settle(page)
    assert page.locator(".st-key-tour_begin").count() == 0
    page.get_by_role("button", name="Tour").click()
    page.wait_for_selector(".pp-tour")
