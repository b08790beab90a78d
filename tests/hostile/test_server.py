"""The real server, spoken to by programs: garbage on the websocket, uploads, paths, a kill. It lives, tells nothing."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from google.protobuf import text_format
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from benchmarks.latency import _wait_until_healthy
from dpcore.results.store import sha256
from tests.hostile.corpus import ALL_WORDS
from ui.headers import security_headers
from ui.uploads import MOST_UPLOADS

ROOT = Path(__file__).resolve().parents[2]
LEAKS = ("Traceback", str(ROOT), "site-packages", 'File "')
#: Paths that ask for what is not theirs.
PATHS = (
    *("/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/static/..%2f..%2f..%2fapp.py", "/app/static/../app.py"),
    *("/media/..%2f..%2fapp.py", "/media/" + "a" * 64 + ".png", "/_stcore/metrics", "/_stcore/agent/interact", "//etc"),
    *("/component/x/../../app.py", "/_stcore/bidi-components/x/../../app.py", "/static/%00", "/tradeoff%00", "/%ff%fe"),
    *("/.streamlit/config.toml", "/.git/config", "/precomputed/manifest.json", "/_stcore/script-health-check"),
    *("/pictures/", "/pictures/../app.py", "/pictures/..%2f..%2fapp.py", "/pictures/%2e%2e/precomputed/manifest.json"),
    *(
        "/pictures/gallery/ham10000/8-one-look.webp",
        "/pictures/" + "a" * 8000,
        "/pictures/%00",
        "/pictures//etc/passwd",
    ),
    *("/" + "a" * 8000, "/?" + "&".join(f"a{i}=1" for i in range(500)), "/_stcore/upload_file/x/y", "/_stcore/stream"),
)


class Server:
    """The app as `streamlit run` starts it, on a port of its own, with its log."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address, self._log = f"http://127.0.0.1:{self.port}", folder / "log"
        self._env = {**os.environ, "PINCH_LAB": str(folder / "lab.sqlite3")}
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=self._env, stdout=log, stderr=log)
        _wait_until_healthy(self.address, self._process)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def healthy(self) -> bool:
        with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=30) as answer:
            return self._process.poll() is None and answer.read() == b"ok"

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(20)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("server"))
    yield found
    found.end()


def _joined(server: Server) -> connect:
    return connect(f"ws://127.0.0.1:{server.port}/_stcore/stream", subprotocols=["streamlit"], max_size=2**26)  # type: ignore[list-item]


async def _run(socket_: ClientConnection, query: str, page: str = "tradeoff", **text: str) -> tuple[str, str]:
    """Runs a page; returns the session and all that the server said."""
    asked = BackMsg()
    asked.rerun_script.query_string = query
    asked.rerun_script.page_name = page
    for name, value in text.items():
        state = asked.rerun_script.widget_states.widgets.add()
        state.id, state.string_value = name, value
    await socket_.send(asked.SerializeToString())
    session, said, finished = "", [], False
    while True:
        try:
            data = await asyncio.wait_for(socket_.recv(), 1 if finished else 60)
        except TimeoutError:
            return session, " ".join(said)  # No further run follows, as one does after a deep link.
        message = ForwardMsg.FromString(data)  # type: ignore[arg-type]
        kind = message.WhichOneof("type")
        if kind == "new_session":
            session = message.new_session.initialize.session_id
        # Streamlit itself tells every browser where its script lies; what the app says is the rest.
        said.append("" if kind == "new_session" else text_format.MessageToString(message, as_utf8=True))
        finished = kind == "script_finished" or (finished and kind != "new_session")


def test_every_answer_carries_the_headers_and_no_path_gives_a_file_away(server: Server) -> None:
    for path in ("/", "/tradeoff", "/_stcore/health", "/nowhere/at/all", *PATHS):
        try:
            with urllib.request.urlopen(server.address + path, timeout=30) as answer:
                headers, body = answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            headers, body = error.headers, error.read()
        for name, value in security_headers().items():
            assert headers.get_all(name) == [value], (path[:60], name)
        text = body.decode("utf-8", "replace")
        assert not any(leak in text for leak in (*LEAKS, "root:x:", "navigation.run()", "maxUploadSize")), path[:60]
    assert server.healthy()


def test_pictures_are_only_looked_at_and_only_known_ones(server: Server) -> None:
    def ask(path: str, method: str) -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.headers["Content-Type"], answer.read()

    file = ROOT / "precomputed" / "gallery" / "ham10000" / "8-one-look.webp"
    known = f"/pictures/{sha256(file)[:32]}.webp"
    assert ask(known, "GET") == (200, "image/webp", file.read_bytes())
    assert ask(known, "HEAD") == (200, "image/webp", b"")
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE"):
        assert ask(known, method)[0] == 405
    for path in (path for path in PATHS if path.startswith("/pictures/")):
        assert ask(path, "GET") == (404, "text/plain; charset=utf-8", b"There is no such picture."), path[:60]
    assert server.healthy()


