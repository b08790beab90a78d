"""The first page leaves the server before anything heavy is imported: looked at from inside a fresh server process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks._servers import free_port, wait_until_healthy
from benchmarks._visitors import Visitor

ROOT = Path(__file__).resolve().parents[2]
#: The start page's sentence, chart, first pictures, and what a dragged slider needs, which comes last.
SIGNS = ("pp-summary", "pp-plot", "pp-gallery", "drag_tradeoff")
_SERVER = """
import sys
from streamlit.runtime.app_session import AppSession

HEAVY = {"torch", "opacus", "sklearn", "skimage", "scipy", "pandas", "distributed"}
signs = set(%r)
send = AppSession._enqueue_forward_msg

def watched(self, message):
    written = str(message.delta.new_element)
    for sign in [sign for sign in signs if sign in written]:
        signs.remove(sign)
        print("SENT", sign, *sorted(HEAVY & set(sys.modules)), flush=True)
    send(self, message)

AppSession._enqueue_forward_msg = watched
sys.argv = ["streamlit", "run", "app.py", "--server.port", sys.argv[1]]
from streamlit.web.cli import main
main()
"""


@pytest.fixture
def server() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A fresh process of the app's server that prints what is imported when each part of the first page is sent."""
    port = free_port()
    command = [sys.executable, "-c", _SERVER % (SIGNS,), str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.kill()


def test_nothing_heavy_is_imported_before_the_first_page_is_sent(server: tuple[str, subprocess.Popen[str]]) -> None:
    address, process = server

    async def visit() -> None:
        visitor, _ = await Visitor.arrive(address, "/tradeoff?data=ham10000&eps=8")
        await visitor.leave()

    asyncio.run(visit())
    process.terminate()
    assert process.stdout is not None
    told = sorted(line for line in process.stdout.read().splitlines() if line.startswith("SENT"))
    assert told == sorted(f"SENT {sign}" for sign in SIGNS)
