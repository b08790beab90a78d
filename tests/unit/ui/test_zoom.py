"""The chart to zoom into says what the tables say, of every model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dpcore.results.metrics import get_model_words_from_name
from ui import loaders
from ui.charts import TICKS
from ui.evidence import Evidence
from ui.series import risk_series
from ui.zoom import zoomable_chart


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


def test_a_proven_limit_is_at_most_and_never_rounded_down(evidence: Evidence) -> None:
    for curve in zoomable_chart([evidence], counted="rdp", theme="light").data:
        if curve.name.startswith("proven"):
            for percent, words in zip(curve.y, curve.text, strict=True):
                said = float(words.rpartition("at most ")[2].removesuffix(" %"))
                assert percent <= said * (1 + 1e-12) <= percent * 1.02
        else:
            assert not any("at most" in words for words in curve.text)
