"""What a page keeps for everyone, as lists of what breaks it: axe-core, and text that is cut, covered or too wide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Page

_AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
_OF_COLOUR = ["color-contrast", "link-in-text-block"]
_DARK = "rgb(16, 22, 29)"


def violations(page: Page, **options: Any) -> list[str]:
    """Returns what axe-core objects to, with the place; no place is left out, and no rule unless asked for."""
    _lay_out_everything(page)
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE)
    run = "options => axe.run(document, { resultTypes: ['violations'], ...options })"
    found: dict[str, Any] = page.evaluate(run, options)
    return [f"{v['id']}: {node['target']} {node['html'][:120]}" for v in found["violations"] for node in v["nodes"]]


def _lay_out_everything(page: Page) -> None:
    """Charts out of sight have neither place nor colour, so they are judged as if they were in sight."""
    page.evaluate("""() => {
      if (document.adoptedStyleSheets.some(sheet => sheet.ofTests)) return;
      const sheet = Object.assign(new CSSStyleSheet(), { ofTests: true });
      sheet.replaceSync("* { content-visibility: visible !important }");
      document.adoptedStyleSheets.push(sheet);
    }""")


def size_of_text(page: Page, percent: int) -> None:
    """Sets the size of the text alone, as a browser's own setting does."""
    page.evaluate("size => { document.documentElement.style.setProperty('font-size', size) }", f"{percent}%")


def misplaced(page: Page) -> list[str]:
    """Returns what scrolls sideways, is cut off, or lies on other text."""
    _lay_out_everything(page)
    wide = page.evaluate(
        "[document.scrollingElement, document.querySelector('[data-testid=stMain]')]"
        ".filter(e => e.scrollWidth > e.clientWidth).map(e => `${e.tagName} scrolls sideways`)"
    )
    return [*wide, *page.evaluate(_CUT), *page.evaluate(_COVERED)]


def violations_in_both_themes(page: Page) -> list[str]:
    """Returns axe-core's objections at 1280 and 390 px, in light and in dark; afterwards the page is wide and light."""
    found = []
    for scheme, rules in (("light", {}), ("dark", {"runOnly": _OF_COLOUR})):  # Colours are all that the theme changes.
        page.emulate_media(color_scheme=scheme)
        _wait_for_theme(page, scheme)
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(200)
            found += [f"{scheme}, {width} px: {objection}" for objection in violations(page, **rules)]
    page.emulate_media(color_scheme="light")
    _wait_for_theme(page, "light")
    return found


def _wait_for_theme(page: Page, scheme: str) -> None:
    ground = "getComputedStyle(document.querySelector('.stApp')).backgroundColor"
    for _ in range(50):
        if (page.evaluate(ground) == _DARK) == (scheme == "dark"):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"The page did not turn {scheme}.")


#: Visible text nodes of the page with their element; what explains or scrolls on purpose is left out.
_TEXTS = """
  const texts = [], main = document.querySelector(".stMainBlockContainer");
  const walk = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
  const skipped = "style, script, option, svg, pre, textarea, .pp-unseen, .pp-tip, .pp-scroll, "
    + "[data-testid=stIconMaterial]";
  while (walk.nextNode()) {
    const node = walk.currentNode, e = node.parentElement;
    if (!node.textContent.trim() || e.closest(skipped)) continue;
    if (!e.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    texts.push([e, range, node.textContent.trim().slice(0, 50)]);
  }"""
_CUT = (
    "() => {"
    + _TEXTS
    + """
  return texts.filter(([e, range]) => {
    const text = range.getBoundingClientRect();
    if (text.right > innerWidth + 1 || text.left < -1) return true;
    for (let box = e; box && !box.matches(".stMainBlockContainer"); box = box.parentElement) {
      const style = getComputedStyle(box), edge = box.getBoundingClientRect();
      if (!/hidden|clip/.test(style.overflowX + style.overflowY)) continue;
      if (text.right > edge.right + 1.5 || text.left < edge.left - 1.5 || text.bottom > edge.bottom + 2) return true;
    }
    return false;
  }).map(([, , words]) => words);
}"""
)
#: Texts that lie on each other, but for the bar that stays in sight above all.
_COVERED = (
    "() => {"
    + _TEXTS
    + """
  const lines = texts.filter(([e]) => !e.closest(".st-key-control_bar"))
    .flatMap(([e, range, words]) => [...range.getClientRects()].map((box) => ({ e, box, words })))
    .filter(({ box }) => box.width > 1 && box.height > 1).sort((a, b) => a.box.top - b.box.top);
  const found = [];
  lines.forEach((a, i) => {
    for (let j = i + 1; j < lines.length && lines[j].box.top < a.box.bottom; j++) {
      const b = lines[j];
      const wide = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
      const high = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
      if (a.e !== b.e && wide > 3 && high > 6) found.push(`${a.words} / ${b.words}`);
    }
  });
  return found;
}"""
)
