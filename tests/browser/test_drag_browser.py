"""The slider while it is dragged: the page follows at every position, alone, and the server has the last word."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route

from benchmarks.drag import SLIDER, stop_at, take_thumb

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
Settle = Callable[[Page], None]
#: Every block with a budget, as it stands in the page; what tells a frame from the server's block is left out.
_BLOCKS = """[...document.querySelectorAll("[data-drag]")].map((block) => {
  const copy = block.cloneNode(true);
  for (const one of [copy, ...copy.querySelectorAll("*")]) one.removeAttribute("aria-live");
  copy.removeAttribute("data-frame");
  return copy.outerHTML;
})"""
_STOPS = "[...new Set([...document.querySelectorAll('[data-drag]')].map((block) => block.dataset.epsilon))]"
_GALLERY_HEIGHT = "document.querySelector('.pp-gallery').getBoundingClientRect().height"
_PAINTED = "[...document.querySelectorAll('.pp-gallery img')].every((img) => img.complete && img.naturalWidth > 0)"


def watched(page: Page, settle: Settle) -> tuple[list[str], list[str]]:
    """Loads the page again, and returns what it sends to the server from then on, and what fails."""
    asked: list[str] = []
    failed: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda sent: asked.append(str(sent)[:80])))
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.on("dialog", lambda dialog: (failed.append(dialog.message), dialog.dismiss()))
    page.on(
        "console", lambda line: failed.append(line.text) if line.type == "error" and "404" not in line.text else None
    )
    page.reload()
    ready(page, settle)
    asked.clear()
    return asked, failed


def ready(page: Page, settle: Settle) -> None:
    """Waits until frames and pictures are there."""
    settle(page)
    page.wait_for_selector("[class*=st-key-drag_]", state="attached")
    page.wait_for_timeout(1000)
    settle(page)


def label(page: Page) -> str:
    return page.inner_text(".st-key-bar_slider label")


def stop(page: Page) -> str:
    return page.get_attribute(SLIDER, "aria-valuetext") or ""


def assert_one_stop(page: Page) -> None:
    """Slider, label and all blocks stand at the same budget, and every picture is there."""
    assert page.evaluate(_STOPS) == [stop(page)]
    name = stop(page) if stop(page) == "no DP" else f"ε = {stop(page)}"
    assert label(page).startswith(f"Privacy budget {name}, noise σ = ")
    page.wait_for_function(_PAINTED)


@pytest.mark.parametrize("path", ["tradeoff", "reconstruction"])
def test_the_page_follows_a_drag_and_asks_the_server_once(visit: Visit, settle: Settle, path: str) -> None:
    page = visit(f"/{path}?data=ham10000&eps=1e6")
    asked, failed = watched(page, settle)
    seen = [page.evaluate(_BLOCKS)]
    place = take_thumb(page)
    for step in (1, 2, 3):
        page.mouse.move(*stop_at(page, place + step))
        assert_one_stop(page)
        assert page.locator("[data-drag]:not([data-frame])").count() == 0
        assert page.locator("[role=status]:not([aria-live=off])").count() == 0
        seen.append(page.evaluate(_BLOCKS))
    assert all(len(set(block)) == len(seen) for block in zip(*seen, strict=True) if "<li>" not in block[0])
    assert asked == []
    page.mouse.up()
    page.wait_for_url("**eps=1e15**")
    page.wait_for_function("!document.querySelector('[data-frame]')")
    settle(page)
    assert_one_stop(page)
    assert page.evaluate(_BLOCKS) == seen[-1], "the frames are not what the server shows"
    assert len(asked) == 1
    assert failed == []


def test_a_drag_that_comes_home_leaves_everything_as_it_was(visit: Visit, settle: Settle) -> None:
    """Also from a typed budget between two stops, which has no frame, and without the server."""
    page = visit("/tradeoff?data=ham10000&eps=12.5")
    asked, failed = watched(page, settle)
    before = page.evaluate(_BLOCKS), label(page), page.url
    assert stop(page) == "12.5"
    place = take_thumb(page)
    page.mouse.move(*stop_at(page, place + 3))
    assert_one_stop(page)
    assert page.evaluate(_BLOCKS) != before[0]
    page.mouse.move(*stop_at(page, place))
    page.mouse.up()
    page.wait_for_timeout(300)
    assert (page.evaluate(_BLOCKS), label(page), page.url) == before
    assert page.locator("[data-frame], [aria-live=off]").count() == 0
    assert (asked, failed) == ([], [])


def test_frames_of_another_view_are_never_shown(visit: Visit, settle: Settle) -> None:
    """Dataset, accountant and page change under the slider; then it is dragged again."""
    page = visit("/tradeoff?data=ham10000&eps=1e6")
    _, failed = watched(page, settle)
    page.locator(".st-key-bar_counted").get_by_text("tightly").click()
    page.wait_for_url("**counted=tight**")
    page.locator(".st-key-bar_dataset input").fill("liver ph")
    page.keyboard.press("Enter")
    page.wait_for_url("**data=liver_phantom**")
    page.get_by_role("link", name="Reconstruction").click()
    page.wait_for_selector("[data-drag^='recon-summary liver_phantom tight']")
    ready(page, settle)
    place = take_thumb(page)
    page.mouse.move(*stop_at(page, place + 1))
    assert_one_stop(page)
    assert {
        name.split()[1]
        for name in page.evaluate("[...document.querySelectorAll('[data-drag]')].map(b => b.dataset.drag)")
    } == {"liver_phantom"}
    shown = page.evaluate(_BLOCKS)
    page.mouse.up()
    page.wait_for_function("!document.querySelector('[data-frame]')")
    assert page.evaluate(_BLOCKS) == shown
    page.get_by_role("link", name="Membership").click()
    page.wait_for_selector(".mb-roc")
    place = take_thumb(page)
    page.mouse.move(*stop_at(page, place - 2))
    page.mouse.up()
    settle(page)
    assert failed == []


def test_a_hostile_link_and_hostile_typing_stay_text(visit: Visit, settle: Settle) -> None:
    page = visit(
        "/tradeoff?data=ham10000&eps=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&counted=%22%3E%3Cscript%3Ealert(2)"
    )
    _, failed = watched(page, settle)
    field = page.locator(".st-key-bar_typed input")
    field.fill('"><img src=x onerror=alert(3)>')
    field.press("Enter")
    page.wait_for_selector("[data-testid=stAlert]")
    settle(page)
    place = take_thumb(page)
    page.mouse.move(*stop_at(page, place + 2))
    assert_one_stop(page)
    page.mouse.up()
    settle(page)
    assert page.locator("img[src=x]").count() == 0
    assert failed == []


def test_rapid_moves_leave_page_and_server_together(visit: Visit, settle: Settle) -> None:
    page = visit("/tradeoff?data=ham10000&eps=8", viewport={"width": 390, "height": 800}, color_scheme="dark")
    _, failed = watched(page, settle)
    move_rapidly(page, 60, seed=1)
    page.wait_for_function("!document.querySelector('[data-frame]')")
    settle(page)
    assert_one_stop(page)
    assert failed == []
    shown = page.evaluate(_BLOCKS), label(page)
    page.reload()
    ready(page, settle)
    assert (page.evaluate(_BLOCKS), label(page)) == shown, "the address leads elsewhere"


def move_rapidly(page: Page, moves: int, *, seed: int) -> None:
    """Drags with releases now and then, and presses keys, without ever waiting for the page."""
    chance = random.Random(seed)
    take_thumb(page)
    for _ in range(moves):
        kind = chance.random()
        if kind < 0.8:
            page.mouse.move(*stop_at(page, chance.randrange(16)))
        elif kind < 0.9:
            page.mouse.up()
            page.mouse.down()
        else:
            page.keyboard.press(chance.choice(["ArrowLeft", "ArrowRight", "Home", "End"]))
    page.mouse.up()


@pytest.mark.parametrize("come", [True, False])
def test_pictures_that_have_not_come_are_said_so(visit: Visit, settle: Settle, come: bool) -> None:
    """No blank, no other budget's pictures, nothing that jumps; and there they are, under the hand, if they come."""
    page = visit("/membership?data=ham10000&eps=1e9")
    held: list[Route] = []
    page.route("**/pictures/*", lambda route: held.append(route))
    page.goto(page.url.replace("membership", "tradeoff"))
    ready(page, settle)
    height = page.evaluate(_GALLERY_HEIGHT)
    place = take_thumb(page)
    page.mouse.move(*stop_at(page, place + 1))
    assert "still on their way" in page.inner_text(".pp-gallery")
    assert page.locator(".pp-gallery img").count() == 0
    assert page.evaluate(_GALLERY_HEIGHT) == pytest.approx(height, abs=0.1)
    for route in held:
        route.continue_() if come else route.abort()
    page.route("**/pictures/*", lambda route: route.continue_())
    if come:
        page.wait_for_selector(".pp-gallery[data-frame] img")
        assert_one_stop(page)
    page.mouse.up()
    page.wait_for_function("!document.querySelector('[data-frame]')")
    page.wait_for_selector(".pp-gallery img")
    assert_one_stop(page)
