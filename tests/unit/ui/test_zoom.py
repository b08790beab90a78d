"""The chart to zoom into says what the tables say, of every model."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dpcore.results.metrics import get_model_words_from_name
from ui import loaders
from ui.charts import TICKS
from ui.evidence import Evidence
from ui.series import risk_series
from ui.zoom import zoomable_chart

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return loaders.evidence("ham10000")


def test_every_model_has_a_curve_and_the_first_one_its_limits_and_attacks(evidence: Evidence) -> None:
    chart = zoomable_chart([evidence, replace(evidence, model="wrn40_4")], counted="rdp", theme="light")
    names = [curve.name for curve in chart.data]
    words = [f"MCC, {get_model_words_from_name(model)}" for model in (evidence.model, "wrn40_4")]
    assert names == [*words, *(series.label for series in risk_series(evidence, "rdp"))]
    assert len({(curve.line.dash, curve.line.color) for curve in chart.data[:2]}) == 2


def test_utility_is_that_of_the_points_no_dp_last(evidence: Evidence) -> None:
    curve = zoomable_chart([evidence], counted="tight", theme="dark").data[0]
    *measured, gap, bare = curve.y
    assert measured == [point.utility_mean for point in evidence.measured]
    assert (gap, bare) == (None, evidence.no_dp.utility_mean)
    assert [sd for sd in curve.error_y.array if sd is not None] == [
        point.utility_sd for point in (*evidence.measured, evidence.no_dp)
    ]
    assert curve.x[-1] == max(TICKS)
    assert curve.text[-1].startswith(f"{get_model_words_from_name(evidence.model)}, no DP")
    assert sum("measured" in words for words in curve.text) == len(evidence.points)


def test_it_waits_for_a_half_imported_pandas() -> None:
    """A visitor may open the chart while the server still loads what its first page did without."""
    code = (
        "import threading\n"
        "from ui import loaders\n"
        "from ui.zoom import zoomable_chart\n"
        "evidence = loaders.evidence('skin_phantom')\n"
        "threading.Thread(target=__import__, args=('pandas',)).start()\n"
        "print(len(zoomable_chart([evidence], counted='rdp', theme='light').data))\n"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert int(done.stdout) > 2, done.stderr


def test_a_proven_limit_is_at_most_and_never_rounded_down(evidence: Evidence) -> None:
    for curve in zoomable_chart([evidence], counted="rdp", theme="light").data:
        if curve.name.startswith("proven"):
            for percent, words in zip(curve.y, curve.text, strict=True):
                said = float(words.rpartition("at most ")[2].removesuffix(" %"))
                assert percent <= said * (1 + 1e-12) <= percent * 1.02
        else:
            assert not any("at most" in words for words in curve.text)
