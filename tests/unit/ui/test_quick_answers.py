"""What keeps a page quick: connections that do not wait, files packed once."""

from __future__ import annotations

import asyncio
import gzip
import socket
from typing import Any

import pytest

from tests.asgi import ask
from ui.no_delay import send_at_once
from ui.packed import PackedFiles

SCRIPT = b"export const answer = 42;\n" * 200


def _sends_at_once(connection: socket.socket) -> bool:
    return bool(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


def test_open_and_later_connections_send_at_once() -> None:
    # Without a protocol, as Streamlit opens its own.
    with socket.socket(family=socket.AF_INET) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as early:
            assert not _sends_at_once(early)
            send_at_once()
            assert _sends_at_once(early)
            with socket.create_connection(listening.getsockname()), listening.accept()[0] as late:
                assert _sends_at_once(late)


class _Files:
    """An application that serves one script, and counts."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        self.asked += 1
        await asyncio.sleep(0.01)
        found = scope["path"].endswith("app.js")
        headers = [(b"content-length", str(len(SCRIPT)).encode()), (b"etag", b'"1"'), (b"cache-control", b"immutable")]
        await send({"type": "http.response.start", "status": 200 if found else 404, "headers": headers})
        # In two parts, as files come.
        await send({"type": "http.response.body", "body": SCRIPT[:100], "more_body": True})
        await send({"type": "http.response.body", "body": SCRIPT[100:]})


def test_a_file_is_packed_once_for_all_who_come_at_once() -> None:
    async def visit() -> list[tuple[int, dict[bytes, bytes], bytes]]:
        return list(
            await asyncio.gather(*(ask(app, "/static/js/app.js", accept_encoding="br, gzip") for _ in range(9)))
        )

    files = _Files()
    app = PackedFiles(files)
    for status, headers, body in asyncio.run(visit()):
        assert (status, gzip.decompress(body)) == (200, SCRIPT)
        assert headers[b"content-length"] == str(len(body)).encode()
        assert (headers[b"content-encoding"], headers[b"cache-control"]) == (b"gzip", b"immutable")
        assert b"etag" not in headers
    assert files.asked == 1


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/static/js/app.js", {}),
        ("/static/js/app.js", {"accept_encoding": "gzip", "range": "bytes=0-9"}),
        ("/static/js/app.js", {"accept_encoding": "gzip", "if_none_match": '"1"'}),
        ("/media/app.js", {"accept_encoding": "gzip"}),
    ],
)
def test_everything_else_passes_as_it_is(path: str, headers: dict[str, str]) -> None:
    status, sent, body = asyncio.run(ask(PackedFiles(_Files()), path, **headers))
    assert (status, body, sent.get(b"content-encoding")) == (200, SCRIPT, None)


def test_a_file_that_is_not_there_is_not_kept() -> None:
    async def twice() -> list[int]:
        return [(await ask(app, "/static/js/gone.js", accept_encoding="gzip"))[0] for _ in range(2)]

    files = _Files()
    app = PackedFiles(files)
    assert asyncio.run(twice()) == [404, 404]
    assert files.asked == 2
