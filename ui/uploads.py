"""How many files one visitor may send: Streamlit limits the size of each, not their number."""

from __future__ import annotations

import re
from collections import OrderedDict

from ui.headers import Application, Message, Receive, Send

#: Files one session may send in its life, and sessions that are remembered.
MOST_UPLOADS, _MOST_SESSIONS = 60, 10_000

_PATH = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+/?\Z")
_REFUSAL = f"A visitor may send at most {MOST_UPLOADS} files; reload the page to start afresh.".encode()


class UploadLimit:
    """Refuses a session's further uploads, in one sentence, before any of their bytes is read."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._counts: OrderedDict[str, int] = OrderedDict()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers one request."""
        found = _PATH.search(scope["path"]) if scope["type"] == "http" and scope["method"] == "PUT" else None
        if found is None or self._admits(found[1]):
            await self._app(scope, receive, send)
            return
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 429, "headers": headers})
        await send({"type": "http.response.body", "body": _REFUSAL})

    def _admits(self, session: str) -> bool:
        count = self._counts.get(session, 0) + 1
        self._counts[session] = count
        self._counts.move_to_end(session)
        if len(self._counts) > _MOST_SESSIONS:
            self._counts.popitem(last=False)
        return count <= MOST_UPLOADS
