"""How long a moved slider takes to repaint a page, in a real browser.

Starts the app on a free port, opens it in Chromium, moves the slider by its arrow keys and measures, inside the page,
the time from the key press until the server's own blocks for the new budget are there: on the start page sentence,
cards, the mark on the chart and pictures. (What a page shows before that by itself is measured by drag.py.) First the
slider goes once over all its stops, which nobody has visited yet; those moves are told apart. The load of the machine
stands beside the figures, since whatever else runs there slows them down.

    python -m benchmarks.latency [--page tradeoff|risks|reconstruction|membership|planner|lab] [--moves 60] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
CORES = os.cpu_count() or 1


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A page, its blocks that carry the budget, and the project's goal for all of them together."""

    path: str
    blocks: dict[str, str]
    goal_p95_ms: float


PAGES = {
    "tradeoff": Measured(
        path="/tradeoff",
        blocks={"sentence": ".pp-summary", "cards": ".pp-cards", "chart": ".pp-cursor", "pictures": ".pp-gallery"},
        goal_p95_ms=200,
    ),
    "risks": Measured(
        path="/risks",
        blocks={
            "sentence": ".pp-summary",
            "cards": ".rk-cards",
            "limits": ".rk-bounds",
            "people": ".rk-people",
            "membership": ".rk-membership",
            "odds": ".rk-odds",
            "accountants": ".rk-text[data-epsilon]",
        },
        goal_p95_ms=250,
    ),
    # What lies between the two is drawn between them; without DP there are no cards.
    "planner": Measured(
        path="/planner",
        blocks={"sentence": ".pp-summary", "limits": ".pl-band"},
        goal_p95_ms=250,
    ),
    "lab": Measured(
        path="/lab",
        blocks={"sentence": ".lb-plan", "cards": ".lb-before"},
        goal_p95_ms=250,
    ),
    "membership": Measured(
        path="/membership",
        blocks={
            "sentence": ".pp-summary",
            "cards": ".rk-cards",
            "curves": ".mb-roc",
            "audit": ".mb-audit",
            "groups": ".mb-who",
            "odds": ".mb-odds",
        },
        goal_p95_ms=250,
    ),
    "reconstruction": Measured(
        path="/reconstruction",
        blocks={
            "sentence": ".pp-summary",
            "attackers": ".rc-attackers",
            "pictures": ".rc-gallery",
            "errors": ".rc-errors",
            "sizes": ".rc-appear",
        },
        goal_p95_ms=250,
    ),
}
READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'
QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"]

#: Resolves with the ms from the next key press until each block, as the server made it, carries another budget than now
#: and is painted.
_WATCH = """
(blocks) => {
  const budget = (css) => document.querySelector(css)?.dataset.epsilon;
  const before = Object.fromEntries(Object.entries(blocks).map(([name, css]) => [name, budget(css)]));
  window.pinchMove = new Promise((done, fail) => {
    addEventListener("keydown", () => {
      const start = performance.now(), found = {};
      const look = () => {
        const pictures = [...document.querySelectorAll(".pp-gallery img")];
        for (const [name, css] of Object.entries(blocks)) {
          const painted = name !== "pictures" || pictures.every((img) => img.complete && img.naturalWidth > 0);
          const moved = budget(css) && budget(css) !== before[name] && !document.querySelector(`${css}[data-frame]`);
          if (!(name in found) && moved && painted) found[name] = performance.now() - start;
        }
        if (Object.keys(found).length === Object.keys(blocks).length) done(found);
        else if (performance.now() - start > 10000) fail(new Error("not repainted: " + JSON.stringify(found)));
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    }, { once: true, capture: true });
  });
}
"""


