"""The headers: of every answer, the same in the proxy's file, and honest where Streamlit's page is not what it was."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from ui import headers, uploads

ROOT = Path(__file__).resolve().parents[3]


async def _answered(app: headers.Application, scope: dict[str, Any]) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing of the request's body may be read")

    await app(scope, receive, send)
    return sent


async def _hello(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001
    given = [(b"X-Frame-Options", b"ALLOWALL"), (b"x-kept", b"1")]
    await send({"type": f"{scope['type']}.response.start", "status": 200, "headers": given})


def test_every_answer_gets_the_headers_once_and_keeps_its_own() -> None:
    (start,) = asyncio.run(_answered(headers.SecurityHeaders(_hello), {"type": "http"}))
    names = [name.decode().lower() for name, _ in start["headers"]]
    assert sorted(names) == sorted(["x-kept", *map(str.lower, headers.security_headers())])
    assert (b"x-frame-options", b"DENY") in start["headers"]


def test_a_websocket_is_left_alone() -> None:
    (start,) = asyncio.run(_answered(headers.SecurityHeaders(_hello), {"type": "websocket"}))
    assert len(start["headers"]) == 2


def test_the_proxy_s_file_says_the_same() -> None:
    assert (ROOT / "deploy" / "security-headers.conf").read_text(encoding="utf-8") == headers.conf()


def test_nothing_but_this_host_is_named_and_no_text_becomes_a_program() -> None:
    policy = headers.content_policy(headers.script_hashes())
    words = [word for rule in policy.split("; ") for word in rule.split()[1:]]
    assert set(words) - set(headers.script_hashes()) == {
        *("'none'", "'self'", "blob:", "data:", "'wasm-unsafe-eval'", "'unsafe-inline'")
    }
    scripts = next(rule for rule in policy.split("; ") if rule.startswith("script-src"))
    assert "'unsafe-inline'" not in scripts
    assert "data:" not in scripts
    assert "sha256-" in scripts


def test_a_streamlit_without_its_page_costs_a_line_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert headers.script_hashes(tmp_path / "index.html") == ()
    assert "scripts inside it stay forbidden" in caplog.text
    assert str(tmp_path) not in caplog.text


def test_a_session_s_uploads_are_counted_and_refused_unread() -> None:
    limit = uploads.UploadLimit(_hello)

    def put(session: str) -> dict[str, Any]:
        scope = {"type": "http", "method": "PUT", "path": f"/_stcore/upload_file/{session}/file"}
        return asyncio.run(_answered(limit, scope))[0]

    assert [put("a")["status"] for _ in range(uploads.MOST_UPLOADS)] == [200] * uploads.MOST_UPLOADS
    assert put("a")["status"] == 429
    assert put("b")["status"] == 200
