"""Tells the browser with the first answer which parts of Streamlit's JavaScript the start page needs.

Streamlit's page names the parts that it starts with. It asks for a slider's or a button's when one has arrived, and so
a new visitor's browser waits for a second round of files after the first run.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import streamlit

from ui.headers import Application, Message, Receive, Send

_STATIC = Path(streamlit.__file__).parent / "static"
#: The elements of the start page, by the names that Streamlit's build gives their files.
ELEMENTS = ("Html", "Button", "BidiComponent", "Selectbox", "Slider", "TextInput", "ButtonGroup", "DownloadButton")
_IMPORTED = re.compile(rb'(?:\bfrom|\bimport)"\./([\w.-]+\.js)"')
_NAMED = re.compile(r'/js/([\w.-]+\.js)"')
#: What no longer fits the longer page.
_REPLACED = {b"content-length", b"accept-ranges", b"etag", b"vary"}


def needed_files(elements: Iterable[str] = ELEMENTS, static: Path = _STATIC) -> Sequence[str]:
    """Returns the files that these elements need and Streamlit's page does not name, as far as this build has them."""
    folder = static / "static" / "js"
    try:
        known = set(_NAMED.findall((static / "index.html").read_text(encoding="utf-8")))
        files = sorted(path.name for path in folder.iterdir())
    except OSError:
        return ()
    waiting = [file for element in elements for file in files if file.startswith(f"{element}.")]
    needed: dict[str, None] = {}
    while waiting:
        file = waiting.pop(0)
        if file in needed or file in known or not (folder / file).is_file():
            continue
        needed[file] = None
        waiting += [name.decode() for name in _IMPORTED.findall((folder / file).read_bytes())]
    return tuple(needed)


class PreloadedPage:
    """Adds a link to each of these files to Streamlit's one page."""

    def __init__(self, app: Application) -> None:
        self._app = app
        links = (f'<link rel="modulepreload" crossorigin href="./static/js/{file}">' for file in needed_files())
        self._links = "".join(links).encode()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers one request."""
        headers = dict(scope.get("headers", ()))
        if scope["type"] != "http" or scope["method"] != "GET" or b"text/html" not in headers.get(b"accept", b""):
            await self._app(scope, receive, send)
            return
        start: Message = {}
        body: list[bytes] = []

        async def send_longer(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(message):
                start.update(message)
            elif not start:
                await send(message)
            else:
                body.append(message.get("body", b""))
                if not message.get("more_body"):
                    page = b"".join(body).replace(b"</head>", self._links + b"</head>", 1)
                    await _send_page(start, page, send, packed=b"gzip" in headers.get(b"accept-encoding", b""))

        # Packed here, once it is longer.
        readable = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
        await self._app({**scope, "headers": readable}, receive, send_longer)


def _is_page(start: Message) -> bool:
    kind = dict(start["headers"]).get(b"content-type", b"")
    return start["status"] == 200 and bool(kind.startswith(b"text/html"))


async def _send_page(start: Message, page: bytes, send: Send, *, packed: bool) -> None:
    headers = [pair for pair in start["headers"] if pair[0].lower() not in _REPLACED]
    if packed:
        page = gzip.compress(page, mtime=0)
        headers.append((b"content-encoding", b"gzip"))
    headers += [(b"vary", b"Accept-Encoding"), (b"content-length", str(len(page)).encode())]
    await send({**start, "headers": headers})
    await send({"type": "http.response.body", "body": page})
