"""The first answer names the files that the start page needs."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path
from typing import Any

import pytest

from tests.asgi import ask
from ui.preload import PreloadedPage, needed_files

PAGE = b"<html><head><title>Streamlit</title></head><body></body></html>"


def _build(folder: Path) -> Path:
    """A build of Streamlit: the page names index.js and shared.js."""
    js = folder / "static" / "js"
    js.mkdir(parents=True)
    (folder / "index.html").write_text('<script src="./static/js/index.a.js"><link href="./static/js/shared.b.js">')
    (js / "shared.b.js").write_text("")
    (js / "Slider.c.js").write_text(
        'import{a as b}from"./shared.b.js";import"./part.d.js";const e=()=>import("./late.f.js");'
    )
    (js / "part.d.js").write_text('import{g}from"./Slider.c.js";import{h}from"./gone.h.js";')
    (js / "late.f.js").write_text("")
    (js / "SliderOther.i.js").write_text("")
    return folder


def test_an_element_needs_what_it_imports_and_the_page_does_not_name(tmp_path: Path) -> None:
    assert needed_files(["Slider", "Unknown"], _build(tmp_path)) == ("Slider.c.js", "part.d.js")


def test_an_unknown_build_needs_nothing(tmp_path: Path) -> None:
    assert needed_files(static=tmp_path) == ()


def test_the_installed_build_has_every_element() -> None:
    found = {file.partition(".")[0] for file in needed_files()}
    assert {"Html", "Slider", "BidiComponent"} <= found
    assert not found & {"PlotlyChart", "StreamlitSyntaxHighlighter", "DataFrame"}


async def _application(scope: Any, _receive: Any, send: Any) -> None:
    html = scope["path"] == "/tradeoff"
    packed = any(name == b"accept-encoding" for name, _ in scope["headers"])
    body = gzip.compress(PAGE) if packed else PAGE
    kind = b"text/html; charset=utf-8" if html else b"application/json"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"etag", b'"1"')]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body[:20], "more_body": True})
    await send({"type": "http.response.body", "body": body[20:]})


def _get(path: str, **headers: str) -> tuple[dict[bytes, bytes], bytes]:
    return asyncio.run(ask(PreloadedPage(_application), path, **headers))[1:]


@pytest.mark.parametrize("coding", ["gzip, br", ""])
def test_the_page_is_sent_with_links(coding: str) -> None:
    headers, body = _get("/tradeoff", accept="text/html,*/*", **({"accept_encoding": coding} if coding else {}))
    assert headers[b"content-length"] == str(len(body)).encode()
    assert (b"content-encoding" in headers, b"etag" in headers) == (bool(coding), False)
    page = (gzip.decompress(body) if coding else body).decode()
    for file in needed_files():
        assert f'<link rel="modulepreload" crossorigin href="./static/js/{file}">' in page.partition("</head>")[0]


@pytest.mark.parametrize(("path", "accept"), [("/_stcore/health", "text/html"), ("/tradeoff", "*/*")])
def test_everything_else_passes_as_it_is(path: str, accept: str) -> None:
    headers, body = _get(path, accept=accept)
    assert body == PAGE
    assert headers[b"etag"] == b'"1"'
