"""How long a moved slider takes to repaint the start page, in a real browser.

Starts the app on a free port, opens it in Chromium, moves the slider by its arrow keys and measures, inside the page,
the time from the key press until sentence, cards, the mark on the chart and pictures all show the new budget.

    python benchmarks/latency.py [--moves 60] [--json]
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
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
#: Goals of the project, in ms.
GOAL_P95 = 200
BLOCKS = {"sentence": ".pp-summary", "cards": ".pp-cards", "chart": ".pp-cursor", "pictures": ".pp-gallery"}
READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'
QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"]

#: Resolves with the ms from the next key press until each block carries another budget than now and is painted.
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
          const moved = budget(css) && budget(css) !== before[name];
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


def measure_opening(browser: Browser, address: str) -> dict[str, float]:
    """Returns the ms from opening the page, with an empty cache, until pictures and until the chart are painted."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    start = time.perf_counter()
    page.goto(f"{address}/tradeoff", wait_until="commit")
    page.wait_for_function(
        "[...document.querySelectorAll('.pp-gallery img')].some(img => img.complete && img.naturalWidth)"
    )
    picture = 1000 * (time.perf_counter() - start)
    page.wait_for_selector(".st-key-trade_off_chart .main-svg")
    chart = 1000 * (time.perf_counter() - start)
    page.close()
    return {"pictures": picture, "chart": chart}


def measure_moves(page: Page, moves: int) -> list[dict[str, float]]:
    """Returns, a move, the ms until each block was repainted; the slider goes up and down its whole length."""
    slider = page.locator(".st-key-bar_slider input[type=range]")
    slider.focus()
    taken: list[dict[str, float]] = []
    key = "ArrowRight"
    for _ in range(moves):
        if slider.input_value() == slider.get_attribute("max" if key == "ArrowRight" else "min"):
            key = "ArrowLeft" if key == "ArrowRight" else "ArrowRight"
        page.evaluate(_WATCH, BLOCKS)
        page.keyboard.press(key)
        taken.append(page.evaluate("window.pinchMove"))
        page.wait_for_selector(READY)
        page.wait_for_timeout(60)
    return taken


def summarise(taken: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Returns median and 95th percentile in ms for each block and for all of them together."""
    columns = {name: [move[name] for move in taken] for name in BLOCKS}
    columns["everything"] = [max(move.values()) for move in taken]
    return {
        name: {"median": statistics.median(ms), "p95": statistics.quantiles(ms, n=20)[-1]}
        for name, ms in columns.items()
    }


def run(moves: int, folder: Path | None) -> dict[str, Any]:
    """Returns all measurements in ms."""
    started = time.perf_counter()
    with sync_playwright() as playwright, running_app(folder) as address:
        up = 1000 * (time.perf_counter() - started)
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        cold = measure_opening(browser, address)
        warm = measure_opening(browser, address)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{address}/tradeoff?data=ham10000&eps=8")
        page.wait_for_selector(".pp-gallery img")
        page.wait_for_selector(READY)
        measure_moves(page, 6)
        return {
            "server_up": up,
            "opened_cold": cold,
            "opened_by_second_visitor": warm,
            "moves": moves,
            **summarise(measure_moves(page, moves)),
        }


def main() -> None:
    """Prints the measurements; ends with 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moves", type=int, default=60)
    parser.add_argument("--folder", type=Path, help="results to show instead of precomputed/")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    measured = run(options.moves, options.folder)
    if options.json:
        print(json.dumps(measured, indent=1))
    else:
        print(f"server up {measured['server_up']:.0f} ms after its start")
        for visitor in ("opened_cold", "opened_by_second_visitor"):
            words = visitor.replace("_", " ")
            print(
                f"{words}: pictures {measured[visitor]['pictures']:.0f} ms, chart {measured[visitor]['chart']:.0f} ms"
            )
        print(f"{'moved slider to':<18}{'median ms':>10}{'p95 ms':>8}   ({options.moves} moves)")
        for name in (*BLOCKS, "everything"):
            print(f"{name:<18}{measured[name]['median']:>10.0f}{measured[name]['p95']:>8.0f}")
        print(f"goal: everything within {GOAL_P95} ms at p95")
    sys.exit(measured["everything"]["p95"] > GOAL_P95)


if __name__ == "__main__":
    main()
