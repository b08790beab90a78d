"""What the server does before, and after, its first visitor is served.

While the browser loads Streamlit's files, the start page is got ready with what is light. pandas and SciPy, which other
pages and typed budgets need, come when that page has been drawn: they would take its processor away.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import logging
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from dpcore.errors import DpcoreError
from ui.no_delay import send_at_once

_LOGGER = logging.getLogger(__name__)
#: What takes long to import, and is needed soon after the first page.
HEAVY = ("pandas", "dpcore.privacy")
#: Seconds to wait for a first visitor, and then for the browser to draw.
_NOBODY_COMES, _DRAWING = 20.0, 3.0
_answered = threading.Event()


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Begins the preparation when the server starts; a visitor who comes sooner waits for nothing more than before."""
    threading.Thread(target=_prepare, name="warm start", daemon=True).start()
    yield


def page_answered() -> None:
    """Says that a visitor has got a whole page."""
    _answered.set()


def _prepare() -> None:
    send_at_once()
    # At its first block Streamlit asks once who called it; what that looks up in every module loaded is kept.
    inspect.stack()
    try:
        _prepare_start_page()
    except DpcoreError as error:
        # The page says the same to every visitor.
        _LOGGER.warning("The start page could not be prepared: %s", error)
    _answered.wait(_NOBODY_COMES)
    time.sleep(_DRAWING)
    for name in HEAVY:
        importlib.import_module(name)
    # What start-up left goes into the permanent generation, out of every later collection.
    gc.collect()
    gc.freeze()


def _prepare_start_page() -> None:
    """Imports and caches what the page's first run needs; raises ResultsUnavailable."""
    # Imported here, not above: the server answers before numpy and pyarrow are loaded. Pillow reads the page's icon.
    import PIL.Image  # noqa: F401

    from ui import blocks, controls, drag_loaders, loaders, sources, state, tour  # noqa: F401

    first = loaders.dataset_names()[0]
    loaders.finding(first, state.DEFAULT_EPSILON, "rdp")
    loaders.drawing(first, "rdp", "light")
    drag_loaders.frames("tradeoff", first, "rdp", "", blocks.moving)
