"""What the app's server tells every browser: load nothing from elsewhere, run no foreign script, be in nobody's frame.

`app.py` hands this to `st.App`, Streamlit's own place for middleware, so it needs no proxy. A proxy that answers by
itself (an error page of its own) says the same with `deploy/security-headers.conf`, which `conf()` writes.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

import streamlit

#: The shapes of ASGI, the interface between Python's web servers and applications.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

_LOGGER = logging.getLogger(__name__)
_INDEX = Path(streamlit.__file__).parent / "static" / "index.html"
#: Of a device, none of which the app uses.
_FEATURES = (
    *("accelerometer", "bluetooth", "camera", "display-capture", "geolocation", "gyroscope", "hid", "magnetometer"),
    *("microphone", "midi", "payment", "serial", "usb"),
)
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def script_hashes(index: Path = _INDEX) -> Sequence[str]:
    """Returns the hashes of the scripts inside Streamlit's one page; none, with a line in the log, if it is gone."""
    try:
        scripts = _INLINE_SCRIPT.findall(index.read_text(encoding="utf-8"))
    except OSError as error:
        _LOGGER.warning("Streamlit's page could not be read, so scripts inside it stay forbidden: %s.", error.strerror)
        return ()
    digests = (hashlib.sha256(script.encode("utf-8")).digest() for script in scripts)
    return tuple(f"'sha256-{base64.b64encode(digest).decode('ascii')}'" for digest in digests)


def content_policy(hashes: Sequence[str]) -> str:
    """Returns the Content-Security-Policy: everything is forbidden but what is listed."""
    allowed = {
        "default-src": ("'none'",),
        # blob: is how Streamlit imports the JavaScript of components, wasm how it reads long numbers; only scripts of
        # the app itself can make either, and text is never run as a program.
        "script-src": ("'self'", "blob:", "'wasm-unsafe-eval'", *hashes),
        # Streamlit and Plotly write styles as they go; a style cannot read or send anything under this policy.
        "style-src": ("'self'", "'unsafe-inline'"),
        # data: pictures are those computed while a visitor waits; blob: is how Plotly saves a chart.
        "img-src": ("'self'", "data:", "blob:"),
        # data: is how the tables bring their icons.
        "font-src": ("'self'", "data:"),
        "connect-src": ("'self'",),
        "manifest-src": ("'self'",),
        "frame-ancestors": ("'none'",),
        "base-uri": ("'none'",),
        "form-action": ("'none'",),
    }
    return "; ".join(" ".join((name, *sources)) for name, sources in allowed.items())


def security_headers(hashes: Sequence[str] | None = None) -> Mapping[str, str]:
    """Returns the headers of every answer by name."""
    return {
        "Content-Security-Policy": content_policy(script_hashes() if hashes is None else hashes),
        "X-Content-Type-Options": "nosniff",
        # Links lead to publishers; they need not learn which budget was looked at.
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _FEATURES),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Frame-Options": "DENY",
    }


class SecurityHeaders:
    """Adds the headers to every answer of a web application."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._headers = [(name.lower().encode(), value.encode()) for name, value in security_headers().items()]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        ours = {name for name, _ in self._headers}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [pair for pair in message.get("headers", ()) if pair[0].lower() not in ours]
                message["headers"] = [*kept, *self._headers]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def conf() -> str:
    """Returns the same headers as lines for nginx, which adds them to its own answers and to the app's."""
    lines = ["# Written by: python -m ui.headers. The app sends the same; nginx' own error pages need them too."]
    for name, value in security_headers().items():
        lines += [f"proxy_hide_header {name};", f'add_header {name} "{value}" always;']
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(conf(), end="")
