"""What the server does while the first visitor's browser loads Streamlit's files: it gets the start page ready."""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from dpcore.errors import DpcoreError
from ui.no_delay import send_at_once

_LOGGER = logging.getLogger(__name__)


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Begins the preparation when the server starts; a visitor who comes sooner waits for nothing more than before."""
    send_at_once()
    threading.Thread(target=_prepare, name="warm start", daemon=True).start()
    yield


def _prepare() -> None:
    # Imported here, not above: the server answers before pandas, Plotly and SciPy are loaded.
    from ui import loaders

    try:
        loaders.prepare_start_page()
    except DpcoreError as error:
        # The page says the same to every visitor.
        _LOGGER.warning("The start page could not be prepared: %s", error)
    # At its first block Streamlit asks once who called it; what that looks up in every module loaded is kept.
    inspect.stack()
    loaders.warm_up()
