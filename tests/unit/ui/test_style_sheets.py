"""Style sheets of the pages with a slider: what would slow each move, and what a new chart must not forget."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ui

_UI = Path(ui.__file__).parent


def _rules(sheet: str) -> str:
    return re.sub(r"/\*.*?\*/", "", (_UI / sheet).read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("sheet", ["style.css", "risks.css", "recon.css", "member.css"])
def test_no_rule_makes_the_browser_restyle_the_page_when_a_class_changes(sheet: str) -> None:
    assert re.findall(r"\[class[*^$~|]?=", _rules(sheet)) == []


def test_every_chart_with_a_layer_has_its_frame() -> None:
    drawn = {name for path in _UI.glob("*.py") for name in re.findall(r'\bdraw(?:_layers)?\("(\w+)"', path.read_text())}
    assert len(drawn) >= 9
    (frame,) = re.findall(r":is\(([^)]*)\) \{\s+position: relative", _rules("risks.css"))
    assert set(re.findall(r"st-key-rk_frame_(\w+)", frame)) == drawn
