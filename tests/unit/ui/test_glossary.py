"""The glossary: no word is missing, each meaning stands alone, and a tip says to the ear what it shows to the eye."""

from __future__ import annotations

import html
import re

import pytest

from ui import glossary, lab_setting, risk_setting

_ASKED = (
    "ε σ δ κ DP Poisson Clipping Accountant AUC MCC Dice TPR FPR SSIM Imprint LiRA Audit Seed Batch Epoch Gradient "
    "Proven Measured Odds"
)


@pytest.mark.parametrize("word", _ASKED.split())
def test_every_word_of_the_pages_has_its_entry(word: str) -> None:
    assert sum(f"<dt>{word}" in item for item in glossary.words_html().split("</dd>")) == 1


@pytest.mark.parametrize("term", glossary.TERMS.values(), ids=lambda term: term.word)
def test_a_meaning_is_one_or_few_short_sentences(term: glossary.Term) -> None:
    assert term.meaning.endswith(".")
    assert len(term.meaning.split()) <= 45
    for letters in re.findall(r"\b[A-Z]{3,}\b", term.meaning):
        known = {term.word for term in glossary.TERMS.values()} | {
            also for t in glossary.TERMS.values() for also in t.also
        }
        assert letters in " ".join(known), f"{letters} is explained nowhere"


def test_the_words_are_in_alphabetical_order() -> None:
    words = re.findall("<dt>(.*?)</dt>", glossary.words_html())
    assert words[0] == "Accountant"
    assert words.index("ε") == words.index("Epoch") + 1 or words.index("ε") == words.index("Epoch") - 1


def test_a_tip_says_what_it_shows() -> None:
    tip = glossary.help_html("odds & ends", "<strong>1 &lt; 2</strong> always")
    spoken = re.findall('aria-label="(.*?)"', tip)
    assert [html.unescape(words) for words in spoken] == ["About odds & ends: 1 < 2 always"]


def test_a_phrase_is_explained_once_and_never_inside_a_tip() -> None:
    shown = glossary.explain(
        "true-positive rate; false-positive rate; LiRA", tpr="true-positive rate", fpr="false-positive rate"
    )
    assert shown.count('class="pp-help"') == 2
    assert re.sub(r'<span class="pp-help".*?</span></span>', "", shown).count("<span") == 2
    assert glossary.explain("nothing here", lira="LiRA") == "nothing here"


def test_helps_of_fields_take_the_words_from_here() -> None:
    for field, name in (("batch", "batch"), ("epochs", "epoch"), ("delta", "delta"), ("kappa", "kappa")):
        assert glossary.meaning(name) in risk_setting.FIELDS[field].help
    for field, name in (("sigma", "noise"), ("clip", "clipping"), ("seed", "seed")):
        assert glossary.meaning(name) in lab_setting.FIELDS[field].help
