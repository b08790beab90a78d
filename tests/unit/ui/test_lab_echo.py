"""What a browser sends late is told from what a visitor does."""

from __future__ import annotations

from typing import Any

import pytest

from ui import echo


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A session, and a clock that stands still."""
    state: dict[str, Any] = {}
    monkeypatch.setattr(echo.st, "session_state", state)
    monkeypatch.setattr(echo.time, "monotonic", lambda: 100.0)
    return state


def test_the_value_replaced_a_moment_ago_is_an_echo_and_is_put_right(session: dict[str, Any]) -> None:
    echo.expect(True)
    echo.put("typed", "8")
    echo.put("typed", "20")
    echo.put("typed", "32")
    for late in ("8", "20"):
        session["typed"] = late
        assert echo.is_echo("typed")
        assert session["typed"] == "32"


def test_what_a_visitor_does_is_none(session: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    echo.expect(True)
    echo.put("typed", "8")
    echo.put("typed", "20")
    session["typed"] = "12.5"
    assert not echo.is_echo("typed")
    session["typed"] = "8"
    monkeypatch.setattr(echo.time, "monotonic", lambda: 102.0)
    assert not echo.is_echo("typed")
    assert session["typed"] == "8"


def test_where_the_page_does_not_look_by_itself_nothing_is(session: dict[str, Any]) -> None:
    echo.put("typed", "8")
    echo.put("typed", "20")
    session["typed"] = "8"
    assert not echo.is_echo("typed")
    echo.expect(True)
    echo.expect(False)
    assert not echo.is_echo("typed")
