"""Every page for everyone: axe-core, narrow windows, charts in words and tables, reduced motion, forced colours."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from benchmarks.latency import READY
from tests.browser.everyone import misplaced, size_of_text, violations, violations_in_both_themes

pytestmark = pytest.mark.browser

Settle = Callable[[Page], None]
Opened = Callable[[str], Page]
#: Every page by a link that shows as much of it as one view can.
PAGES = {
    "tradeoff": "/tradeoff?data=ham10000&eps=1e6",
    "risks": "/risks?data=ham10000&eps=8&n=5000",
    "reconstruction": "/reconstruction?data=ham10000&eps=1e9",
    "membership": "/membership?data=ham10000&eps=8",
    "lab": "/lab?data=skin_phantom&eps=8",
    "planner": "/planner?data=ham10000&eps=8",
    "check": "/check",
    "claims": "/claims",
}


@pytest.fixture(scope="module")
def opened(browser: Browser, address: str) -> Iterator[Opened]:
    """Gives each page, opened once with all its expanders open; a second asker gets the same one, wide and light."""
    # With reduced motion, so that a change of theme needs no waiting.
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(90_000)
    known: dict[str, Page] = {}

    def give(name: str) -> Page:
        if name not in known:
            page = known[name] = context.new_page()
            page.goto(address + PAGES[name])
            page.wait_for_selector("details, .ck-empty, .cl-cards")
            _drawn(page)
            if name == "tradeoff":
                page.wait_for_selector(".pp-plot img")
            page.evaluate("document.querySelectorAll('details:not([open]) > summary').forEach(s => s.click())")
            _drawn(page)
        return known[name]

    yield give
    context.close()


def _drawn(page: Page) -> None:
    page.wait_for_selector(READY)
    page.wait_for_timeout(300)
    page.wait_for_selector(READY)


@pytest.mark.parametrize("name", PAGES)
def test_axe_core_objects_to_nothing(opened: Opened, name: str) -> None:
    assert violations_in_both_themes(opened(name)) == []


@pytest.mark.parametrize("name", PAGES)
def test_nothing_scrolls_sideways_is_cut_or_covered(opened: Opened, name: str) -> None:
    """Phones, 1,280 px at 200 % and 400 % zoom, which are 640 and 320 px, and 1,280 px with only the text at 200 %."""
    page = opened(name)
    for width, text in ((640, 100), (390, 100), (320, 100), (1280, 200)):
        page.set_viewport_size({"width": width, "height": 900})
        size_of_text(page, text)
        page.wait_for_timeout(250)
        assert misplaced(page) == [], f"{width} px, text at {text} %"
    size_of_text(page, 100)


@pytest.mark.parametrize("name", PAGES)
def test_every_chart_has_words_and_its_numbers(opened: Opened, name: str) -> None:
    """A chart has a name that says what it shows, and in its section a table; dots for people have their sentence."""
    charts = opened(name).evaluate(_CHARTS)
    expected = {"tradeoff": 1, "risks": 4, "reconstruction": 2, "membership": 4, "planner": 2}
    assert len(charts) >= expected.get(name, 0)
    for chart in charts:
        assert len(chart["name"]) > 25, chart
        assert chart["table"] or chart["sentence"], chart


@pytest.mark.parametrize("name", ["tradeoff", "risks", "claims"])
def test_with_reduced_motion_nothing_of_ours_moves(opened: Opened, name: str) -> None:
    moving = opened(name).evaluate(
        """[...document.querySelectorAll(".stMainBlockContainer *")].flatMap(e => ["", "::before", "::after"].map(p => {
             const style = getComputedStyle(e, p);
             const seconds = (css) => Math.max(...css.split(",").map(parseFloat));
             const moves = style.animationName !== "none" || (style.transitionProperty !== "none"
               && seconds(style.transitionDuration) > 0);
             return moves ? e.className + p : "";
           })).filter(Boolean)"""
    )
    assert moving == []


@pytest.mark.parametrize(("name", "mark"), [("tradeoff", ".pp-cursor-name"), ("risks", ".rk-cursor-name")])
def test_with_forced_colours_the_present_budget_and_the_focus_are_seen(opened: Opened, name: str, mark: str) -> None:
    page = opened(name)
    page.emulate_media(forced_colors="active")
    ground = "e => getComputedStyle(e).backgroundColor"
    try:
        assert page.locator(mark).first.evaluate(ground) != page.locator(".stApp").evaluate(ground)
        page.locator(".st-key-bar_typed input").focus()
        page.keyboard.press("Shift+Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    finally:
        page.emulate_media(forced_colors="none")


def test_the_words_a_refusal_and_a_finished_check_are_for_everyone_too(
    visit: Callable[..., Page], settle: Settle
) -> None:
    page = visit("/tradeoff?data=ham10000&eps=8", color_scheme="dark")
    page.locator(".st-key-bar_typed input").fill("nonsense")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-testid=stAlert]")
    settle(page)
    assert violations(page) == []
    page.get_by_role("button", name="Words used here").click()
    page.wait_for_selector(".pp-words dt")
    assert violations(page) == []
    page.goto(page.url.partition("/tradeoff")[0] + "/check")
    page.get_by_role("button", name="Flower, ε per round").click()
    page.wait_for_selector(".ck-verdict")
    for width, text in ((1280, 100), (1280, 200), (320, 100)):
        page.set_viewport_size({"width": width, "height": 900})
        size_of_text(page, text)
        page.wait_for_timeout(250)
        assert violations(page) == []
        assert misplaced(page) == []


#: Each chart with its name, whether its section has a table, and whether a sentence stands in its figure.
_CHARTS = """() => {
  const headings = [...document.querySelectorAll("h1, h2")];
  const section = (e) => headings.findLast((h) => h.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING);
  const tables = new Set([...document.querySelectorAll("table, [data-testid=stDataFrame]")].map(section));
  const charts = "[role=img], .mb-figure";
  return [...document.querySelectorAll(charts)].filter(
    (chart) => !chart.closest("[data-testid=stIconMaterial]") && chart.checkVisibility()
  ).map((chart) => {
    const named = chart.matches("[aria-label]") ? chart : chart.querySelector("[aria-label]");
    return {
      name: named?.getAttribute("aria-label") ?? "",
      table: tables.has(section(chart)),
      sentence: (chart.closest("figure")?.innerText ?? "").length > 40,
    };
  });
}"""