def find_chromium() -> str | None:
    """Returns the system's Chromium, or None for Playwright's own."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def running_app(folder: Path | None = None) -> Iterator[str]:
    """Starts the app on a free port and gives its address; ends it afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, **({"PINCH_PRECOMPUTED": str(folder)} if folder else {})}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_healthy(f"http://127.0.0.1:{port}", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


def _wait_until_healthy(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).read()
            return
        except (urllib.error.URLError, OSError):
            if server.poll() is not None:
                raise RuntimeError(f"The app ended with code {server.returncode}.") from None
            time.sleep(0.05)
    raise RuntimeError("The app did not start within 30 s.")


# Pages are opened past the app's policy: Playwright's waiting for a condition runs text as a program in the page.
def measure_opening(browser: Browser, address: str) -> dict[str, float]:
    """Returns the ms from opening the page, with an empty cache, until pictures and until the chart are painted."""
    page = browser.new_page(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    start = time.perf_counter()
    page.goto(f"{address}/tradeoff", wait_until="commit")
    page.wait_for_function(
        "[...document.querySelectorAll('.pp-gallery img')].some(img => img.complete && img.naturalWidth)"
    )
    picture = 1000 * (time.perf_counter() - start)
    page.wait_for_selector(".pp-plot img")
    chart = 1000 * (time.perf_counter() - start)
    page.close()
    return {"pictures": picture, "chart": chart}


def measure_moves(page: Page, blocks: dict[str, str], moves: int) -> list[dict[str, float]]:
    """Returns, a move, the ms until each block was repainted; the slider goes up and down its whole length."""
    slider = page.locator(".st-key-bar_slider input[type=range]")
    slider.focus()
    taken: list[dict[str, float]] = []
    key = "ArrowRight"
    for _ in range(moves):
        if slider.input_value() == slider.get_attribute("max" if key == "ArrowRight" else "min"):
            key = "ArrowLeft" if key == "ArrowRight" else "ArrowRight"
        page.evaluate(_WATCH, blocks)
        page.keyboard.press(key)
        taken.append(page.evaluate("window.pinchMove"))
        page.wait_for_selector(READY)
        page.wait_for_timeout(60)
    return taken


def visit_every_stop(page: Page, blocks: dict[str, str]) -> list[dict[str, float]]:
    """Returns the same for one way over all stops from the first one on."""
    slider = page.locator(".st-key-bar_slider input[type=range]")
    slider.focus()
    before = slider.input_value()
    page.keyboard.press("Home")
    if before != slider.get_attribute("min"):
        page.wait_for_function("css => document.querySelector(css).dataset.epsilon === '0.1'", arg=".pp-summary")
    page.wait_for_selector(READY)
    return measure_moves(page, blocks, int(slider.get_attribute("max") or 0))


def summarise(taken: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Returns median and 95th percentile in ms for each block and for all of them together."""
    columns = {name: [move[name] for move in taken] for name in taken[0]}
    columns["everything"] = [max(move.values()) for move in taken]
    return {
        name: {"median": statistics.median(ms), "p95": statistics.quantiles(ms, n=20)[-1]}
        for name, ms in columns.items()
    }


def run(measured: Measured, moves: int, folder: Path | None) -> dict[str, Any]:
    """Returns all measurements in ms, and the load of the machine before and after."""
    load = os.getloadavg()[0]
    started = time.perf_counter()
    with sync_playwright() as playwright, running_app(folder) as address:
        up = 1000 * (time.perf_counter() - started)
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        opened = {visitor: measure_opening(browser, address) for visitor in ("opened_cold", "opened_by_second_visitor")}
        page = browser.new_page(viewport={"width": 1280, "height": 900}, bypass_csp=True)
        page.goto(f"{address}{measured.path}?data=ham10000&eps=8")
        page.wait_for_selector(list(measured.blocks.values())[-1])
        page.wait_for_selector(READY)
        page.wait_for_timeout(500)
        first = visit_every_stop(page, measured.blocks)
        again = measure_moves(page, measured.blocks, moves)
        return {
            "server_up": up,
            **opened,
            "moves": {"first_visit_of_a_stop": len(first), "later": len(again), "all": len(first) + len(again)},
            "first_visit_of_a_stop": summarise(first),
            "later": summarise(again),
            "all": summarise([*first, *again]),
            "load_per_core": {"before": load / CORES, "after": os.getloadavg()[0] / CORES},
        }


def report(found: dict[str, Any], goal: float) -> None:
    """Prints the measurements for people."""
    print(f"server up {found['server_up']:.0f} ms after its start")
    for visitor in ("opened_cold", "opened_by_second_visitor"):
        ms = found[visitor]
        print(f"{visitor.replace('_', ' ')}: pictures {ms['pictures']:.0f} ms, chart {ms['chart']:.0f} ms")
    print(f"{'moved slider to':<18}" + "".join(f"{part.replace('_', ' ') + ' ms':>28}" for part in found["moves"]))
    print(f"{'':<18}" + "".join(f"{'median / p95, ' + str(n) + ' moves':>28}" for n in found["moves"].values()))
    for name in found["all"]:
        values = (found[part][name] for part in found["moves"])
        print(f"{name:<18}" + "".join(f"{ms['median']:>21.0f} / {ms['p95']:>4.0f}" for ms in values))
    load = found["load_per_core"]
    print(f"waiting processes per core: {load['before']:.2f} before, {load['after']:.2f} after")
    print(f"goal: everything within {goal:.0f} ms at p95 of all moves")


def main() -> None:
    """Prints the measurements; ends with 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", choices=PAGES, default="tradeoff")
    parser.add_argument("--moves", type=int, default=60)
    parser.add_argument("--folder", type=Path, help="results to show instead of precomputed/")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    measured = PAGES[options.page]
    found = run(measured, options.moves, options.folder)
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        report(found, measured.goal_p95_ms)
    sys.exit(found["all"]["everything"]["p95"] > measured.goal_p95_ms)


if __name__ == "__main__":
    main()