def test_garbage_on_the_websocket_is_survived(server: Server) -> None:
    async def talk() -> None:
        garbage = [
            b"",
            b"\x00",
            b"\xff" * 1000,
            os.urandom(5000),
            b"\x0a\xff\xff\xff\xff\x0f",
            "text",
            "{}",
            b"\x08" * 10**6,
        ]
        garbage += [BackMsg(debug_shutdown_runtime=True).SerializeToString()]
        garbage += [BackMsg(debug_disconnect_websocket=True).SerializeToString()]
        for sent in garbage:
            async with _joined(server) as opened:
                try:
                    await opened.send(sent)
                    await asyncio.wait_for(opened.recv(), 1)
                except (ConnectionClosed, TimeoutError):
                    continue
        async with _joined(server) as opened:
            with contextlib.suppress(ConnectionClosed):
                await opened.send(b"x" * (17 * 2**20))  # Above maxMessageSize.
            await asyncio.wait_for(opened.wait_closed(), 30)

    asyncio.run(talk())
    assert server.healthy()


def test_unknown_widgets_and_hostile_words_on_the_websocket_leak_nothing(server: Server) -> None:
    async def talk() -> None:
        async with _joined(server) as opened:
            names = ("nobody", "$$ID-0-bar_typed", "../../x", "$$ID-00000000000000000000000000000000-bar_slider", "")
            for page in ("tradeoff", "../../etc/passwd"):
                _, said = await _run(opened, "data=ham10000", page, **{n: ALL_WORDS[i] for i, n in enumerate(names)})
                assert not any(leak in said for leak in LEAKS)
            for query in ("%&&&==&eps=%00&data=%F0%9F", "eps=" + "9" * 100_000, "eps=8&" * 2000):
                _, said = await _run(opened, query)
                assert not any(leak in said for leak in LEAKS)

    asyncio.run(talk())
    assert server.healthy()


#: Stands for the status where the server hung up on what it refused.
_CLOSED = 0


def _put(server: Server, session: str, file: int, size: int, token: str, cookie: str = "") -> int:
    edge = "pinch"
    body = f'--{edge}\r\nContent-Disposition: form-data; name="f"; filename="x.json"\r\n\r\n'.encode()
    body += b"x" * size + f"\r\n--{edge}--\r\n".encode()
    headers = {"X-Xsrftoken": token, "Cookie": f"_streamlit_xsrf={cookie or token}"}
    headers["Content-Type"] = f"multipart/form-data; boundary={edge}"
    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=30)
    try:
        with contextlib.suppress(ConnectionError):  # Refused before all of it was sent: the answer may be there.
            connection.request("PUT", f"/_stcore/upload_file/{session}/{file}", body, headers)
        return connection.getresponse().status
    except ConnectionError:
        return _CLOSED
    finally:
        connection.close()


def test_uploads_are_bounded_in_size_and_number_and_need_a_session(server: Server) -> None:
    with urllib.request.urlopen(f"{server.address}/_stcore/health", timeout=30) as answer:
        token = answer.headers["Set-Cookie"].split("_streamlit_xsrf=")[1].split(";")[0]

    async def session() -> list[int]:
        async with _joined(server) as opened:
            name, _ = await _run(opened, "data=ham10000", "check")
            assert name
            sizes = [(1000, token), (2 * 2**20, token), (1000, "0" * 32, token)]
            statuses = [await asyncio.to_thread(_put, server, name, i, *sent) for i, sent in enumerate(sizes)]
            for i in range(MOST_UPLOADS):
                statuses.append(await asyncio.to_thread(_put, server, name, 10 + i, 10, token))
            return statuses

    statuses = asyncio.run(session())
    assert (statuses[0], statuses[2]) == (204, 403)
    assert statuses[1] in (413, _CLOSED)
    assert statuses[-1] == 429
    assert _put(server, "nobody", 1, 10, token) == 400
    assert server.healthy()


def test_a_killed_app_comes_back_from_the_address_alone(server: Server) -> None:
    async def cards(query: str) -> str:
        async with _joined(server) as opened:
            _, said = await _run(opened, query)
            return said

    link = "data=ham10000&eps=1000&counted=paper"
    before = asyncio.run(cards(link))
    server.kill()
    server.start()
    after = asyncio.run(cards(link))
    for said in (before, after):
        assert "pp-summary" in said
        assert "ε\u00a0=\u00a010³" in said
