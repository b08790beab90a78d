"""What a page of the app says, for tests without a browser."""

from __future__ import annotations

import pandas as pd
from streamlit.testing.v1 import AppTest


def page_text(app: AppTest) -> str:
    """Returns all HTML and text of a page that did not fail."""
    assert not app.exception
    found = [element.proto.body for element in app.get("html")]
    return " ".join([*found, *(markdown.value for markdown in app.markdown)])


def main_model(rows: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of a dataset's main model, which comes first; the gallery has no other."""
    return rows[rows["model"] == rows["model"].iloc[0]] if "model" in rows else rows
