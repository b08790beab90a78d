"""The visitor's own copy of the data: found or not, the page says so in one sentence and goes on with what it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ui import loaders


def _sentence(app: AppTest) -> str:
    (found,) = [m.value for m in app.markdown if "Your own copy of the data" in m.value]
    return found


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    """What the app keeps about copies for a minute would be another test's."""
    loaders.data_status.clear()
    yield
    loaders.data_status.clear()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist"),
        (b"PK\x03\x04 cut off", "must be a readable npz file"),
        (b"not an archive", "must be a readable npz file"),
    ],
)
def test_a_bad_copy_gets_one_sentence_and_the_page_goes_on(
    open_app: Callable[..., AppTest],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes | None,
    said: str,
) -> None:
    copy = tmp_path / "ham.npz"
    if content is not None:
        copy.write_bytes(content)
    monkeypatch.setenv("DPCORE_DATA", str(copy))
    app = open_app(data="ham10000", eps="8")
    assert not app.exception
    assert not app.error
    assert said in _sentence(app)
    assert str(tmp_path) not in _sentence(app)
    assert any("pp-cards" in element.value for element in app.get("html"))


@pytest.mark.realdata
def test_a_good_copy_is_found(open_app: Callable[..., AppTest], real_data: Path) -> None:
    assert real_data.exists()
    assert "found, 10,015 images" in _sentence(open_app(data="ham10000"))


def test_the_phantom_has_no_link_to_nowhere(open_app: Callable[..., AppTest]) -> None:
    app = open_app(data="skin_phantom")
    assert not any("]()" in m.value for m in app.markdown)
