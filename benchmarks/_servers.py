"""App processes to be measured: started on a free port, watched from outside, ended afterwards."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
#: An ordinary Streamlit app beside ours; nothing of our configuration reaches it.
PLAIN_APP = Path(__file__).with_name("_plain_app.py")
#: The least that a page can be.
ONE_LINE_APP = Path(__file__).with_name("_one_line_app.py")
MB = 1e6


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running app process."""

    address: str
    process: subprocess.Popen[bytes]

    def memory(self) -> float:
        """Returns the MB that the process itself holds; its laboratory is a process of its own."""
        return psutil.Process(self.process.pid).memory_info().rss / MB

    def cpu_seconds(self) -> float:
        """Returns the CPU seconds of the process since its start."""
        used = psutil.Process(self.process.pid).cpu_times()
        return used.user + used.system


def free_port() -> int:
    """Returns a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    script: Path = ROOT / "app.py",
    *,
    options: tuple[str, ...] = (),
    env: Mapping[str, str] | None = None,
    port: int | None = None,
) -> Iterator[Server]:
    """Starts a Streamlit script, by default the app, gives the server once it answers, and ends it afterwards."""
    port = port or free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port), *options]
    process = subprocess.Popen(
        command,
        # The configuration is taken from the folder the process starts in.
        cwd=script.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_healthy(address, process)
        yield Server(address=address, process=process)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def running_plain(script: Path = PLAIN_APP, *, port: int | None = None) -> Iterator[Server]:
    """Starts an app with Streamlit's defaults, by default the ordinary one."""
    plain = ("--server.headless", "true", "--server.address", "127.0.0.1", "--browser.gatherUsageStats", "false")
    with running(script, options=plain, port=port) as server:
        yield server


def wait_until_healthy(address: str, process: subprocess.Popen[Any], *, seconds: float = 30) -> None:
    """Waits until the health address answers; raises RuntimeError if the process ends or time runs out."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).read()
            return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None:
                raise RuntimeError(f"The app ended with code {process.returncode}.") from None
            time.sleep(0.02)
    raise RuntimeError(f"The app did not start within {seconds:g} s.")


@dataclass(kw_only=True)
class Watch:
    """Notes a server's memory every second while it is entered."""

    server: Server
    #: (minutes since the beginning, MB)
    noted: list[tuple[float, float]] = field(default_factory=list)

    def __enter__(self) -> Watch:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._note, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _note(self) -> None:
        start = time.monotonic()
        while not self._over.wait(1):
            self.noted.append(((time.monotonic() - start) / 60, self.server.memory()))

    def most(self) -> float:
        """Returns the largest memory seen, in MB."""
        return max((memory for _, memory in self.noted), default=self.server.memory())

    def slope(self) -> float:
        """Returns the MB a minute by which memory grew over the second half of the watch, by least squares."""
        later = self.noted[len(self.noted) // 2 :]
        if len(later) < 2:
            return float("nan")
        minutes, memory = zip(*later, strict=True)
        centre, level = sum(minutes) / len(later), sum(memory) / len(later)
        spread = sum((m - centre) ** 2 for m in minutes)
        return sum((m - centre) * (mb - level) for m, mb in later) / spread
