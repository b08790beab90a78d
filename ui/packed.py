"""Sends Streamlit's own JavaScript and styles packed: a first visit takes a third of the bytes, without any proxy.

Streamlit leaves them as they are, since packing them for each visitor anew would cost more than it saves. Here each is
packed once and kept: 3 MB a process.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from collections import defaultdict
from dataclasses import dataclass, field

from ui.headers import Application, Message, Receive, Send

_PATH = re.compile(r"/static/(js|css)/[^/]+\.(js|css)$")
#: Asks for a part of a file, or whether it has changed: the application's own business.
_SPECIAL = {b"range", b"if-none-match", b"if-modified-since"}
#: What no longer fits a packed body.
_REPLACED = {b"content-length", b"accept-ranges", b"etag"}


@dataclass(kw_only=True)
class _Answer:
    """An answer of the application, as it says it."""

    start: Message = field(default_factory=dict)
    body: bytes = b""

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


class PackedFiles:
    """Answers for files that never change, to browsers that can unpack, from memory."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._packed: dict[str, _Answer] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if not _can_be_packed(scope):
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        # Forty browsers that come at once wait for one packing.
        async with self._locks[path]:
            answer = self._packed.get(path)
            if answer is None:
                answer = _Answer()
                await self._app(scope, receive, answer.take)
                if answer.start["status"] == 200:
                    answer = await asyncio.to_thread(_pack, answer)
                    self._packed[path] = answer
        if path not in self._packed:
            # Nothing is kept for paths that do not exist.
            self._locks.pop(path, None)
        await send(answer.start)
        await send({"type": "http.response.body", "body": answer.body})


def _can_be_packed(scope: Message) -> bool:
    if scope["type"] != "http" or scope["method"] != "GET" or not _PATH.search(scope["path"]):
        return False
    headers = dict(scope["headers"])
    return b"gzip" in headers.get(b"accept-encoding", b"") and not _SPECIAL & headers.keys()


def _pack(answer: _Answer) -> _Answer:
    # The best level takes a fifth longer of the first visitor's time and saves two bytes in a thousand.
    body = gzip.compress(answer.body, compresslevel=6, mtime=0)
    kept = [pair for pair in answer.start["headers"] if pair[0].lower() not in _REPLACED]
    added = [
        (b"content-encoding", b"gzip"),
        (b"vary", b"Accept-Encoding"),
        (b"content-length", str(len(body)).encode()),
    ]
    return _Answer(start={**answer.start, "headers": [*kept, *added]}, body=body)
