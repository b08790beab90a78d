"""A real browser on the real app. Without one these tests are skipped, and in CI they fail."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from benchmarks.latency import QUIET, READY, find_chromium, running_app


# For one file's tests: Playwright keeps an event loop running, in which other tests could not run theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium, or Playwright's own."""
    with sync_playwright() as playwright:
        try:
            opened = playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        except PlaywrightError as error:
            reason = f"no Chromium could be started: {str(error).splitlines()[0]}"
            if os.environ.get("CI", "").lower() == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The address of the app, running on a free port."""
    with running_app() as found:
        yield found


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Opens a page of the app and waits until it is drawn; keyword arguments are the browser context's."""
    contexts = []

    def opened(path: str = "/tradeoff", **options: Any) -> Page:
        # Playwright waits for a condition by running text as a program, which the policy forbids; it has its own test.
        usual = {"viewport": {"width": 1280, "height": 900}, "bypass_csp": True}
        context = browser.new_context(**{**usual, **options})
        # Generous: the machine may be training on all its cores.
        context.set_default_timeout(90_000)
        contexts.append(context)
        page = context.new_page()
        page.goto(address + path)
        settle(page)
        return page

    yield opened
    for context in contexts:
        context.close()


def settle(page: Page) -> None:
    """Waits until the page's numbers and chart are there and its script has ended."""
    page.wait_for_selector(".pp-cards, [data-testid=stAlert]")
    page.wait_for_selector(READY)
    page.wait_for_timeout(150)
    page.wait_for_selector(READY)


@pytest.fixture(name="settle")
def settle_fixture() -> Callable[[Page], None]:
    """Waits until a page has been redrawn."""
    return settle
