"""The app without a browser, on the project's own results or on a folder bent for one test."""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dpcore.jobs.launch import Launcher
from dpcore.results import store as results
from tests.invented_laboratory import ME, InventedLaboratory
from ui import lab_visitor
from ui.kept import forget_everything
from ui.loaders import FOLDER_VARIABLE

ROOT = Path(__file__).resolve().parents[2]
#: The folded parts of the start page.
FOLDS = ("table_open", "limits_open", "sources_open")


@pytest.fixture(scope="session")
def shipped() -> Path:
    """The folder of precomputed results that the app shows."""
    return Path(os.environ.get(FOLDER_VARIABLE) or results.DEFAULT_FOLDER)


@pytest.fixture
def open_app(monkeypatch: pytest.MonkeyPatch, shipped: Path) -> Callable[..., AppTest]:
    """Opens the start page with a link's parameters, on a folder of results; all that is folded is open, or nothing."""
    folders = {shipped}

    def opened(folder: Path = shipped, *, folded: bool = False, **link: str | list[str]) -> AppTest:
        folders.add(folder)
        monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        for name, value in link.items():
            app.query_params[name] = value
        for fold in FOLDS:
            app.session_state[fold] = not folded
        app.run()
        return app.switch_page("pages/tradeoff.py").run()

    yield opened
    if len(folders) > 1:  # What is remembered of the shipped results serves the next test.
        st.cache_resource.clear()
        forget_everything()


@pytest.fixture
def open_link(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AppTest]]:
    """Opens a page by its link, as a visitor who was on the start page; on a folder of results if one is given."""

    def opened(page: str, folder: Path | None = None, **link: str | list[str]) -> AppTest:
        if folder is not None:
            monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
        app.run()
        app.switch_page(f"pages/{page}.py")
        for name in list(app.query_params):
            del app.query_params[name]
        for name, value in link.items():
            app.query_params[name] = value
        return app.run()

    yield opened
    st.cache_resource.clear()
    forget_everything()


@pytest.fixture
def bent(tmp_path: Path, shipped: Path) -> Callable[..., Path]:
    """Copies the results with one table changed, under a manifest that fits again."""

    def changed(table: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Path:
        folder = tmp_path / "results"
        shutil.copytree(shipped, folder)
        results.write_table(folder, table, change(pd.read_parquet(folder / f"{table}.parquet")))
        facts = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        facts = {name: fact for name, fact in facts.items() if name not in ("files", "schema_version")}
        results.write_manifest(folder, facts)
        return folder

    return changed


@pytest.fixture
def laboratory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InventedLaboratory:
    """A laboratory that invents, on a database of this test's own; nothing else is started."""
    database = tmp_path / "lab.sqlite3"
    monkeypatch.setenv("PINCH_LAB", str(database))
    monkeypatch.setattr(Launcher, "ensure", lambda _self: None)
    return InventedLaboratory(database)


@pytest.fixture
def open_lab(
    open_link: Callable[..., AppTest], laboratory: InventedLaboratory, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., AppTest]:
    """Opens the page as the same visitor every time, as a browser that kept its cookie would."""
    assert laboratory.store.jobs(ME) == ()
    monkeypatch.setattr(lab_visitor, "_sent_cookie", lambda: ME)
    return functools.partial(open_link, "lab")
