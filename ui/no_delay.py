"""Sends a page's messages at once.

Streamlit opens its listening socket itself, without naming the protocol, and asyncio then leaves Nagle's algorithm on
(https://github.com/Kludex/uvicorn/issues/3149): the second part of a page waits for the browser's delayed
acknowledgement of the first, 40 ms of a move that takes 15.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress


def send_at_once() -> None:
    """Switches Nagle's algorithm off for this process's connections, and for those its listening sockets will accept.

    Where the system does not tell a process its sockets, all stays as it is.
    """
    # The server answers before it is loaded.
    import psutil

    with suppress(psutil.Error, OSError):
        for connection in psutil.Process().net_connections(kind="tcp"):
            if connection.fd >= 0:
                # The option belongs to the socket, not to this second handle of it.
                with socket.socket(fileno=os.dup(connection.fd)) as handle:
                    handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
