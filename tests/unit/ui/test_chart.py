"""The chart shows what the evidence holds, and what lies over it does not collide."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest

from ui import charts, overlay
from ui.charts import COLOURS, MARGIN, RISK_PANEL, RISK_RANGE
from ui.evidence import Evidence
from ui.exact_values import exact_values_html
from ui.finding import find_at_point
from ui.plot_svg import WIDTH
from ui.series import NO_DP_POSITION, risk_series
from ui.tables import table_csv, table_html


def shapes(evidence: Evidence, counted: str = "rdp") -> list[dict[str, str]]:
    """The attributes of every path of the picture, in the order in which they are painted."""
    drawn = overlay.draw_trade_off(evidence, counted, "light").drawn  # type: ignore[arg-type]
    svg = ElementTree.fromstring(unquote(re.search(r'src="data:image/svg\+xml,([^"]+)"', drawn)[1]))
    return [path.attrib for path in svg.iter("{http://www.w3.org/2000/svg}path")]


def places(path: dict[str, str]) -> list[tuple[float, float]]:
    """Where a path leads, as (log₁₀ ε, px from the top edge of the chart)."""
    low, high = charts.RANGE
    found = re.findall(r"[ML]([\d.-]+) ([\d.-]+)", path["d"])
    return [(low + (high - low) * float(x) / WIDTH, MARGIN["t"] + float(y)) for x, y in found]


def marks(evidence: Evidence, colour: str, cap: str) -> list[dict[str, str]]:
    found = shapes(evidence)
    return [s for s in found if s.get("stroke") == COLOURS["light"][colour] and s.get("stroke-linecap") == cap]


def test_utility_has_a_mark_at_every_measured_budget_and_an_open_one_without_dp(evidence: Evidence) -> None:
    points, bare = marks(evidence, "utility", "round")
    limits = charts.utility_limits(evidence)
    wanted = [(0, 0.01), (math.log10(8), 0.30), (6, 0.39)]
    for path, values in ((points, wanted), (bare, [(NO_DP_POSITION, 0.40)])):
        for found, (x, value) in zip(places(path), values, strict=True):
            assert found == pytest.approx((x, charts.down(charts.UTILITY_PANEL, value, limits)), abs=0.06)
    painted = shapes(evidence)
    assert painted[painted.index(bare) + 1]["stroke"] == COLOURS["light"]["page"]


def test_risks_proven_as_lines_and_measured_as_dotted_marks(evidence: Evidence) -> None:
    lines = [s for s in shapes(evidence) if s.get("stroke-width") in ("2.4", "1.6")]
    assert [line.get("stroke-dasharray", "") for line in lines] == ["", "9 9", *["3 3"] * 4]
    # Four attacks, each with marks at the budgets, and one without DP.
    assert [len(marks(evidence, *kind)) for kind in (("holds", "round"), ("lacks", "square"))] == [4, 4]
    for path in (marks(evidence, "holds", "round")[0], lines[2]):
        heights = [y for _, y in places(path)]
        assert heights == pytest.approx([charts.down(RISK_PANEL, 4.0, RISK_RANGE)] * 3, abs=0.06)


def test_the_other_accountant_moves_the_same_values(evidence: Evidence) -> None:
    paper, tight = (
        [places(path) for path in shapes(evidence, counted) if "stroke" in path] for counted in ("rdp", "tight")
    )
    moved = 0
    for one, other in zip(paper, tight, strict=True):
        assert [y for _, y in one] == [y for _, y in other]
        assert all(here <= there for (here, _), (there, _) in zip(other, one, strict=True))
        moved += one != other
    assert moved >= 8


def test_exact_values_stand_at_every_budget(evidence: Evidence) -> None:
    shown = exact_values_html(evidence, "rdp")
    assert shown.count("<input") == len(evidence.points)
    assert "ε = 8: MCC 0.300 ± 0.020, 5 runs; proven, attacker holds the image: at most 122 of 10,000 patients" in shown
    assert "measured, one look, 300 pictures: 1 recognised among 300 (95 %: 0 to 185 of 10,000), 0 rebuilt" in shown
    assert "proven" not in shown[shown.rindex("<input") :]
    edges = re.findall(r"left:([\d.]+)%;width:([\d.]+)%", shown)
    assert sum(float(width) for _, width in edges) == pytest.approx(100, abs=0.1)


def test_ticks_of_utility_are_few_and_round(evidence: Evidence) -> None:
    drawn = overlay.draw_trade_off(evidence, "rdp", "light").drawn
    words = re.findall(r'pp-tick-y" style="top:[\d.]+px">([^<]+)<', drawn)
    assert words == ["0", "0.2", "0.4", "0 %", "25 %", "50 %", "75 %", "100 %"]


def test_a_spread_of_one_run_draws_no_band_of_nan(evidence: Evidence) -> None:
    alone = replace(evidence, points=tuple(replace(p, utility_sd=math.nan, seeds=1) for p in evidence.points))
    assert not any("nan" in path["d"] for path in shapes(alone))


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
    assert tops[1] == pytest.approx(charts.down(RISK_PANEL, 1.22, RISK_RANGE), abs=0.06)


def test_without_dp_no_proven_value_is_marked(evidence: Evidence) -> None:
    mark = overlay.cursor_html(find_at_point(evidence, evidence.no_dp, "rdp"))
    assert mark.count("pp-dot") == 1


def test_the_panels_fill_the_space_between_the_margins() -> None:
    inner = charts.HEIGHT - MARGIN["t"] - MARGIN["b"]
    assert charts.down((0, 1), 1, (0, 1)) == MARGIN["t"]
    assert charts.down((0, 1), 0, (0, 1)) == MARGIN["t"] + inner


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
            height = np.interp(across, px, [charts.down(RISK_PANEL, y, RISK_RANGE) for y in one.y])
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
