"""The proxy of deploy/, for real: nginx in front of two app processes. Without nginx, as in CI, these are skipped."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import re
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import psutil
import pytest

from benchmarks._proxy import find_nginx, running_proxy
from benchmarks._servers import Server, running
from benchmarks._visitors import Visitor
from dpcore.jobs.launch import DATABASE_VARIABLE
from dpcore.results.store import DEFAULT_FOLDER, picture_name

pytestmark = pytest.mark.skipif(find_nginx() is None, reason="nginx is not installed")
_PLACE = "/tradeoff?data=ham10000&eps=20&counted=paper"


class Workshop:
    """Two app processes and the proxy's address."""

    def __init__(self, apps: list[Server], address: str) -> None:
        self.apps, self.address = apps, address

    def get(self, path: str, **headers: str) -> tuple[http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=20)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        assert answer.status == 200
        return answer.headers, body

    def seat(self) -> str:
        """The cookie of a new visitor."""
        found = re.search(r"pinch_seat=[0-9a-f]{32}", self.get("/")[0].get("Set-Cookie", ""))
        assert found is not None
        return found[0]

    def open_sockets(self) -> list[int]:
        """How many connections each app process has."""
        return [0 if app.process.poll() is not None else _connections(app) for app in self.apps]


def _connections(app: Server) -> int:
    found = psutil.Process(app.process.pid).net_connections("tcp")
    return sum(connection.status == psutil.CONN_ESTABLISHED for connection in found)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with ExitStack() as opened:
        env = {DATABASE_VARIABLE: str(tmp_path_factory.mktemp("lab") / "lab.sqlite3")}
        apps = [opened.enter_context(running(env=env)) for _ in range(2)]
        addresses = [app.address for app in apps]
        address = opened.enter_context(running_proxy(addresses, tmp_path_factory.mktemp("nginx")))
        yield Workshop(apps, address)


def test_large_files_arrive_packed_and_may_be_kept(workshop: Workshop) -> None:
    _, page = workshop.get("/")
    script = re.search(rb"static/js/index[^\"]*\.js", page)
    assert script is not None
    path = "/" + script[0].decode()
    headers, packed = workshop.get(path, **{"Accept-Encoding": "gzip"})
    plain_headers, plain = workshop.get(path)
    assert headers["Content-Encoding"] == "gzip"
    assert plain_headers["Content-Encoding"] is None
    assert gzip.decompress(packed) == plain
    assert len(packed) < 0.4 * len(plain)
    assert "immutable" in headers["Cache-Control"]
    assert [headers.get_all("X-Frame-Options"), len(headers.get_all("Content-Security-Policy") or ())] == [["DENY"], 1]


def test_any_process_answers_for_any_picture_and_the_proxy_keeps_it(workshop: Workshop) -> None:
    file = "gallery/skin_phantom/8-one-look.webp"
    picture = (DEFAULT_FOLDER / file).read_bytes()
    address = f"/pictures/{picture_name(picture)}"
    for app in workshop.apps:
        assert urllib.request.urlopen(app.address + address, timeout=20).read() == picture
    headers, body = workshop.get(address)
    assert body == picture
    assert headers.get_all("Cache-Control") == ["public, max-age=31536000, immutable"]
    assert headers.get_all("X-Content-Type-Options") == ["nosniff"]
    assert headers["Set-Cookie"] is None, "what everyone may keep gives nobody a seat"
    assert headers["Content-Security-Policy"]


def test_a_visitor_keeps_a_seat_and_moves_when_its_process_dies(workshop: Workshop) -> None:
    async def visit(seat: str) -> tuple[int, str, int]:
        """Which process serves the visitor, the budget shown first, and the bytes of a moved slider."""
        before = workshop.open_sockets()
        visitor, _ = await Visitor.arrive(workshop.address, _PLACE, {"Cookie": seat})
        grown = [after - was for after, was in zip(workshop.open_sockets(), before, strict=True)]
        shown = visitor.slider("bar_slider")[0].label
        moved = await visitor.move("bar_slider", "8")
        await visitor.leave()
        await asyncio.sleep(0.3)
        return grown.index(max(grown)), shown, moved.size

    seats = [workshop.seat() for _ in range(6)]
    assert len(set(seats)) == 6
    served = {seat: asyncio.run(visit(seat))[0] for seat in seats}
    assert {seat: asyncio.run(visit(seat))[0] for seat in seats} == served

    seat = seats[0]
    _, shown, _ = asyncio.run(visit(seat))
    workshop.apps[served[seat]].process.kill()
    workshop.apps[served[seat]].process.wait(10)
    elsewhere, shown_there, size = asyncio.run(visit(seat))
    assert elsewhere != served[seat]
    # The address carries what was looked at.
    assert shown_there == shown
    assert size > 1000
