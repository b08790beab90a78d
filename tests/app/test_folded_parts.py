"""What is folded is made when it is opened, and not before."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from ui.folded import SUFFIX

#: Pages with the parts folded there, and words that stand in each.
FOLDED = {
    "risks": {
        "risk_table_bounds": "<table",
        "risk_table_membership": "<table",
        "risk_limits": "A limit is not a forecast",
    },
    "reconstruction": {
        "recon_table_errors": "Reconstructions by error",
        "recon_table_appearance": "Budgets at which pictures appear",
        "recon_settings": "What changes the attack",
        "recon_sources": "Robbing the Fed",
    },
    "membership": {
        "member_table_membership": "<table",
        "member_table_audit": "<table",
        "member_table_groups": "<table",
        "member_sources": "How it is measured",
    },
    "planner": {"plan_table_limits": "<table"},
}


@pytest.mark.parametrize("page", FOLDED)
def test_a_folded_part_is_made_when_it_is_opened(open_link: Callable[..., AppTest], page: str) -> None:
    app = open_link(page, data="ham10000", eps="8")
    for key, words in FOLDED[page].items():
        assert _inside(app, key) == "", key
        app.session_state[key + SUFFIX] = True
        assert words in _inside(app.run(), key)
        app.session_state[key + SUFFIX] = False
    app.run()
    assert [key for key in FOLDED[page] if _inside(app, key)] == []


def _inside(app: AppTest, key: str) -> str:
    """All HTML and text of the part with that key."""
    assert not app.exception
    (part,) = [e for e in app.expander if e.proto.id.endswith(f"-{key}{SUFFIX}")]
    html = [element.proto.body for element in part.get("html")]
    return " ".join([*html, *(markdown.value for markdown in part.markdown)])
