"""A page at every stop of the slider, made ready for the browser to show while the slider moves. No Streamlit here."""

from __future__ import annotations

import gzip
import html
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ui.epsilon import format_epsilon
from ui.finding import Finding

#: Returns every block of a page that carries the budget, each one element with the attributes of `place`.
Blocks = Callable[[Finding], tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A page at one stop: the slider's label, and the blocks."""

    label: str
    blocks: tuple[str, ...]


def place(block: str, finding: Finding, view: str = "") -> str:
    """Returns the attributes by which drag.js finds a block: what it shows of which view, and at which budget."""
    name = html.escape(f"{block} {finding.evidence.spec.name} {finding.counted} {view}".strip())
    return f'data-drag="{name}" data-epsilon="{format_epsilon(finding.epsilon)}"'


def pack_frames(frames: Mapping[float, Frame]) -> bytes:
    """Returns the frames with the budget's name on the slider, compressed; the same bytes for the same frames."""
    stops = [
        {"stop": format_epsilon(epsilon), "label": frame.label, "blocks": frame.blocks}
        for epsilon, frame in frames.items()
    ]
    return gzip.compress(json.dumps(stops, ensure_ascii=False).encode(), mtime=0)
