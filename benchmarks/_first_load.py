"""Cold visitors without a browser: they fetch every file a browser fetches, and then open the page's websocket."""

from __future__ import annotations

import asyncio
import http.client
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks._servers import ROOT, free_port, wait_until_healthy
from benchmarks._visitors import Visitor

_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+([\w.]+)")
_PACKAGES = 8
_PATIENCE = 120.0


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """One visitor's first load: seconds until the first full run had ended, and bytes."""

    seconds: float
    size: int


def cold_browsers(
    addresses: Sequence[str], paths: Sequence[str], place: str, count: int, *, packed: bool
) -> list[Fetched]:
    """Returns what `count` visitors needed who all come in the same instant, each to one of the addresses."""
    given = [addresses[number % len(addresses)] for number in range(count)]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda address: _first_load(address, paths, place, packed=packed), given))


def _first_load(address: str, paths: Sequence[str], place: str, *, packed: bool) -> Fetched:
    start, size = time.perf_counter(), 0
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=_PATIENCE)
    headers = {"Accept-Encoding": "gzip" if packed else "identity"}
    for path in paths:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        size += len(answer.read())
        if cookie := answer.headers.get("Set-Cookie", "").partition(";")[0]:
            headers["Cookie"] = "; ".join(filter(None, (headers.get("Cookie"), cookie)))
    connection.close()
    size += asyncio.run(_first_run(address + place, headers.get("Cookie", "")))
    return Fetched(seconds=time.perf_counter() - start, size=size)


async def _first_run(url: str, cookies: str) -> int:
    parts = urlsplit(url)
    visitor, answer = await Visitor.arrive(
        f"{parts.scheme}://{parts.netloc}", parts.path, {"Cookie": cookies} if cookies else None
    )
    await visitor.leave()
    return answer.size


def imports_by_package() -> dict[str, float]:
    """Returns the seconds that the web process spent on imports until its first page was complete, by package."""
    port = free_port()
    command = [sys.executable, "-X", "importtime", "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    # Read along, since a full pipe would stop the process.
    with ThreadPoolExecutor(1) as pool:
        assert process.stderr is not None
        lines = pool.submit(process.stderr.readlines)
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}", process)
            asyncio.run(_first_run(f"http://127.0.0.1:{port}/tradeoff", ""))
        finally:
            process.terminate()
            process.wait(15)
        spent: Counter[str] = Counter()
        for found in filter(None, map(_IMPORT.match, lines.result())):
            spent[found[2].partition(".")[0]] += int(found[1])
    return {name: micro / 1e6 for name, micro in [("all", sum(spent.values())), *spent.most_common(_PACKAGES)]}
