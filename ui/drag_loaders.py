"""Caches of what a dragged slider shows; read-only, shared by all visitors."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

import streamlit as st

from ui import loaders
from ui.controls import slider_label
from ui.drag import Blocks, Frame, Frames, pack_frames, pack_pictures
from ui.evidence import Counted


def frames(page: str, dataset: str, counted: Counted, view: str, make: Blocks) -> Frames:
    """Returns a page at every measured budget; `page` and `view` stand for `make` in the cache."""
    key = (page, dataset, counted, view, loaders.version(), make)
    found = _frames(*key)
    if not found.whole:
        _frames.clear(*key)  # A file that is restored is seen at the next look.
    return found


def pictures(files: Sequence[str]) -> bytes:
    """Returns these pictures, each once, under the names that frames give them; raises ResultsUnavailable."""
    return _pictures(tuple(files), loaders.version())


@st.cache_resource(max_entries=256, show_spinner=False)
def _frames(
    page: str,  # noqa: ARG001, part of the key
    dataset: str,
    counted: Counted,
    view: str,  # noqa: ARG001
    version: loaders.Version,
    _make: Blocks,
) -> Frames:
    asked: dict[str, None] = {}
    files: dict[str, None] = {}

    def picture(file: str) -> str:
        asked[file] = None
        name = _name(file, version)
        files[file] = None
        return f'data-picture="{name}"'

    made = {}
    evidence = loaders.evidence(dataset)
    for point in evidence.points:
        finding = loaders.finding(dataset, point.epsilon(counted), counted)
        made[finding.epsilon] = Frame(label=slider_label(finding), blocks=_make(finding, picture))
    return Frames(packed=pack_frames(made), files=tuple(files), whole=asked == files and not evidence.problems)


@st.cache_resource(max_entries=12, show_spinner=False)
def _pictures(files: Sequence[str], version: loaders.Version) -> bytes:
    uris = {_name(file, version): loaders.picture_uri(file) for file in files}
    return pack_pictures({name: base64.b64decode(uri.partition(",")[2]) for name, uri in uris.items()})


@st.cache_resource(max_entries=512, show_spinner=False)
def _name(file: str, version: loaders.Version) -> str:  # noqa: ARG001, part of the key
    """By content: budgets that share a picture share its name."""
    return hashlib.sha256(loaders.picture_uri(file).encode("ascii")).hexdigest()[:16]
