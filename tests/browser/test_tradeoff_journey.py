"""The start page as its visitors meet it: by link, by keyboard, on a phone, in the dark."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page

from benchmarks.latency import running_app

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
Settle = Callable[[Page], None]
SLIDER = ".st-key-bar_slider input[type=range]"


def linked(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def seen(page: Page) -> dict[str, str]:
    """What a visitor sees of a budget: sentence, cards, mark and pictures."""
    pictures = page.locator(".pp-gallery img")
    return {
        "summary": page.inner_text(".pp-summary"),
        "cards": page.inner_text(".pp-cards"),
        "mark": page.get_attribute(".pp-cursor", "style") or "",
        "pictures": " ".join(str(hash(pictures.nth(i).get_attribute("src"))) for i in range(pictures.count())),
        "slider": page.get_attribute(SLIDER, "aria-valuetext") or "",
    }


def move(page: Page, key: str, settle: Settle) -> None:
    page.locator(SLIDER).focus()
    before = page.get_attribute(".pp-cursor", "data-epsilon")
    page.keyboard.press(key)
    page.wait_for_function(
        """before => {
          const mark = document.querySelector(".pp-cursor").dataset;
          return mark.epsilon !== before && !("frame" in mark);
        }""",
        arg=before,
    )
    settle(page)


def test_open_move_the_slider_reload_same_state(visit: Visit, settle: Settle) -> None:
    page = visit("/tradeoff?data=ham10000&eps=1e6")
    before = seen(page)
    move(page, "ArrowRight", settle)
    after = seen(page)
    for part, value in after.items():
        assert value != before[part], f"{part} did not change"
    assert linked(page) == {"data": "ham10000", "eps": "1e9", "counted": "paper"}
    page.get_by_text("Copy a link to this view").click()
    assert page.locator("[data-testid=stPopoverBody] code").inner_text().strip() == page.url
    page.reload()
    settle(page)
    assert seen(page) == after
    page.go_back()
    settle(page)
    assert seen(page) == before


def test_the_bare_address_leads_to_the_start_page_with_its_link(visit: Visit) -> None:
    page = visit("/")
    assert urlsplit(page.url).path == "/tradeoff"
    assert linked(page) == {"data": "ham10000", "eps": "8", "counted": "paper"}


def test_the_first_visit_of_a_fresh_process_may_be_a_deep_link(browser: Browser, settle: Settle) -> None:
    with running_app() as address:
        page = browser.new_page()
        page.goto(f"{address}/tradeoff?eps=20")
        settle(page)
        assert page.locator("[role=dialog]").count() == 0
        assert page.get_attribute(SLIDER, "aria-valuetext") == "20"
        page.close()


def test_typing_a_budget_and_typing_nonsense(visit: Visit, settle: Settle) -> None:
    page = visit("/tradeoff?eps=8")
    field = page.locator(".st-key-bar_typed input")
    field.fill("10^6")
    field.press("Enter")
    page.wait_for_function("document.querySelector('.pp-cursor').dataset.epsilon === '10⁶'")
    settle(page)
    assert field.input_value() == "10⁶"
    good = seen(page)
    field.fill("<img src=x onerror=alert(1)>")
    field.press("Enter")
    page.wait_for_selector("[data-testid=stAlert]")
    settle(page)
    assert "must be a number from 0.1 to 10¹⁵ or “no DP”" in page.inner_text("[data-testid=stAlert]")
    assert seen(page) == good
    assert page.locator("img[src=x]").count() == 0


def test_a_moved_slider_redraws_the_mark_but_not_the_chart(visit: Visit, settle: Settle) -> None:
    """The mark lies over the chart: it must stand where plotly's own axis puts the budget."""
    page = visit("/tradeoff?eps=8")
    page.wait_for_selector(".st-key-trade_off_chart .main-svg")
    page.evaluate("document.querySelector('.main-svg').dataset.kept = 'yes'")
    for budget, decade in (("ArrowRight", 1.30103), ("ArrowRight", 1.50515), ("End", 18.0)):
        move(page, budget, settle)
        page.wait_for_timeout(200)
        wanted, found = page.evaluate(
            """(decade) => {
              const chart = document.querySelector(".st-key-trade_off_chart .js-plotly-plot");
              const axis = chart._fullLayout.xaxis;
              const mark = document.querySelector(".pp-dot").getBoundingClientRect();
              return [chart.getBoundingClientRect().left + axis._offset + axis.l2p(decade), mark.left + mark.width / 2];
            }""",
            decade,
        )
        assert found == pytest.approx(wanted, abs=1.5)
        assert page.get_attribute(".main-svg >> nth=0", "data-kept") == "yes"
    wanted, found = page.evaluate(
        """() => {
          const chart = document.querySelector(".st-key-trade_off_chart .js-plotly-plot");
          const axis = chart._fullLayout.yaxis;
          const last = chart.data.find((trace) => trace.marker?.symbol === "circle-open"), y = last.y[0] ?? last.y;
          const mark = document.querySelector(".pp-dot").getBoundingClientRect();
          return [chart.getBoundingClientRect().top + axis._offset + axis.l2p(y), mark.top + mark.height / 2];
        }"""
    )
    assert found == pytest.approx(wanted, abs=1.5)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_without_scrolling_sideways(visit: Visit, scheme: str) -> None:
    page = visit("/tradeoff?eps=1e9", viewport={"width": 390, "height": 800}, color_scheme=scheme)
    page.wait_for_selector(".st-key-trade_off_chart .main-svg")
    widths = page.evaluate(
        "[...document.querySelectorAll('html, [data-testid=stMain], .stMainBlockContainer')].map(e => e.scrollWidth)"
    )
    assert max(widths) <= 390
    beyond = page.evaluate(
        """[...document.querySelectorAll(".pp-cards *, .pp-gallery *, .pp-legend *, .st-key-control_bar *")]
           .filter(e => e.getBoundingClientRect().right > 390.5).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert beyond == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
@pytest.mark.parametrize("link", ["eps=12.5&data=breast_cancer", "eps=no-dp&data=skin_phantom"])
def test_text_has_the_contrast_of_wcag_aa(visit: Visit, scheme: str, width: int, link: str) -> None:
    """Every text of the page against the ground it stands on: 4.5 : 1, large text 3 : 1."""
    page = visit(f"/tradeoff?{link}", viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.wait_for_selector(".st-key-trade_off_chart .main-svg")
    faint = page.evaluate(_FAINT_TEXT)
    assert faint == []
    ground = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 200) == (scheme == "dark")


def test_the_control_bar_stays_in_sight(visit: Visit) -> None:
    for width in (1280, 390):
        page = visit("/tradeoff?eps=1e9", viewport={"width": width, "height": 800})
        page.locator(".pp-gallery").scroll_into_view_if_needed()
        page.evaluate("document.querySelector('[data-testid=stMain]').scrollBy(0, 400)")
        page.wait_for_timeout(200)
        box = page.locator(SLIDER).locator("xpath=ancestor::*[@data-testid='stSlider']").bounding_box()
        assert box is not None
        assert 0 <= box["y"] < 200


def test_every_picture_and_chart_has_words(visit: Visit) -> None:
    page = visit("/tradeoff?eps=1e9")
    assert all(page.evaluate("[...document.querySelectorAll('.pp-gallery img')].map(img => img.alt.length > 30)"))
    page.wait_for_selector(".st-key-trade_off_chart .main-svg")
    assert page.locator("[aria-label*='All values are in the table below the chart']").count() == 1
    assert re.fullmatch(
        r"Privacy budget ε = 10⁹, noise σ = [\d.·⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", page.get_attribute(SLIDER, "aria-label") or ""
    )


#: Texts whose colour is too near their ground: the nearest ancestor's opaque colour.
_FAINT_TEXT = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (css) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = css;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const linear = (v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (e) => {
    // The slider's value floats above the thumb that holds it.
    if (e.closest("[data-testid=stSliderThumbValue]")) e = e.closest("[data-testid=stSlider]");
    for (; e; e = e.parentElement) {
      const colour = rgba(getComputedStyle(e).backgroundColor);
      if (colour[3] > 250) return colour;
    }
    return [255, 255, 255, 255];
  };
  const faint = [];
  const texts = document.createTreeWalker(document.querySelector(".stMainBlockContainer"), NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const words = texts.currentNode.textContent.trim();
    const e = texts.currentNode.parentElement, style = getComputedStyle(e);
    const skipped = e.closest("[data-testid=stIconMaterial], style");
    if (!words || skipped || !e.getBoundingClientRect().width || style.visibility === "hidden") continue;
    const ink = rgba(e.closest("svg") ? style.fill : style.color), under = ground(e), share = ink[3] / 255;
    const mixed = [0, 1, 2].map((i) => ink[i] * share + under[i] * (1 - share));
    const [light, dark] = [luminance(mixed), luminance(under)].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < (large ? 3 : 4.5)) faint.push(`${ratio.toFixed(2)} ${words.slice(0, 40)}`);
  }
  return faint;
}"""


def test_keys_pressed_quickly_one_after_the_other_all_count(visit: Visit, settle: Settle) -> None:
    page = visit("/tradeoff?data=skin_phantom&eps=8")
    slider = page.locator(".st-key-bar_slider input[type=range]")
    slider.focus()
    for key, budget in (("ArrowRight", "32"), ("ArrowLeft", "8")) * 2:
        # The second one comes before the browser has heard what the first one put into the field beside.
        page.keyboard.press(key)
        page.wait_for_timeout(120)
        page.keyboard.press(key)
        page.wait_for_timeout(1200)
        settle(page)
        assert slider.get_attribute("aria-valuetext") == budget
        assert page.locator(".pp-summary").get_attribute("data-epsilon") == budget
