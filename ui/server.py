"""What stands between the network and Streamlit: security headers on every answer, limits on uploads, pictures by
address, a first answer that names the files it needs, packed files.
"""

from __future__ import annotations

import logging

from starlette.middleware import Middleware
from streamlit import runtime

from ui.headers import SecurityHeaders
from ui.packed import PackedFiles
from ui.pictures import Pictures
from ui.preload import PreloadedPage
from ui.uploads import UploadLimit

_LOGGER = logging.getLogger(__name__)
_state = {"wrapped": False, "told": False}


def middleware() -> list[Middleware]:
    """Returns the layers around Streamlit's own application, the outermost first."""
    _state["wrapped"] = True
    return [Middleware(layer) for layer in (SecurityHeaders, UploadLimit, PreloadedPage, Pictures, PackedFiles)]


def tell_if_bare() -> None:
    """Writes one line into the log if pages are served without these layers, as an unknown Streamlit might do."""
    if _state["wrapped"] or _state["told"] or not runtime.exists():
        return
    _state["told"] = True
    _LOGGER.warning("This Streamlit serves the app without its security headers: use deploy/security-headers.conf.")
