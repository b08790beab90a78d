"""A dataset whose structures are outlined is spoken of as such: Dice, outlines, slices; never MCC or diagnoses."""

from __future__ import annotations

import html
import math
import re
from dataclasses import replace
from itertools import product

import pytest

from dpcore.datasets import DatasetSpec
from dpcore.errors import ResultsUnavailable
from dpcore.results.metrics import METRICS, get_metric_from_name
from ui import captions, overlay, text
from ui.evidence import Evidence
from ui.finding import Finding, Proof, find_at_point, find_between_points
from ui.tables import table_csv, table_html

_FOREIGN = re.compile(r"MCC|diagnos|Matthews|\bAUC\b|coin|\bimages?\b|nan")


def _all_words(found: Finding) -> str:
    words = [text.context(found.evidence), text.summary(found), *text.person_points(found)]
    words += [*captions.utility_words(found.utility), captions.chart_alt(found.evidence)]
    words += [found.utility.metric.title, found.utility.metric.explain, table_html(found.evidence, "rdp")]
    drawing = overlay.draw_trade_off(found.evidence, "rdp", "light")
    # The drawn chart's data address is no text.
    drawn = re.sub(r'src="[^"]*"', "", drawing.drawn)
    return html.unescape(" ".join([*words, drawing.names, drawing.legend, drawn]))


def test_every_sentence_speaks_of_outlines(outlines: Evidence) -> None:
    for point in outlines.points:
        words = _all_words(find_at_point(outlines, point, "rdp"))
        assert not _FOREIGN.search(words), _FOREIGN.search(words)
        assert "Dice" in words


def test_dice_is_explained_to_a_clinician(outlines: Evidence) -> None:
    assert text.context(outlines).endswith(
        "Its score is the Dice coefficient: overlap of the outlined liver with the expert's, 1 = perfect."
    )


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (0, "the model **hardly finds the liver**: this much noise ruins it."),
        (1, "keeps **75 % of its skill at outlining the liver**, measurably less than without privacy."),
        (2, "the model outlines the liver **as well as without privacy**: equivalent within ±0.05."),
    ],
)
def test_what_the_budget_costs(outlines: Evidence, place: int, words: str) -> None:
    assert words in text.utility_sentence(find_at_point(outlines, outlines.points[place], "rdp"))


def test_a_patient_reads_overlaps_not_pairs(outlines: Evidence) -> None:
    words = text.person_points(find_at_point(outlines, outlines.points[1], "rdp"))[0]
    assert words.startswith("**If a scan of yours is outlined.**")
    assert "overlap to 0.60" in words
    assert "without privacy protection it is 0.80" in words
    assert "The tumour in it overlaps to 0.05; without privacy protection 0.40." in words


def test_a_tumour_that_was_not_measured_is_not_mentioned(outlines: Evidence) -> None:
    points = tuple(replace(point, dice_tumour_mean=math.nan) for point in outlines.points)
    merged = replace(outlines, points=points)
    assert "umour" not in _all_words(find_at_point(merged, points[1], "rdp"))


def test_an_estimated_overlap_is_called_so(outlines: Evidence) -> None:
    found = find_between_points(outlines, 100.0, "rdp", Proof(noise_multiplier=1.0, worst_case=0.2, relaxed=0.1))
    assert "estimated, not measured" in text.utility_sentence(found)
    assert "overlap to about 0." in text.person_points(found)[0]
    assert captions.utility_words(found.utility)[0].startswith("Dice, about ")


def test_the_csv_names_the_metric(outlines: Evidence) -> None:
    header, first = (line.split(",") for line in table_csv([outlines]).splitlines()[:2])
    row = dict(zip(header, first, strict=True))
    assert (row["metric"], row["dice_tumour_mean"], row["auc_mean"]) == ("dice_liver", "0.001", "nan")


def test_every_metric_that_a_dataset_may_name_has_words() -> None:
    shared = {"name": "x", "title": "x", "kind": "image", "synthetic": True, "record_shape": (1, 8, 8), "task": "x?"}
    told = {"record_noun": "slice", "group_noun": "patient", "source": "", "url": "", "licence": ""}
    for structures in ((), ("liver",), ("liver", "tumour")):
        spec = DatasetSpec(**shared, **told, structures=structures, images_may_ship=True)
        assert get_metric_from_name(spec.metrics[0]).name == spec.metrics[0]
    with pytest.raises(ResultsUnavailable, match="does not know: “kappa”"):
        get_metric_from_name("kappa")


def test_words_complete_their_sentences() -> None:
    for metric, name in product(METRICS.values(), ("short", "meaning", "title", "skill", "does", "results", "useless")):
        assert getattr(metric, name)
        assert not getattr(metric, name).endswith(".")
