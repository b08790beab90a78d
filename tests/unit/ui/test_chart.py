"""The chart shows what the evidence holds, and what lies over it does not collide."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from ui import charts, overlay
from ui.charts import MARGIN, RISK_PANEL, RISK_RANGE
from ui.evidence import Evidence
from ui.finding import find_at_point
from ui.series import NO_DP_POSITION, risk_series
from ui.tables import table_csv, table_html


def traces(evidence: Evidence, counted: str = "rdp") -> dict[str, list]:
    figure = overlay.draw_trade_off(evidence, counted, "light").figure  # type: ignore[arg-type]
    found: dict[str, list] = {}
    for trace in figure.data:
        found.setdefault(trace.yaxis, []).append(trace)
    return found


def test_utility_has_a_marker_at_every_measured_budget_and_an_open_one_without_dp(evidence: Evidence) -> None:
    _, yardstick, points, bare = traces(evidence)["y"]
    assert list(points.x) == pytest.approx([0, math.log10(8), 6])
    assert list(points.y) == [0.01, 0.30, 0.39]
    assert "markers" in points.mode
    assert (list(bare.x), list(bare.y), bare.marker.symbol) == ([NO_DP_POSITION], [0.40], "circle-open")
    assert set(yardstick.y) == {0.40}


def test_risks_proven_as_lines_and_measured_as_dotted_markers(evidence: Evidence) -> None:
    named = [trace for trace in traces(evidence)["y2"] if trace.name]
    proven, measured = named[:2], named[2:]
    assert {trace.mode for trace in proven} == {"lines"}
    assert [trace.line.dash for trace in proven] == ["solid", "dash"]
    assert {trace.mode for trace in measured} == {"lines+markers"}
    assert {trace.line.dash for trace in measured} == {"dot"}
    assert len({(trace.line.color, trace.marker.symbol) for trace in measured}) == 4
    assert list(measured[0].y) == pytest.approx([4.0, 4.0, 4.0])  # recognised 12 of 300 from all looks


def test_the_other_accountant_moves_the_same_values(evidence: Evidence) -> None:
    paper, tight = traces(evidence)["y2"], traces(evidence, "tight")["y2"]
    for one, other in zip(paper[:6], tight[:6], strict=True):
        assert list(one.y) == list(other.y)
        assert np.all(np.asarray(other.x) < np.asarray(one.x))


def test_a_bound_that_failed_leaves_a_gap_not_a_zero(evidence: Evidence) -> None:
    holed = evidence.curves["worst_case"].copy()
    holed[10:20] = np.nan
    worst = risk_series(replace(evidence, curves={**evidence.curves, "worst_case": holed}), "rdp")[0]
    assert len(worst.y) == len(holed) - 10
    assert np.all(worst.y > 0)


def test_the_mark_stands_at_the_budget_and_on_the_curves(evidence: Evidence) -> None:
    point = evidence.points[1]
    mark = overlay.cursor_html(find_at_point(evidence, point, "rdp"))
    low, high = charts.RANGE
    assert float(re.search(r"--x:([\d.]+)", mark)[1]) == pytest.approx((math.log10(8) - low) / (high - low), abs=1e-5)
    tops = [float(top) for top in re.findall(r"top:([\d.]+)px", mark)]
    assert len(tops) == 3
    assert tops[1] == pytest.approx(overlay.down(RISK_PANEL, 1.22, RISK_RANGE), abs=0.06)


def test_without_dp_no_proven_value_is_marked(evidence: Evidence) -> None:
    mark = overlay.cursor_html(find_at_point(evidence, evidence.no_dp, "rdp"))
    assert mark.count("pp-dot") == 1


def test_the_panels_fill_the_space_between_the_margins() -> None:
    inner = charts.HEIGHT - MARGIN["t"] - MARGIN["b"]
    assert overlay.down((0, 1), 1, (0, 1)) == MARGIN["t"]
    assert overlay.down((0, 1), 0, (0, 1)) == MARGIN["t"] + inner


def test_names_stand_apart_from_every_curve_and_from_each_other(evidence: Evidence) -> None:
    """Measures again, by dense sampling of the curves at the width the names are laid out for."""
    series, width = risk_series(evidence, "rdp"), 860
    spots = re.findall(
        r'pp-name-(left|right)" style="--x:([\d.]+);--gap:(\d+)px;top:(\d+)px">(.+?)</span>', overlay.names_html(series)
    )
    assert len(spots) >= 2
    boxes = []
    for side, x, gap, top, words in spots:
        length = 6 * max(map(len, words.split("<br>")))
        left = float(x) * width + int(gap) if side == "right" else float(x) * width - int(gap) - length
        boxes.append((left, left + length, int(top) - 14, int(top) + 14))
    for left, right, top, bottom in boxes:
        for one in series:
            px = np.array([(x - charts.RANGE[0]) / (charts.RANGE[1] - charts.RANGE[0]) * width for x in one.x])
            across = np.linspace(px[0], px[-1], 20_000)
            height = np.interp(across, px, [overlay.down(RISK_PANEL, y, RISK_RANGE) for y in one.y])
            assert not np.any((across > left) & (across < right) & (height > top) & (height < bottom))
        overlapping = [b for b in boxes if b[0] < right and left < b[1] and b[2] < bottom and top < b[3]]
        assert len(overlapping) == 1


def test_the_table_and_the_csv_hold_every_point(evidence: Evidence) -> None:
    shown = table_html(evidence, "rdp")
    assert shown.count('<th scope="row">') == 4
    assert "no limit" in shown
    assert "≤ 1.22 %" in shown
    rows = table_csv([evidence]).splitlines()
    assert len(rows) == 1 + 2 * 4
    header, first = rows[0].split(","), rows[1].split(",")
    assert dict(zip(header, first, strict=True))["worst_case"] == "0.0122"


def test_several_models_of_a_dataset_stand_in_one_csv(evidence: Evidence) -> None:
    rows = table_csv([evidence, replace(evidence, model="resnet9")]).splitlines()
    assert [row.split(",")[1] for row in rows[1:]] == ["small_cnn"] * 8 + ["resnet9"] * 8
    assert "small CNN" in table_html(evidence, "rdp")
    assert "ResNet-9" in table_html(replace(evidence, model="resnet9"), "rdp")
