"""The slider's frames: what the server shows at each stop, the same bytes each time, nothing typed in them."""

from __future__ import annotations

import base64
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

from ui import drag_blocks, loaders, recon_moving
from ui.blocks import picture_source
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
    unpacked: dict[str, Any] = json.loads(gzip.decompress(sent(app)[f"drag_{page}"]))
    return unpacked


def pictures(app: AppTest) -> dict[str, str]:
    """Data URIs of the pictures that were sent, by name."""
    packed = sent(app)["drag_pictures"]
    at = 4 + int.from_bytes(packed[:4], "big")
    found = {}
    for name, size in json.loads(packed[4:at]):
        found[name] = f"data:image/webp;base64,{base64.b64encode(packed[at : at + size]).decode()}"
        at += size
    assert at == len(packed)
    return found


def assert_is_shown(app: AppTest, frame: dict[str, Any], known: dict[str, str]) -> None:
    """The frame's blocks are all the blocks with a budget that the server rendered, character by character."""
    page = "".join(element.value for element in app.get("html"))
    assert len(frame["blocks"]) == page.count("data-drag=") >= 4
    for block in frame["blocks"]:
        painted = re.sub(r'data-picture="(\w+)"', lambda name: f'src="{known[name[1]]}"', block)
        assert painted in page
    assert frame["label"] == app.select_slider(key="bar_slider").label


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(("dataset", "counted"), [("ham10000", "paper"), ("msd_liver", "tight")])
def test_frames_are_what_the_server_shows_at_that_stop(
    open_link: Open, shipped: Path, page: str, dataset: str, counted: str
) -> None:
    app = open_link(page, data=dataset, eps="no-dp", counted=counted)
    offered, known = frames(app, page), pictures(app)
    assert list(offered) == app.select_slider(key="bar_slider").options
    points = pd.read_parquet(shipped / "points.parquet").query("dataset == @dataset")
    budgets = sorted(points["target_epsilon" if counted == "paper" else "epsilon_tight"].fillna(math.inf))
    for place in (1, 5, 12, 15):
        app.select_slider(key="bar_slider").set_value(float(budgets[place])).run()
        assert_is_shown(app, list(offered.values())[place], known)
        assert sent(app)[f"drag_{page}"] == gzip.compress(json.dumps(offered, ensure_ascii=False).encode(), mtime=0)


@pytest.mark.parametrize("page", PAGES)
def test_a_table_of_patients_has_frames_too(open_link: Open, page: str) -> None:
    app = open_link(page, data="breast_cancer", eps="8")
    assert "drag_pictures" not in sent(app)
    offered = frames(app, page)
    for name, epsilon in BUDGETS.items():
        app.select_slider(key="bar_slider").set_value(epsilon).run()
        assert_is_shown(app, offered[name], {})


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


def test_pictures_are_sent_once_each(open_link: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_link("tradeoff", data="ham10000", eps="8")
    known = pictures(app)
    named = set(re.findall(r'data-picture=\\"(\w+)', gzip.decompress(sent(app)["drag_tradeoff"]).decode()))
    assert named == set(known)
    assert len(set(known.values())) == len(known)
    monkeypatch.setattr(drag_blocks, "_AGAIN", 1e-9)
    app.select_slider(key="bar_slider").set_value(20.0).run()
    assert "drag_pictures" not in sent(app)
    app.switch_page("pages/reconstruction.py").run()
    assert not set(known) & set(pictures(app))


@pytest.mark.parametrize("page", PAGES)
def test_a_missing_picture_is_told_at_its_stop_and_nowhere_else(
    open_link: Open, shipped: Path, tmp_path: Path, page: str
) -> None:
    folder = tmp_path / "results"
    shutil.copytree(shipped, folder)
    lost = folder / "gallery" / "ham10000" / "20-one-look.webp"
    lost.unlink()
    app = open_link(page, folder, data="ham10000", eps="8")
    offered, known = frames(app, page), pictures(app)
    for name, epsilon in (("20", 20.0), ("8", 8.0)):
        app.select_slider(key="bar_slider").set_value(epsilon).run()
        assert_is_shown(app, offered[name], known)
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
    offered, known = frames(app, "reconstruction"), pictures(app)
    for name, epsilon in (("20", 20.0), ("8", 8.0)):
        app.select_slider(key="bar_slider").set_value(epsilon).run()
        assert_is_shown(app, offered[name], known)
        assert ("no errors to show" in str(offered[name]["blocks"])) == (name == "20")


def test_pictures_that_take_a_computation_wait_for_the_release() -> None:
    recon = Recon(finding=loaders.finding("skin_phantom", 8.0, "rdp"), view=ReconView(side=28))
    (gallery,) = [block for block in recon_moving.moving(recon, picture_source) if "recon-gallery" in block]
    assert "Let go of the slider to see them." in gallery
    assert "<img" not in gallery
