"""How soon a page follows its slider while it is dragged, beside the server's answer after the release.

Starts the app on a free port and opens a page in Chromium. The mouse takes the slider and moves it stop by stop without
letting go; measured inside the page is the time from the pointer's event until every block shows the new budget
(“changed”), and until the browser has painted it (“painted”). Then the mouse lets go, and the time from there until
every block is the server's own is measured (“released”): what each position cost before the page followed by itself.
A drag asks the server for nothing, which a test watches, so other visitors cannot slow it down.

    python -m benchmarks.drag [--page tradeoff|reconstruction] [--ways 12] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from typing import Any

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.latency import CORES, QUIET, READY, find_chromium, running_app

SLIDER = ".st-key-bar_slider input[type=range]"
PAGES = ("tradeoff", "reconstruction")
#: ms in which a new server loads what its first page did without, see `ui/warm_start.py` and `benchmarks start`.
_SETTLED = 8000
GOALS_MS = {"changed": 30.0, "released": 150.0}

_STOP_AT = """(place) => {
  const input = document.querySelector(".st-key-bar_slider input[type=range]");
  const thumb = input.closest("[style*=translate]"), track = thumb.parentElement.getBoundingClientRect();
  const box = thumb.getBoundingClientRect();
  return [track.left + (track.width * place) / input.max, box.top + box.height / 2];
}"""

#: Resolves with the ms from the next event of that kind until every block has moved; `own`: is the server's own.
_WATCH = """({ event, own }) => {
  const slider = document.querySelector(".st-key-bar_slider input[type=range]");
  const before = own ? null : slider.getAttribute("aria-valuetext");
  const moved = () => {
    const stop = slider.getAttribute("aria-valuetext");
    const blocks = [...document.querySelectorAll("[data-drag]")];
    return stop !== before && blocks.every((b) => b.dataset.epsilon === stop && !(own && "frame" in b.dataset));
  };
  window.pinchMove = new Promise((done, fail) => addEventListener(event, () => {
    const start = performance.now();
    const gaveUp = setTimeout(() => fail(new Error("not repainted")), 10000);
    const look = () => {
      if (!moved()) return;
      observer.disconnect();
      clearTimeout(gaveUp);
      const changed = performance.now() - start;
      requestAnimationFrame(() => setTimeout(() => done({ changed, painted: performance.now() - start })));
    };
    const observer = new MutationObserver(look);
    observer.observe(document.body, { subtree: true, childList: true, attributes: true });
    look();
  }, { once: true, capture: true }));
}"""


def stop_at(page: Page, place: int) -> tuple[float, float]:
    """Returns where on the screen the slider's stop with that number is, the first being 0."""
    x, y = page.evaluate(_STOP_AT, place)
    return x, y


def take_thumb(page: Page) -> int:
    """Presses the mouse on the slider's thumb, and returns the number of the stop where it is."""
    place = int(page.input_value(SLIDER))
    page.mouse.move(*stop_at(page, place))
    page.mouse.down()
    return place


def drag_once(page: Page) -> tuple[list[dict[str, float]], float]:
    """Takes the slider to its other end, and returns the ms of each position, and of the server after the release."""
    place, last = take_thumb(page), int(page.get_attribute(SLIDER, "max") or 0)
    step = 1 if place < last / 2 else -1
    moves = []
    while 0 <= place + step <= last:
        place += step
        page.evaluate(_WATCH, {"event": "pointermove", "own": False})
        page.mouse.move(*stop_at(page, place))
        moves.append(page.evaluate("window.pinchMove"))
        page.wait_for_timeout(20)
    page.evaluate(_WATCH, {"event": "pointerup", "own": True})
    page.mouse.up()
    released = page.evaluate("window.pinchMove")["changed"]
    page.wait_for_selector(READY)
    page.wait_for_timeout(60)
    return moves, released


def open_page(browser: Browser, address: str, name: str) -> Page:
    """Opens a page and waits until its frames and pictures are there."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{address}/{name}?data=ham10000&eps=0.1")
    page.wait_for_selector(".pp-gallery img")
    page.wait_for_selector(f".st-key-drag_{name}", state="attached")
    page.wait_for_selector(READY)
    page.wait_for_timeout(1500)
    return page


def summarise(values: list[float]) -> dict[str, float]:
    """Returns median and 95th percentile in ms."""
    return {"median": statistics.median(values), "p95": statistics.quantiles(values, n=20)[-1]}


def run(name: str, ways: int) -> dict[str, Any]:
    """Returns the ms of all positions and releases, and the load of the machine before and after."""
    load, stolen = os.getloadavg()[0], psutil.cpu_times()
    with sync_playwright() as playwright, running_app() as address:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        page = open_page(browser, address, name)
        page.wait_for_timeout(_SETTLED)
        found = [drag_once(page) for _ in range(ways)]
        browser.close()
    moves = [move for way, _ in found for move in way]
    return {
        "page": name,
        "positions": len(moves),
        "changed": summarise([move["changed"] for move in moves]),
        "painted": summarise([move["painted"] for move in moves]),
        "released": summarise([released for _, released in found]),
        "load_per_core": {"before": load / CORES, "after": os.getloadavg()[0] / CORES},
        "stolen": _stolen(stolen, psutil.cpu_times()),
    }


def _stolen(before: Any, after: Any) -> float:
    """Share of the processors' time that other machines of the same host took; 0 where the system does not tell."""
    if not hasattr(after, "steal"):
        return 0.0
    return float((after.steal - before.steal) / (sum(after[:8]) - sum(before[:8])))


def report(found: dict[str, Any]) -> None:
    """Prints the measurements for people."""
    print(f"{found['page']}, {found['positions']} positions; ms, median / p95")
    for name, words in (
        ("changed", "a position of a drag: event to changed page"),
        ("painted", "the same, to painted page"),
        ("released", "the release: event to the server's own page"),
    ):
        goal = f", goal {GOALS_MS[name]:.0f} at p95" if name in GOALS_MS else ""
        print(f"  {words:<44} {found[name]['median']:>6.1f} / {found[name]['p95']:>6.1f}{goal}")
    load = found["load_per_core"]
    waiting = f"waiting processes per core: {load['before']:.2f} before, {load['after']:.2f} after"
    print(f"  {waiting}; other machines took {found['stolen']:.1%} of the processors")


def main() -> None:
    """Prints the measurements; ends with 1 if a drag misses its goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", choices=PAGES)
    parser.add_argument("--ways", type=int, default=12, help="drags from one end of the slider to the other")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = [run(name, options.ways) for name in PAGES if options.page in (None, name)]
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        for each in found:
            report(each)
    sys.exit(any(each["changed"]["p95"] > GOALS_MS["changed"] for each in found))


if __name__ == "__main__":
    main()
