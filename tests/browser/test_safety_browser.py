"""Under the strict policy that the server sends, every page works, says nothing to anybody else, and logs no error."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from benchmarks.latency import READY

PAGES = ("tradeoff", "risks", "reconstruction", "membership", "lab", "planner", "check", "claims")
#: Streamlit looks for its server below the page's own path first, at every deep link; then at the root.
_PROBES = ("/_stcore/health", "/_stcore/host-config")
_VIOLATIONS = """
addEventListener("securitypolicyviolation", (e) =>
  console.error(`CSP: ${e.violatedDirective} ${e.blockedURI} from ${e.sourceFile}`));
"""


class Watched:
    """A page with all that it asked for and complained about."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._host = urlsplit(address).netloc
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(90_000)
        context.add_init_script(_VIOLATIONS)
        self.page: Page = context.new_page()
        self.elsewhere: list[str] = []
        self.complaints: list[str] = []
        context.on("request", lambda request: self._note(request.url))
        self.page.on("websocket", lambda socket: self._note(socket.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._hear)

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.netloc != self._host:
            self.elsewhere.append(url)

    def _hear(self, message: ConsoleMessage) -> None:
        probed = message.location.get("url", "").endswith(_PROBES) and "404" in message.text
        if message.type == "error" and not probed:
            self.complaints.append(message.text)


@pytest.fixture(scope="module")
def watched(browser: Browser, address: str) -> Iterator[Watched]:
    """One visitor, who loads Streamlit's own files once and then opens one page after the other."""
    found = Watched(browser, address)
    yield found
    found.page.context.close()


def _open(watched: Watched, address: str) -> Page:
    watched.elsewhere.clear()
    watched.complaints.clear()
    watched.page.goto(address)
    watched.page.wait_for_selector(f"{READY} h1")
    watched.page.wait_for_timeout(500)
    watched.page.wait_for_selector(READY)
    return watched.page


def _fold_out(page: Page) -> None:
    """Opens what is folded away and goes through every tab, and over the charts."""
    for fold in page.locator("[data-testid=stExpander] summary").all()[:12]:
        fold.click()
    for tab in page.get_by_role("tab").all()[:6]:
        tab.click()
    for place in page.locator(".rk-read").all()[:2]:
        place.scroll_into_view_if_needed()
        place.hover()
    page.wait_for_selector(READY)
    page.wait_for_timeout(300)


@pytest.mark.browser
@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_nobody_else_and_breaks_no_rule(watched: Watched, address: str, name: str) -> None:
    _fold_out(_open(watched, f"{address}/{name}"))
    assert watched.elsewhere == []
    assert watched.complaints == []


@pytest.mark.browser
def test_the_policy_is_enforced_by_the_browser(watched: Watched, address: str) -> None:
    """Without this, pages that load nothing would pass under no policy at all."""
    page = _open(watched, f"{address}/tradeoff")
    tries = {
        "a foreign script": "document.head.appendChild(Object.assign(document.createElement('script'),"
        "{src: 'https://example.invalid/x.js'}))",
        "a script in the page": "document.head.appendChild(Object.assign(document.createElement('script'),"
        "{textContent: 'window.pinched = 1'}))",
        "a foreign picture": "new Image().src = 'https://example.invalid/x.png'",
        "a message to elsewhere": "fetch('https://example.invalid/').catch(() => 0)",
        "a frame": "document.body.appendChild(Object.assign(document.createElement('iframe'), {src: '/risks'}))",
        "text run as a program": "setTimeout('window.pinched = 1')",
    }
    for what, script in tries.items():
        watched.complaints.clear()
        page.evaluate(f"() => {{ {script} }}")
        page.wait_for_timeout(150)
        assert any("CSP: " in complaint for complaint in watched.complaints), what
    assert page.evaluate("window.pinched") is None
