"""The start page as its visitors meet it: by link, by keyboard, on a phone, in the dark."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page

from benchmarks.latency import READY, running_app
from tests.browser.everyone import violations
from ui import charts

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
    """The mark lies over the chart: it must stand at the tick of its budget, and on the curve."""
    page = visit("/tradeoff?eps=8")
    page.wait_for_selector(".pp-plot img")
    page.evaluate("document.querySelector('.pp-plot img').dataset.kept = 'yes'")
    for budget, decade in (("ArrowRight", 1.30103), ("ArrowRight", 1.50515), ("End", 18.0)):
        move(page, budget, settle)
        page.wait_for_timeout(200)
        zero, fifteen, found = page.evaluate(
            """() => {
              const middle = (e) => { const box = e.getBoundingClientRect(); return box.left + box.width / 2; };
              const ticks = [...document.querySelectorAll(".pp-tick-x")];
              const tick = (words) => middle(ticks.find((e) => e.innerText === words));
              return [tick("1"), tick("10¹⁵"), middle(document.querySelector(".pp-dot"))];
            }"""
        )
        assert found == pytest.approx(zero + (fifteen - zero) * decade / 15, abs=1.5)
        assert page.get_attribute(".pp-plot img", "data-kept") == "yes"
    readout, found = page.evaluate(
        """() => {
          const middle = (e) => { const box = e.getBoundingClientRect(); return box.top + box.height / 2; };
          const last = [...document.querySelectorAll(".pp-readings input")].at(-1);
          last.focus();
          return [middle(last.nextSibling.querySelector("i")), middle(document.querySelector(".pp-dot"))];
        }"""
    )
    assert found == pytest.approx(readout, abs=1.5)


def test_the_picture_fills_the_space_between_the_margins(visit: Visit) -> None:
    """Words stand by pixels, curves inside the picture: both must mean the same place."""
    page = visit("/tradeoff?eps=8")
    picture, ticks = page.evaluate(
        """() => {
          const chart = document.querySelector(".pp-plot"), { top, left, width } = chart.getBoundingClientRect();
          const img = chart.querySelector("img").getBoundingClientRect();
          const edges = [img.top - top, img.height, img.left - left, left + width - img.right];
          const ticks = Object.fromEntries([...document.querySelectorAll(".pp-tick-y")].map((e) => {
            const box = e.getBoundingClientRect();
            return [e.innerText, box.top + box.height / 2 - top];
          }));
          return [edges, ticks];
        }"""
    )
    margin = charts.MARGIN
    height = charts.HEIGHT - margin["t"] - margin["b"]
    assert picture == pytest.approx([margin["t"], height, margin["l"], margin["r"]], abs=1)
    for percent in (0, 100):
        wanted = charts.down(charts.RISK_PANEL, percent, charts.RISK_RANGE)
        assert ticks[f"{percent} %"] == pytest.approx(wanted, abs=1)


def test_exact_values_by_pointer_and_by_arrow_keys(visit: Visit) -> None:
    page = visit("/tradeoff?data=ham10000&eps=8")
    stops = page.locator(".pp-readings input")
    stops.nth(5).hover()
    shown = page.locator(".pp-readings .rk-readout:visible")
    assert shown.inner_text().startswith("ε = 8: MCC 0.39")
    page.mouse.move(5, 5)
    stops.nth(5).focus()
    page.keyboard.press("ArrowRight")
    assert shown.inner_text().startswith("ε = 20: MCC")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_without_scrolling_sideways(visit: Visit, scheme: str) -> None:
    page = visit("/tradeoff?eps=1e9", viewport={"width": 390, "height": 800}, color_scheme=scheme)
    page.wait_for_selector(".pp-plot img")
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
    page.wait_for_selector(".pp-plot img")
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
    page.wait_for_selector(".pp-plot img")
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


def test_the_first_answer_names_every_script_that_the_page_needs(browser: Browser, address: str) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    answer = page.goto(f"{address}/tradeoff")
    page.wait_for_selector(f"{READY} .pp-gallery img")
    assert answer is not None
    named = set(re.findall(r"/js/([\w.-]+\.js)", answer.text()))
    needed = {found[1] for url in asked if (found := re.search(r"/static/js/([\w.-]+\.js)$", url))}
    page.close()
    assert needed
    assert needed - named == set()


def test_the_chart_to_zoom_into_comes_when_it_is_opened_and_saves_a_picture(visit: Visit, settle: Settle) -> None:
    page = visit("/tradeoff?data=ham10000")
    assert not page.locator(".js-plotly-plot").count()
    page.get_by_text("Zoom in, compare models").click()
    chart = page.locator(".js-plotly-plot")
    chart.wait_for(timeout=60_000)
    settle(page)
    assert "ResNet-9" in (chart.locator(".legend").text_content() or "")
    assert not violations(page)
    with page.expect_download() as saved:
        page.locator('[data-title="Download plot as a png"], [data-title="Download plot as a PNG"]').first.click(
            force=True
        )
    assert saved.value.suggested_filename == "tradeoff-ham10000.png"
