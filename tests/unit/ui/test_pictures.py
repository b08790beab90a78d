"""Pictures by address: what is given out, how long it may be kept, and what never comes of a request."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dpcore.results.store import DEFAULT_FOLDER, write_manifest
from tests.asgi import ask
from ui import loaders
from ui.kept import forget_everything
from ui.pictures import Pictures

FILE = "gallery/ham10000/8-one-look.webp"
PICTURE = (DEFAULT_FOLDER / FILE).read_bytes()
NAME = hashlib.sha256(PICTURE).hexdigest()[:32] + ".webp"
#: What must not be understood as a picture's name: paths, other spellings of one, parts, too much of it.
STRANGE = (
    *("", ".", "..", "../app.py", "../../etc/passwd", "%2e%2e/app.py", "..\\app.py", f"x/../{NAME}", f"./{NAME}"),
    *(f"/{NAME}", f"{NAME}/", f"{NAME}\0", f"{NAME}?x", f" {NAME}", NAME.upper(), NAME[:-5], NAME[1:], "*.webp"),
    *(FILE, f"../precomputed/{FILE}", "a" * 32 + ".webp", "a" * 60_000, "\udcff\udcfe", "ａ" * 32 + ".webp"),
)


class _Streamlit:
    """Stands for the application behind; answers everything else."""

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"from", scope["path"].encode())]})
        await send({"type": "http.response.body", "body": b"streamlit"})


def get(path: str, method: str = "GET", **headers: str) -> tuple[int, dict[bytes, bytes], bytes]:
    """Returns status, headers and body of the answer."""
    return asyncio.run(ask(Pictures(_Streamlit()), path, method, **headers))


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of one picture, under two names, as the app's results."""
    folder = tmp_path / "results"
    (folder / "gallery").mkdir(parents=True)
    for name in ("one", "twin"):
        shutil.copy(DEFAULT_FOLDER / FILE, folder / "gallery" / f"{name}.webp")
    write_manifest(folder, {})
    monkeypatch.setenv(loaders.FOLDER_VARIABLE, str(folder))
    yield folder
    forget_everything()


@pytest.mark.parametrize("place", ["/pictures/", "/some/base/pictures/", "/tradeoff/pictures/"])
def test_a_picture_is_given_out_byte_for_byte_and_may_be_kept_for_good(place: str) -> None:
    status, headers, body = get(place + NAME)
    assert (status, body) == (200, PICTURE)
    assert headers[b"content-type"] == b"image/webp"
    assert headers[b"cache-control"] == b"public, max-age=31536000, immutable"
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"content-length"] == str(len(PICTURE)).encode()


def test_pages_name_that_address() -> None:
    assert loaders.picture_address(FILE) == f"pictures/{NAME}"


def test_head_says_the_same_without_the_picture() -> None:
    assert get(f"/pictures/{NAME}", "HEAD") == (200, get(f"/pictures/{NAME}")[1], b"")


def test_a_browser_that_has_it_gets_nothing_again() -> None:
    tag = get(f"/pictures/{NAME}")[1][b"etag"].decode()
    assert get(f"/pictures/{NAME}", if_none_match=f'W/"x", {tag}')[::2] == (304, b"")
    assert get(f"/pictures/{NAME}", if_none_match='"x"')[0] == 200


@pytest.mark.parametrize("name", STRANGE)
def test_nothing_else_is_given_out(name: str) -> None:
    status, headers, body = get(f"/pictures/{name}")
    assert (status, body) == (404, b"There is no such picture.")
    assert headers[b"cache-control"] == b"no-store"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get", ""])
def test_a_picture_can_only_be_looked_at(method: str) -> None:
    status, headers, body = get(f"/pictures/{NAME}", method)
    assert (status, headers[b"allow"]) == (405, b"GET, HEAD")
    assert body == b"A picture can only be looked at."


def test_the_application_answers_for_all_other_paths() -> None:
    for path in ("/", "/tradeoff", "/pictures", f"/picture/{NAME}", f"/{NAME}", f"/xpictures/{NAME}"):
        assert get(path)[2] == b"streamlit"


def test_a_lost_or_damaged_picture_is_not_given_out_but_its_twin_is(results: Path) -> None:
    (results / "gallery" / "one.webp").write_bytes(PICTURE[:-1])
    assert get(f"/pictures/{NAME}")[::2] == (200, PICTURE)
    forget_everything()
    (results / "gallery" / "twin.webp").unlink()
    assert get(f"/pictures/{NAME}")[0] == 404


def test_a_name_never_gets_another_picture(results: Path) -> None:
    """Not even between a new sweep's files and the moment when it is noticed."""
    assert loaders.picture_address("gallery/one.webp") == f"pictures/{NAME}"
    loaders._picture_files(loaders.version())
    loaders._picture.clear()
    for name in ("one", "twin"):
        (results / "gallery" / f"{name}.webp").write_bytes(b"another")
    write_manifest(results, {})
    assert loaders.picture_named(NAME) is None


def test_without_results_there_is_no_picture(results: Path) -> None:
    (results / "manifest.json").unlink()
    assert get(f"/pictures/{NAME}")[0] == 404
