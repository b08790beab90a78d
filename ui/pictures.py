"""Gives out the gallery's pictures by address, so that an answer names them instead of carrying them.

An address holds the digest of its picture: whatever has been fetched once never changes and is never asked for again.
What may be asked for stands in a table that the results' manifest makes; no path is built from a request.
"""

from __future__ import annotations

import asyncio

from ui.headers import Application, Message, Receive, Send

#: Where the pictures lie, seen from any page: relative, so that a base path needs no mention.
PLACE = "pictures/"
_METHODS = ("GET", "HEAD")
#: For good, and for everyone: the gallery holds nothing that may not be passed on.
_KEPT = b"public, max-age=31536000, immutable"
_TEXT = b"text/plain; charset=utf-8"

Headers = list[tuple[bytes, bytes]]


class Pictures:
    """Answers for every address below `pictures/`, itself."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers one request."""
        name = _name_asked_for(scope)
        if name is None:
            await self._app(scope, receive, send)
            return
        status, headers, body = await _answer(scope, name)
        headers += [(b"content-length", str(len(body)).encode()), (b"x-content-type-options", b"nosniff")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _name_asked_for(scope: Message) -> str | None:
    if scope["type"] != "http":
        return None
    _, place, name = scope["path"].partition(f"/{PLACE}")
    return name if place else None


async def _answer(scope: Message, name: str) -> tuple[int, Headers, bytes]:
    if scope["method"] not in _METHODS:
        refusal = [(b"allow", ", ".join(_METHODS).encode()), (b"content-type", _TEXT)]
        return 405, refusal, b"A picture can only be looked at."
    picture = await asyncio.to_thread(_find, name)
    if picture is None:
        return 404, [(b"cache-control", b"no-store"), (b"content-type", _TEXT)], b"There is no such picture."
    tag = f'"{name}"'.encode()
    headers = [(b"cache-control", _KEPT), (b"etag", tag)]
    if tag in dict(scope["headers"]).get(b"if-none-match", b""):
        return 304, headers, b""
    return 200, [*headers, (b"content-type", b"image/webp")], picture


def _find(name: str) -> bytes | None:
    # Imported here, not above: the server answers before pandas is loaded.
    from ui import loaders

    return loaders.picture_named(name)
