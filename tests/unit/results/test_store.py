"""The precomputed store: round trip, and one sentence for everything that can be wrong with a folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from dpcore.errors import NotMeasured, ResultsUnavailable
from dpcore.results.schema import SCHEMA_VERSION, TUNING
from dpcore.results.store import PrecomputedStore, write_manifest, write_table

#: Both ways of reading a table.
Read = Callable[..., object]


@pytest.fixture
def store(tmp_path: Path) -> PrecomputedStore:
    """A folder with one table and one picture."""
    write_table(tmp_path, "tuning", pd.DataFrame([{**dict.fromkeys(TUNING, 1.0), "dataset": "a"}]))
    (tmp_path / "gallery").mkdir()
    (tmp_path / "gallery" / "x.webp").write_bytes(b"picture")
    write_manifest(tmp_path, {"plan": {}})
    return PrecomputedStore(folder=tmp_path)


def test_what_was_written_is_read_back(store: PrecomputedStore) -> None:
    assert list(store.table("tuning", "a").columns) == list(TUNING)
    assert store.picture("gallery/x.webp") == b"picture"
    assert set(store.manifest()["files"]) == {"tuning.parquet", "gallery/x.webp"}
    assert store.damaged_files() == []


def test_rows_are_those_of_the_table_as_plain_values(store: PrecomputedStore) -> None:
    frame = pd.DataFrame([{**dict.fromkeys(TUNING, 1.0), "dataset": name, "epochs": epochs} for name, epochs in _TWO])
    write_table(store.folder, "tuning", frame)
    write_manifest(store.folder, {})
    assert store.rows("tuning") == [
        {**dict.fromkeys(TUNING, 1.0), "dataset": "a", "epochs": None},
        store.rows("tuning", "b")[0],
    ]
    assert store.rows("tuning", "b", columns=["epochs"]) == [{"epochs": 3.0, "dataset": "b"}]


_TWO = [("a", float("nan")), ("b", 3.0)]


def test_a_changed_or_lost_file_is_found(store: PrecomputedStore) -> None:
    (store.folder / "gallery" / "x.webp").write_bytes(b"Picture")
    (store.folder / "tuning.parquet").unlink()
    assert store.damaged_files() == ["gallery/x.webp", "tuning.parquet"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema_version": 99}', "\ufffd"])
def test_a_broken_manifest_gets_one_sentence(store: PrecomputedStore, text: str) -> None:
    (store.folder / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(ResultsUnavailable, match=r"^The .*\.$"):
        store.manifest()


def test_a_missing_folder_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(ResultsUnavailable, match="python -m dpcore sweep --plan default"):
        PrecomputedStore(folder=tmp_path / "none").manifest()


@pytest.mark.parametrize("read", [PrecomputedStore.table, PrecomputedStore.rows])
def test_a_lost_column_and_an_unknown_dataset_are_named(store: PrecomputedStore, read: Read) -> None:
    with pytest.raises(NotMeasured, match="no rows for “b”"):
        read(store, "tuning", "b")
    pd.DataFrame({"dataset": ["a"]}).to_parquet(store.folder / "tuning.parquet")
    write_manifest(store.folder, {})
    with pytest.raises(ResultsUnavailable, match=r"lacks the columns .*max_grad_norm"):
        read(store, "tuning")


@pytest.mark.parametrize("read", [PrecomputedStore.table, PrecomputedStore.rows])
def test_a_table_that_is_none_is_named_even_if_the_manifest_vouches_for_it(store: PrecomputedStore, read: Read) -> None:
    (store.folder / "tuning.parquet").write_bytes(b"PAR1 but no more")
    write_manifest(store.folder, {})
    with pytest.raises(ResultsUnavailable, match=r"tuning\.parquet of the precomputed results is no readable table"):
        read(store, "tuning")


@pytest.mark.parametrize("files", ["[]", "null", '"x"'])
def test_a_manifest_without_its_list_is_named(store: PrecomputedStore, files: str) -> None:
    (store.folder / "manifest.json").write_text(f'{{"schema_version": {SCHEMA_VERSION}, "files": {files}}}')
    with pytest.raises(ResultsUnavailable, match="must list their files"):
        store.table("tuning")


@pytest.mark.parametrize("file", ["../manifest.json", "/etc/passwd", "gallery/y.webp", "manifest.json"])
def test_only_pictures_of_the_manifest_are_served(store: PrecomputedStore, file: str) -> None:
    with pytest.raises(ResultsUnavailable, match="gallery has no picture"):
        store.picture(file)


def test_the_manifest_never_lists_itself(store: PrecomputedStore) -> None:
    write_manifest(store.folder, {})
    assert "manifest.json" not in json.loads((store.folder / "manifest.json").read_text())["files"]
