"""Pictures by address in a real browser: they are there, they are the app's own, and nobody fetches one twice."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from benchmarks.drag import SLIDER

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
Settle = Callable[[Page], None]
_PAINTED = "[...document.querySelectorAll('.pp-gallery img')].every((img) => img.complete && img.naturalWidth > 0)"
_SOURCES = "[...document.querySelectorAll('.pp-gallery img')].map((img) => img.src)"


class Fetched:
    """The addresses of pictures that came over the network, each as often as it came."""

    def __init__(self, page: Page) -> None:
        self.addresses: list[str] = []
        self._names: dict[str, str] = {}
        network = page.context.new_cdp_session(page)
        network.send("Network.enable")
        network.on("Network.responseReceived", self._answered)
        network.on("Network.requestServedFromCache", lambda event: self._names.pop(event["requestId"], None))
        network.on("Network.loadingFinished", self._ended)

    def _answered(self, event: dict[str, dict[str, object]]) -> None:
        answer = event["response"]
        if "/pictures/" in str(answer["url"]) and not answer.get("fromDiskCache"):
            self._names[str(event["requestId"])] = str(answer["url"])

    def _ended(self, event: dict[str, object]) -> None:
        if (address := self._names.pop(str(event["requestId"]), None)) and event["encodedDataLength"]:
            self.addresses.append(address)


def ready(page: Page, settle: Settle, name: str) -> None:
    """Waits until the page stands, and the pictures of all its stops have been fetched ahead."""
    settle(page)
    page.wait_for_selector(f".st-key-drag_{name}", state="attached")
    page.wait_for_function(_PAINTED)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1000)


@pytest.mark.parametrize(("name", "shown"), [("tradeoff", 3), ("reconstruction", 4)])
def test_pictures_come_from_the_own_host_and_once(
    visit: Visit, settle: Settle, address: str, name: str, shown: int
) -> None:
    page = visit("/membership?data=ham10000")
    fetched = Fetched(page)
    page.goto(f"{address}/{name}?data=ham10000&eps=8")
    ready(page, settle, name)
    sources = page.evaluate(_SOURCES)
    assert len(sources) == shown
    assert {urlsplit(source)[:2] for source in sources} == {urlsplit(address)[:2]}
    assert set(sources) < set(fetched.addresses), "the other stops' pictures were not fetched ahead"
    assert len(fetched.addresses) == len(set(fetched.addresses))
    before = list(fetched.addresses)
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "End"):
        page.press(SLIDER, key)
        assert page.evaluate(_PAINTED), "a picture is missing for a moment"
        page.wait_for_function("!document.querySelector('[data-frame]')")
        settle(page)
        assert page.evaluate(_PAINTED)
    page.reload()
    ready(page, settle, name)
    assert fetched.addresses == before, "a picture was fetched again"


def test_pictures_are_found_from_every_address_that_leads_to_a_page(visit: Visit, settle: Settle, address: str) -> None:
    page = visit("/")
    for path in ("/", "/tradeoff/?data=skin_phantom", "/reconstruction?data=msd_liver"):
        page.goto(address + path)
        settle(page)
        page.wait_for_selector(".pp-gallery img")
        page.wait_for_function(_PAINTED)
