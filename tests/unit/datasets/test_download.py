"""Downloads from a real server on this machine: kept only when right, and one sentence for whatever goes wrong."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dpcore.__main__ import app
from dpcore.datasets import download as module
from dpcore.datasets.download import RemoteFile, download, remote_file
from dpcore.errors import DataUnavailable, InvalidValue

CONTENT = bytes(range(256)) * 4000
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


def wanted(*, md5: str = MD5, max_bytes: int = 2**21) -> RemoteFile:
    return RemoteFile(name="some.npz", md5=md5, max_bytes=max_bytes)


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Starts a server that sends `body` under a declared length (None: no length); returns its address."""
    servers: list[HTTPServer] = []

    def start(body: bytes = CONTENT, *, length: int | None = len(CONTENT), code: int = 200) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.server.asked.append(self.path)  # type: ignore[attr-defined]
                self.send_response(code)
                if length is not None:
                    self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        server.asked = []  # type: ignore[attr-defined]
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/"

    start.servers = servers  # type: ignore[attr-defined]
    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def complaint(file: RemoteFile, folder: Path, address: str) -> str:
    with pytest.raises(DataUnavailable) as caught:
        download(file, folder, base_url=address)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    assert str(folder.parent) not in message
    return message


@pytest.mark.parametrize("length", [len(CONTENT), None])
def test_the_right_file_is_put_in_place(serve, tmp_path: Path, length: int | None) -> None:
    steps: list[tuple[int, int | None]] = []
    folder = tmp_path / "new" / "folder"
    path = download(
        wanted(), folder, base_url=serve(length=length), progress=lambda done, total: steps.append((done, total))
    )
    assert path == folder / "some.npz"
    assert path.read_bytes() == CONTENT
    assert [file.name for file in folder.iterdir()] == ["some.npz"]
    assert [done for done, _ in steps] == sorted({done for done, _ in steps})
    assert steps[-1] == (len(CONTENT), length)


def test_a_file_that_is_there_is_not_fetched_again(serve, tmp_path: Path) -> None:
    address = serve()
    download(wanted(), tmp_path, base_url=address)
    download(wanted(), tmp_path, base_url=address)
    assert serve.servers[0].asked == ["/some.npz"]


def test_a_file_of_that_name_with_other_content_is_left_alone(serve, tmp_path: Path) -> None:
    (tmp_path / "some.npz").write_bytes(b"mine")
    assert "other content: move it away" in complaint(wanted(), tmp_path, serve())
    assert (tmp_path / "some.npz").read_bytes() == b"mine"


def test_nothing_stays_of_bad_files(serve, tmp_path: Path) -> None:
    wrong = CONTENT[:-1] + b"x"
    too_big = "must have at most 1,000 bytes, but what is sent has at least"
    cases = [
        (wanted(), serve(wrong), f"must have the MD5 {MD5}, but what was sent has"),
        (wanted(), serve(CONTENT[:5000]), "must have 1,024,000 bytes, but was cut off after 5,000"),
        (wanted(), serve(CONTENT[:5000], length=None), f"must have the MD5 {MD5}"),
        (wanted(max_bytes=1000), serve(), f"{too_big} 1,024,000"),
        (wanted(max_bytes=1000), serve(length=None), f"{too_big} 262,144"),
        (wanted(max_bytes=1000), serve(b"", length=10**15), f"{too_big} 1,000,000,000,000,000"),
        (wanted(), serve(code=404), "answered with error 404"),
        (wanted(), serve(code=500), "answered with error 500"),
    ]
    for file, address, pattern in cases:
        assert pattern in complaint(file, tmp_path, address)
        assert list(tmp_path.iterdir()) == []


def test_no_server(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as unused:
        address = f"http://127.0.0.1:{unused.server_port}/"
    assert "cannot be reached" in complaint(wanted(), tmp_path, address)


def test_a_folder_that_is_a_file(serve, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    assert "could not be written to folder 'taken'" in complaint(wanted(), tmp_path / "taken", serve())


def test_published_files() -> None:
    assert remote_file("pneumonia_mnist").name == "pneumoniamnist.npz"
    assert remote_file("pneumonia_mnist").md5 == "28209eda62fecd6e6a2d98b1501bb15f"
    assert remote_file("organ_a_mnist", size=64).name == "organamnist_64.npz"
    with pytest.raises(InvalidValue, match=r"dataset must be one of pneumonia_mnist, .* but is 'ham10000'\."):
        remote_file("ham10000")
    with pytest.raises(InvalidValue, match=r"size must be 28 or 64 pixels, but is 32\."):
        remote_file("pneumonia_mnist", size=32)


def test_the_command(serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module._MD5, "pneumonia_mnist", (MD5, MD5))
    monkeypatch.setattr(module.download, "__kwdefaults__", {"base_url": serve(), "progress": None})
    arguments = ["download", "--dataset", "pneumonia_mnist", "--size", "64", "--data", str(tmp_path)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "pneumoniamnist_64.npz is in place" in result.stdout
    assert (tmp_path / "pneumoniamnist_64.npz").read_bytes() == CONTENT
    assert serve.servers[0].asked == ["/pneumoniamnist_64.npz"]


def test_the_command_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["download", "--dataset", "nope", "--data", str(tmp_path)])
    assert result.exit_code == 2
    assert "Error: dataset must be one of pneumonia_mnist" in result.stderr
    assert list(tmp_path.iterdir()) == []
