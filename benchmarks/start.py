"""How soon the first page is there: after the start of the process, and for forty cold browsers at once.

- Process start → server answers → first picture → complete start page, medians of `--repeats`: in a Chromium that has
  opened the app before, as at every start but the first (the goal), and in one with an empty cache, where the page of
  a second visitor is measured too; both also for a Streamlit page of one line, the floor, in turn with it; and the
  seconds of imports by package.
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
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from benchmarks._first_load import Fetched, cold_browsers, imports_by_package
from benchmarks._proxy import find_nginx, running_proxy
from benchmarks._servers import ONE_LINE_APP, Server, free_port, running, running_plain
from benchmarks.latency import CORES, QUIET, READY, find_chromium

GOALS = {"complete": 3.0}
_PLACE = "/tradeoff"
#: Visits after which Chromium has kept the compiled scripts.
_MEETINGS = 2
#: ms after which it has written down what it keeps.
_SETTLED = 1500
_PICTURES = ".pp-gallery img"
_CHART = ".pp-plot img"


_Starts = Callable[..., AbstractContextManager[Server]]
_Opens = Callable[[Page, str, float], dict[str, float]]


def _new_page(browser: Browser | BrowserContext) -> Page:
    page = browser.new_page()
    page.set_viewport_size({"width": 1280, "height": 900})
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


def _open_one_line(page: Page, address: str, since: float) -> dict[str, float]:
    page.goto(address, wait_until="commit")
    page.wait_for_selector(f"{READY} .one-line")
    return {"complete": time.perf_counter() - since}


def starts(playwright: Playwright, repeats: int) -> dict[str, dict[str, float]]:
    """Returns, for the app and the page of one line, median seconds after the start of the process.

    `first_…` are those of an empty cache, `second_visitor` counts from the opening of the page.
    """
    apps: dict[str, tuple[_Starts, _Opens]] = {
        "app": (running, _open),
        "one_line": (partial(running_plain, ONE_LINE_APP), _open_one_line),
    }
    with ExitStack() as opened:
        empty = opened.enter_context(playwright.chromium.launch(executable_path=find_chromium(), args=QUIET))
        known = {name: opened.enter_context(_kept_browser(playwright)) for name in apps}
        # A browser knows a page by its address, which is the same at each start.
        ports = {name: free_port() for name in apps}
        found: dict[str, list[dict[str, float]]] = {name: [] for name in apps}
        for repeat in range(_MEETINGS + repeats):
            for name, (start, open_page) in apps.items():
                taken = _start(partial(start, port=ports[name]), open_page, known[name])
                if repeat >= _MEETINGS:
                    first = _start(start, open_page, empty, second=True)
                    found[name].append({**taken, **{f"first_{key}": seconds for key, seconds in first.items()}})
        return {
            name: {key: statistics.median(each[key] for each in taken) for key in taken[0]}
            for name, taken in found.items()
        }


@contextmanager
def _kept_browser(playwright: Playwright) -> Iterator[BrowserContext]:
    """A Chromium that keeps files and compiled scripts in a folder, as a person's does."""
    with tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch_persistent_context(folder, executable_path=find_chromium(), args=QUIET)
        yield browser
        browser.close()


def _start(
    start: _Starts, open_page: _Opens, browser: Browser | BrowserContext, *, second: bool = False
) -> dict[str, float]:
    since = time.perf_counter()
    with start() as server:
        found = {"server_answers": time.perf_counter() - since}
        page = _new_page(browser)
        found |= open_page(page, server.address, since)
        page.wait_for_timeout(_SETTLED)
        page.close()
        if second:
            page, since = _new_page(browser), time.perf_counter()
            found["second_visitor"] = open_page(page, server.address, since)["complete"]
            page.close()
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
    print(f"seconds after the start of the process; the goal for the first line's page is {GOALS['complete']:g}")
    for name, words in (("app", "the app"), ("one_line", "a Streamlit page of one line, the floor")):
        each = found["start"][name]
        for cache, prefix in (("a browser that was here before", ""), ("an empty cache", "first_")):
            picture = f"first picture {each[prefix + 'pictures']:.2f}, " if name == "app" else ""
            print(
                f"{words}, {cache}: server answers {each[prefix + 'server_answers']:.2f}, "
                f"{picture}page complete {each[prefix + 'complete']:.2f}"
            )
        print(
            f"{words}, an empty cache: a second visitor's page {each['first_second_visitor']:.2f} s after its opening"
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
        found["start"] = starts(playwright, options.repeats)
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        found["first_load"] = first_loads(browser, options.browsers)
        browser.close()
    print(json.dumps(found, indent=1)) if options.json else report(found)
    sys.exit(found["start"]["app"]["complete"] > GOALS["complete"])


if __name__ == "__main__":
    main()
