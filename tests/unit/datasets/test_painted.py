"""Painted pictures are kept on the disk, and never others are shown for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dpcore.datasets import _painted, skin_phantom
from dpcore.datasets._painted import Pictures, painted

ROOT = Path(__file__).resolve().parents[3]


class Painter:
    """Paints the same two arrays and counts how often."""

    times = 0

    def __call__(self) -> Pictures:
        self.times += 1
        return np.arange(60_000, dtype=np.uint8).reshape(100, 20, 30), np.full(7, 3, dtype=np.uint8)

    def check(self, found: Pictures, *, times: int) -> None:
        assert self.times == times
        for one, other in zip(found, self(), strict=True):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype
        self.times -= 1


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for the pictures."""
    monkeypatch.setattr(_painted, "FOLDER", tmp_path / "painted")
    return tmp_path / "painted"


def test_painted_once(folder: Path) -> None:
    paint = Painter()
    paint.check(painted("a", paint), times=1)
    paint.check(painted("a", paint), times=1)
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("how", ["one bit", "cut", "empty", "no archive", "pickled"])
def test_what_is_damaged_is_painted_anew(folder: Path, how: str) -> None:
    paint = Painter()
    painted("a", paint)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 4
    if how == "pickled":
        np.savez(file, np.array([{}], dtype=object))
    else:
        file.write_bytes({"one bit": bytes(changed), "cut": whole[:-50], "empty": b"", "no archive": b"x" * 999}[how])
    paint.check(painted("a", paint), times=2)
    assert file.read_bytes() == whole


def test_another_program_paints_for_itself(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paint = Painter()
    painted("a", paint)
    painted("a_128", paint)
    before = set(folder.iterdir())
    monkeypatch.setattr(_painted, "_painter", lambda: "another")
    paint.check(painted("a", paint), times=3)
    after = set(folder.iterdir())
    assert {p.name for p in after - before} == {"a-another.npz"}
    assert [p.name.partition("-")[0] for p in before - after] == ["a"]  # What no program reads any more is gone.


def test_without_a_place_to_write_they_are_painted_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(_painted, "FOLDER", tmp_path / "file" / "painted")
    paint = Painter()
    painted("a", paint)
    paint.check(painted("a", paint), times=2)


def test_a_full_disk_leaves_nothing_behind(folder: Path) -> None:
    code = f"import resource; from pathlib import Path; import numpy as np; from dpcore.datasets import _painted\n\
_painted.FOLDER = Path({str(folder)!r}); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n\
print(_painted.painted('a', lambda: (np.ones(9999, dtype=np.uint8),))[0].sum())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "9999\n"
    assert list(folder.iterdir()) == []


def test_kept_pictures_are_those_that_are_painted(folder: Path) -> None:
    first, again = skin_phantom.load_attack_records().records, skin_phantom.load_attack_records().records
    assert [p.name.partition("-")[0] for p in folder.iterdir()] == ["skin_phantom_128"]
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(again[:5], skin_phantom.paint(skin_phantom._split().train[:5], size=128))
