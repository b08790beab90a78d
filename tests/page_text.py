"""What a page of the app says, for tests without a browser."""

from __future__ import annotations

import html
import re

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


def block_html(app: AppTest, attributes: str) -> str:
    """The block with these attributes, which stands in a line of its own."""
    lines = [line for element in app.get("html") for line in element.value.splitlines()]
    (found,) = [line for line in lines if attributes in line]
    return str(found)


def shown(app: AppTest, block: str) -> str:
    """The text of the block with this class, without tags."""
    found = block_html(app, f'class="{block}')
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"</?strong>", "", found))))
