"""The proxy of `deploy/` on this machine: the same nginx configuration, on free ports and in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks._servers import ROOT, free_port

DEPLOY = ROOT / "deploy"


def find_nginx() -> str | None:
    """Returns the path of nginx, or None."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def running_proxy(apps: Sequence[str], folder: Path) -> Iterator[str]:
    """Starts nginx in front of app processes, given by their addresses, and gives its own; ends it afterwards."""
    nginx, port = find_nginx(), free_port()
    assert nginx is not None
    written = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    ours = written.replace("/tmp/nginx", f"{folder}/nginx").replace("listen 8080;", f"listen 127.0.0.1:{port};")
    (folder / "nginx.conf").write_text(ours, encoding="utf-8")
    lines = (f"server {urlsplit(app).netloc} max_fails=1 fail_timeout=5s;\n" for app in apps)
    (folder / "apps.conf").write_text("".join(lines), encoding="utf-8")
    shutil.copy(DEPLOY / "security-headers.conf", folder)
    # Started by root it would otherwise work as somebody who may not enter the folder.
    who = "user root; " if os.geteuid() == 0 else ""
    command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", f"{who}daemon off;"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait(f"http://127.0.0.1:{port}/_stcore/health", process, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(address, timeout=2).read()
            return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None:
                raise RuntimeError(f"nginx ended: {log.read_text(encoding='utf-8')}") from None
            time.sleep(0.05)
    raise RuntimeError("nginx did not answer within 15 s.")
