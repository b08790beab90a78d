"""Each precomputed file missing, cut or with one bit flipped: it is named, the rest works, and no risk becomes a 0."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dpcore.errors import ResultsUnavailable
from dpcore.results.schema import TABLES
from dpcore.results.store import DEFAULT_FOLDER, PrecomputedStore
from ui import loaders, recon_loaders, risk_loaders
from ui.loaders import FOLDER_VARIABLE

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(p.relative_to(DEFAULT_FOLDER).as_posix() for p in DEFAULT_FOLDER.rglob("*") if p.is_file())
#: Pages with a control bar, which needs the measured budgets; and for each file the pages that lose all or a part.
WITH_BAR = ("tradeoff", "risks", "reconstruction", "membership", "lab", "planner")
READ_BY = {
    "points.parquet": (*WITH_BAR, "claims"),
    "bounds.parquet": ("tradeoff", "risks"),
    "attacks.parquet": ("tradeoff", "risks", "reconstruction", "planner", "claims"),
    "gallery.parquet": ("tradeoff", "reconstruction"),
    "membership.parquet": ("membership",),
    "audits.parquet": ("membership",),
    "reconstructions.parquet": ("reconstruction",),
    "runs.parquet": ("claims",),
    # Read only where a plan is away from what was measured.
    "tuning.parquet": (),
}
#: What remembers the contents of a file.
READS_FILES = (
    *(loaders._dataset_names, loaders._evidence, loaders._models, loaders._exposures, loaders._audits),
    *(loaders._drawing, loaders._tables_html),
    *(recon_loaders._outcomes, recon_loaders._variations, risk_loaders._claims),
)
PAGES = (*WITH_BAR, "check", "claims")


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flip(data: bytes) -> bytes:
    changed = bytearray(data)
    changed[len(changed) // 2] ^= 4
    return bytes(changed)


FAULTS: dict[str, Callable[[bytes], bytes] | None] = {"missing": None, "cut": cut, "one bit": flip}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of all results, which each test leaves whole."""
    place = tmp_path_factory.mktemp("faults") / "results"
    shutil.copytree(DEFAULT_FOLDER, place)
    return place


class Broken:
    """A file of the folder, broken for a while."""

    def __init__(self, path: Path, change: Callable[[bytes], bytes] | None) -> None:
        self._path, self._change, self._whole = path, change, path.read_bytes()

    def __enter__(self) -> None:
        if self._change is None:
            self._path.unlink()
        else:
            self._path.write_bytes(self._change(self._whole))

    def __exit__(self, *_: object) -> None:
        self._path.write_bytes(self._whole)


def _read(store: PrecomputedStore, file: str) -> None:
    if file.endswith(".parquet"):
        store.table(file.removesuffix(".parquet"))
    elif file == "manifest.json":
        store.manifest()
    else:
        store.picture(file)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_file_is_refused_by_name(folder: Path, fault: str) -> None:
    store = PrecomputedStore(folder=folder)
    assert len(FILES) > 400
    for file in (f for f in FILES if f != "manifest.json"):
        with Broken(folder / file, FAULTS[fault]):
            with pytest.raises(ResultsUnavailable, match=re.escape(file)) as caught:
                _read(store, file)
            assert str(folder) not in str(caught.value)
        _read(store, file)


def test_a_flipped_bit_of_the_manifest_never_lets_a_changed_file_through(folder: Path) -> None:
    """Wherever it strikes: a sentence, or the bytes that were made."""
    store, whole = PrecomputedStore(folder=folder), (folder / "manifest.json").read_bytes()
    picture = "gallery/ham10000/8-originals.webp"
    true = (folder / picture).read_bytes()
    for place in range(0, len(whole), 211):
        changed = bytearray(whole)
        changed[place] ^= 1 << (place % 8)
        broken = Broken(folder / "manifest.json", lambda _, changed=changed: bytes(changed))
        with broken, contextlib.suppress(ResultsUnavailable):
            assert store.picture(picture) == true


def _alerts(app: AppTest) -> list[str]:
    """What stands in the place of a block that is missing."""
    shown = " ".join(element.proto.body for element in app.get("html"))
    return re.findall(r'<p[^>]* role="alert">(.*?)</p>', shown)


@pytest.mark.parametrize("missing", sorted(TABLES))
def test_a_page_names_the_file_and_the_others_work(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    file = f"{missing}.parquet"
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    monkeypatch.setenv("PINCH_LAB", str(tmp_path / "lab.sqlite3"))
    monkeypatch.setattr("dpcore.jobs.launch.Launcher.ensure", lambda _: None)
    for cached in READS_FILES:
        cached.clear()
    # Pages that the bar closes all say the same: the first and the last stand for it, and two for those it leaves open.
    hurt = READ_BY[file]
    if file == "points.parquet":
        hurt = (*hurt[:1], *hurt[-2:])
    visited = (*hurt, *[p for p in PAGES if p not in READ_BY[file]][:2])
    with Broken(folder / file, flip):
        for page in visited:
            app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
            app.run()
            app.switch_page(f"pages/{page}.py")
            app.query_params["data"] = "skin_phantom"
            app.run()
            assert not app.exception, page
            said = [error.value for error in app.error] + _alerts(app)
            shown = " ".join(element.proto.body for element in app.get("html"))
            assert (file in shown + " ".join(said)) == (page in READ_BY[file]), (page, said)
            assert all(len(words.split(". ")) < 4 and str(folder) not in words for words in said)
            # The paper's own “0 %”, which a heading quotes, is no risk of ours, nor is the foot of an axis.
            if page in READ_BY[file] and file in ("points.parquet", "bounds.parquet", "attacks.parquet"):
                assert not re.search(r"[^0-9.,]0 (%|of 10,000)", re.sub("“0 %”|>0 %</span>", "", shown)), page
            assert file != "attacks.parquet" or " of 300" not in shown, page
            has_bar = any(box.key == "bar_dataset" for box in app.selectbox)
            assert has_bar == (page in WITH_BAR and file != "points.parquet"), page
    assert not loaders.evidence("skin_phantom").problems  # Restored, it is read at the next look.
