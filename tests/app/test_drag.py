"""The slider's frames: what the server shows at each stop, the same bytes each time, nothing typed in them."""

from __future__ import annotations

import gzip
import json
import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from tests.page_text import main_model
from ui import loaders, recon_moving
from ui.recon_controls import Recon
from ui.recon_state import ReconView

Open = Callable[..., AppTest]
PAGES = ("tradeoff", "reconstruction")
BUDGETS = {"0.5": 0.5, "8": 8.0, "10⁹": 1e9, "no DP": math.inf}


def sent(app: AppTest) -> dict[str, bytes]:
    """The bytes of the page's components, by their keys."""
    return {element.proto.id.rpartition("-")[2]: element.proto.bytes for element in app.get("bidi_component")}


def frames(app: AppTest, page: str) -> dict[str, Any]:
    """The page at each stop, by the budget's name on the slider."""
    unpacked = json.loads(gzip.decompress(sent(app)[f"drag_{page}"]))
    return {frame["stop"]: frame for frame in unpacked}


def assert_is_shown(app: AppTest, frame: dict[str, Any]) -> None:
    """The frame's blocks are all the blocks with a budget that the server rendered, character by character."""
    page = "".join(element.value for element in app.get("html"))
    assert len(frame["blocks"]) == page.count("data-drag=") >= 4
    for block in frame["blocks"]:
        assert block in page
    assert frame["label"] == app.select_slider(key="bar_slider").label


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(("dataset", "counted"), [("ham10000", "paper"), ("msd_liver", "tight")])
def test_frames_are_what_the_server_shows_at_that_stop(
    open_link: Open, shipped: Path, page: str, dataset: str, counted: str
) -> None:
    app = open_link(page, data=dataset, eps="no-dp", counted=counted)
    offered = frames(app, page)
    assert list(offered) == app.select_slider(key="bar_slider").options
    points = main_model(pd.read_parquet(shipped / "points.parquet").query("dataset == @dataset"))
    budgets = sorted(points["target_epsilon" if counted == "paper" else "epsilon_tight"].fillna(math.inf))
    for place in (1, 5, 12, 15):
        app.select_slider(key="bar_slider").set_value(float(budgets[place])).run()
        assert_is_shown(app, list(offered.values())[place])
        assert sent(app)[f"drag_{page}"] == gzip.compress(
            json.dumps(list(offered.values()), ensure_ascii=False).encode(), mtime=0
        )


@pytest.mark.parametrize("page", PAGES)
def test_a_table_of_patients_has_frames_too(open_link: Open, page: str) -> None:
    app = open_link(page, data="breast_cancer", eps="8")
    offered = frames(app, page)
    for name, epsilon in BUDGETS.items():
        app.select_slider(key="bar_slider").set_value(epsilon).run()
        assert_is_shown(app, offered[name])


@pytest.mark.parametrize("page", PAGES)
def test_the_same_bytes_whatever_the_budget(open_link: Open, page: str) -> None:
    """Otherwise every move would send all frames again, and a typed budget too."""
    app = open_link(page, data="ham10000", eps="8")
    first = sent(app)[f"drag_{page}"]
    app.text_input(key="bar_typed").set_value("12.5").run()
    assert sent(app)[f"drag_{page}"] == first
    app.text_input(key="bar_typed").set_value("<img src=x onerror=alert(1)>").run()
    assert sent(app)[f"drag_{page}"] == first
    assert b"onerror" not in gzip.decompress(first)
    app.segmented_control(key="bar_counted").set_value("tight").run()
    assert sent(app)[f"drag_{page}"] != first


@pytest.mark.parametrize("page", PAGES)
def test_frames_name_pictures_that_the_server_gives_out(open_link: Open, page: str) -> None:
    app = open_link(page, data="ham10000", eps="8")
    named = re.findall(r'<img src="([^"]+)"', "".join(b for f in frames(app, page).values() for b in f["blocks"]))
    assert len(named) == 16 * (3 if page == "tradeoff" else 4)
    for address in named:
        place, _, name = address.rpartition("/")
        assert (place, bool(loaders.picture_named(name))) == ("pictures", True)
    assert set(sent(app)) == {f"drag_{page}", "for_everyone"}


@pytest.mark.parametrize("page", PAGES)
def test_a_missing_picture_is_told_at_its_stop_and_nowhere_else(
    open_link: Open, shipped: Path, tmp_path: Path, page: str
) -> None:
    folder = tmp_path / "results"
    shutil.copytree(shipped, folder)
    lost = folder / "gallery" / "ham10000" / "20-one-look.webp"
    lost.unlink()
    app = open_link(page, folder, data="ham10000", eps="8")
    offered = frames(app, page)
    for name, epsilon in (("20", 20.0), ("8", 8.0)):
        app.select_slider(key="bar_slider").set_value(epsilon).run()
        assert_is_shown(app, offered[name])
        assert any('role="alert"' in block for block in offered[name]["blocks"]) == (name == "20")
    shutil.copy(shipped / "gallery" / "ham10000" / "20-one-look.webp", lost)
    app.select_slider(key="bar_slider").set_value(20.0).run()
    assert 'role=\\"alert' not in gzip.decompress(sent(app)[f"drag_{page}"]).decode(), (
        "restored, and still said to be lost"
    )


def test_a_budget_that_nobody_attacked_is_said_so(open_link: Open, bent: Callable[..., Path]) -> None:
    def hole(attacks: pd.DataFrame) -> pd.DataFrame:
        return attacks[~((attacks["dataset"] == "ham10000") & (attacks["target_epsilon"] == 20))]

    app = open_link("reconstruction", bent("attacks", hole), data="ham10000", eps="8")
    offered = frames(app, "reconstruction")
    for name, epsilon in (("20", 20.0), ("8", 8.0)):
        app.select_slider(key="bar_slider").set_value(epsilon).run()
        assert_is_shown(app, offered[name])
        assert ("no errors to show" in str(offered[name]["blocks"])) == (name == "20")


def test_pictures_that_take_a_computation_wait_for_the_release() -> None:
    recon = Recon(finding=loaders.finding("skin_phantom", 8.0, "rdp"), view=ReconView(side=28))
    (gallery,) = [block for block in recon_moving.moving(recon) if "recon-gallery" in block]
    assert "Let go of the slider to see them." in gallery
    assert "<img" not in gallery
