"""What a page of the app says, for tests without a browser."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def page_text(app: AppTest) -> str:
    """Returns all HTML and text of a page that did not fail."""
    assert not app.exception
    found = [element.proto.body for element in app.get("html")]
    return " ".join([*found, *(markdown.value for markdown in app.markdown)])
