"""How soon the first page is there: after the start of the process, and for forty cold browsers at once.

- Process start → server answers → first picture → complete start page, in Chromium with an empty cache, median of
  `--repeats`; the second visitor beside it; the same for a Streamlit page of one line, the floor, in turn with it; and
  the seconds of imports by package.
- First load: bytes and seconds of one real Chromium, and of forty visitors who fetch, at once, every file that it
  fetched, then open the websocket and wait for the first full run. Once as it was before files were packed
  (`Accept-Encoding: identity`), once packed, and once packed through the proxy of `deploy/`, where nginx is installed.

    python -m benchmarks start [--repeats 3] [--browsers 40] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks._first_load import Fetched, cold_browsers, imports_by_package
from benchmarks._proxy import find_nginx, running_proxy
from benchmarks._servers import ONE_LINE_APP, running, running_plain
from benchmarks.latency import CORES, QUIET, READY, find_chromium

GOALS = {"complete": 3.0}
_PLACE = "/tradeoff"
_PICTURES = ".pp-gallery img"
_CHART = ".pp-plot img"


def _new_page(browser: Browser) -> Page:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(120_000)
    return page


def _open(page: Page, address: str, since: float) -> dict[str, float]:
    """Returns the seconds since a moment until a picture, and until the whole page, is there."""
    page.goto(address + _PLACE, wait_until="commit")
    page.wait_for_selector(_PICTURES)
    pictures = time.perf_counter() - since
    page.wait_for_selector(_CHART)
    page.wait_for_selector(READY)
    return {"pictures": pictures, "complete": time.perf_counter() - since}


def starts(browser: Browser, repeats: int) -> dict[str, Any]:
    """Returns median seconds from the start of the process, and for a second visitor from the opening of the page."""
    taken = [{**_start_of_app(browser), **_start_of_one_line(browser)} for _ in range(repeats)]
    return {name: statistics.median(found[name] for found in taken) for name in taken[0]}


def _start_of_app(browser: Browser) -> dict[str, float]:
    since = time.perf_counter()
    with running() as server:
        up = time.perf_counter() - since
        first = _new_page(browser)
        found = {"server_answers": up, **_open(first, server.address, since)}
        first.close()
        second, since = _new_page(browser), time.perf_counter()
        found["second_visitor"] = _open(second, server.address, since)["complete"]
        second.close()
    return found


def _start_of_one_line(browser: Browser) -> dict[str, float]:
    found, since = {}, time.perf_counter()
    with running_plain(ONE_LINE_APP) as server:
        found["floor_server_answers"] = time.perf_counter() - since
        for name in ("floor_complete", "floor_second_visitor"):
            page = _new_page(browser)
            page.goto(server.address, wait_until="commit")
            page.wait_for_selector(f"{READY} .one-line")
            found[name] = time.perf_counter() - since
            page.close()
            since = time.perf_counter()
    return found


def one_chromium(browser: Browser, address: str) -> tuple[dict[str, float], list[str]]:
    """Returns bytes over the network and seconds of one cold Chromium, and the paths that it asked for."""
    page = _new_page(browser)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: dict[str, float] = {"http": 0.0, "websocket": 0.0}
    paths: list[str] = []

    def finished(event: dict[str, Any]) -> None:
        sizes["http"] += event["encodedDataLength"]

    def received(event: dict[str, Any]) -> None:
        # Binary frames come in base64.
        sizes["websocket"] += 3 * len(event["response"]["payloadData"]) / 4

    session.on("Network.loadingFinished", finished)
    session.on("Network.webSocketFrameReceived", received)
    page.on("request", lambda request: paths.append(request.url.removeprefix(address)))
    seconds = _open(page, address, time.perf_counter())
    page.wait_for_timeout(1000)
    page.close()
    ours = [path for path in dict.fromkeys(paths) if path.startswith("/") and "_stcore" not in path]
    return {**seconds, "http_mb": sizes["http"] / 1e6, "websocket_mb": sizes["websocket"] / 1e6}, ours


def first_loads(browser: Browser, count: int) -> dict[str, Any]:
    """Returns what one Chromium and `count` cold visitors needed, directly and through the proxy."""
    with ExitStack() as opened:
        apps = [opened.enter_context(running()) for _ in range(2)]
        for app in apps:
            chromium, paths = one_chromium(browser, app.address)
        found: dict[str, Any] = {"chromium": chromium, "files": len(paths)}
        one = [apps[0].address]
        found["as_they_are"] = _many(cold_browsers(one, paths, _PLACE, count, packed=False))
        found["packed"] = _many(cold_browsers(one, paths, _PLACE, count, packed=True))
        if find_nginx():
            folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
            address = opened.enter_context(running_proxy([app.address for app in apps], folder))
            found["chromium_through_the_proxy"], _ = one_chromium(browser, address)
            found["packed_through_the_proxy"] = _many(cold_browsers([address], paths, _PLACE, count, packed=True))
    return found


def _many(fetched: list[Fetched]) -> dict[str, float]:
    seconds = [each.seconds for each in fetched]
    return {
        "mb": statistics.mean(each.size for each in fetched) / 1e6,
        "median_s": statistics.median(seconds),
        "slowest_s": max(seconds),
    }


def report(found: dict[str, Any]) -> None:
    """Prints the measurements for people."""
    start = found["start"]
    print(
        f"after the start of the process: server answers {start['server_answers']:.2f} s, first picture "
        f"{start['pictures']:.2f} s, page complete {start['complete']:.2f} s (goal {GOALS['complete']:g} s); "
        f"a second visitor's page {start['second_visitor']:.2f} s"
    )
    print(
        f"the floor, a Streamlit page of one line: server answers {start['floor_server_answers']:.2f} s, complete "
        f"{start['floor_complete']:.2f} s; a second visitor's {start['floor_second_visitor']:.2f} s"
    )
    print("imports, s: " + ", ".join(f"{name} {seconds:.2f}" for name, seconds in found["imports"].items()))
    loads = found["first_load"]
    for name in ("chromium", "chromium_through_the_proxy"):
        if name in loads:
            one = loads[name]
            sizes = f"{one['http_mb']:.1f} MB by HTTP and {one['websocket_mb']:.1f} MB by websocket"
            print(f"one cold {name.replace('_', ' ')}: {sizes}, complete after {one['complete']:.2f} s")
    for name in ("as_they_are", "packed", "packed_through_the_proxy"):
        if name in loads:
            many = loads[name]
            words = f"{found['browsers']} cold browsers at once, {loads['files']} files {name.replace('_', ' ')}"
            print(f"{words}: {many['mb']:.1f} MB each, {many['median_s']:.1f} s, slowest {many['slowest_s']:.1f} s")
    print(f"waiting processes per core before: {found['load_per_core']:.2f}")


def main() -> None:
    """Prints the measurements; ends with 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--browsers", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found: dict[str, Any] = {"load_per_core": os.getloadavg()[0] / CORES, "browsers": options.browsers}
    # Before Playwright, whose event loop leaves no room for another in this thread.
    found["imports"] = imports_by_package()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        found["start"] = starts(browser, options.repeats)
        found["first_load"] = first_loads(browser, options.browsers)
        browser.close()
    print(json.dumps(found, indent=1)) if options.json else report(found)
    sys.exit(found["start"]["complete"] > GOALS["complete"])


if __name__ == "__main__":
    main()
