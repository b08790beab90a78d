"""The cache of what a dragged slider shows; read-only, shared by all visitors."""

from __future__ import annotations

from ui import loaders
from ui.controls import slider_label
from ui.drag import Blocks, Frame, pack_frames
from ui.evidence import Counted
from ui.kept import Memory

_FRAMES: Memory[bytes] = Memory(max_entries=256)


def frames(page: str, dataset: str, counted: Counted, view: str, make: Blocks) -> bytes:
    """Returns a page at every measured budget, packed; `page` and `view` stand for `make` in the cache."""
    key = (page, dataset, counted, view, loaders.version())
    whole = loaders.pictures_are_whole(dataset) and not loaders.evidence(dataset).problems
    found = _FRAMES.get(key, lambda: _frames(dataset, counted, make))
    if not whole:
        _FRAMES.forget(key)  # A file that is restored is seen at the next look.
    return found


def _frames(dataset: str, counted: Counted, make: Blocks) -> bytes:
    made = {}
    for point in loaders.evidence(dataset).points:
        finding = loaders.finding(dataset, point.epsilon(counted), counted)
        made[finding.epsilon] = Frame(label=slider_label(finding), blocks=make(finding))
    return pack_frames(made)
