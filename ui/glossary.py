"""The words a clinician may not know: the one home of what each means. No Streamlit, no torch."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from dpcore.results.metrics import get_metric_from_name


@dataclass(frozen=True, kw_only=True)
class Term:
    """A word as the pages write it, and what it means in one or two plain sentences."""

    word: str
    meaning: str
    #: Other ways in which pages write it.
    also: tuple[str, ...] = ()


def _says(metric: str) -> str:
    """A score's meaning has its home beside the score."""
    words = get_metric_from_name(metric).meaning
    return words[0].upper() + words[1:]


TERMS = {
    name: Term(word=word, meaning=meaning, also=also)
    for name, word, also, meaning in (
        (
            "dp",
            "DP",
            ("differential privacy", "no DP", "DP-SGD"),
            "Differential privacy: noise is added while the model learns, so that no single record changes it much. "
            "“No DP” means trained without that protection.",
        ),
        (
            "epsilon",
            "ε",
            ("privacy budget", "budget"),
            "Epsilon, the privacy budget: how much one record may change what an attacker sees. Small ε: much noise, "
            "strong protection. Large ε: little noise, little proven.",
        ),
        (
            "noise",
            "σ",
            ("noise",),
            "Sigma, the noise that is really added: how wide it scatters, measured in clipping norms. Attackers meet "
            "σ; ε is how σ is counted.",
        ),
        (
            "delta",
            "δ",
            (),
            "Delta: the chance with which the promise of ε may fail. It must be well below 1/N, one in all the "
            "records.",
        ),
        (
            "kappa",
            "κ",
            ("by guessing",),
            "Kappa: the attacker's chance without the model, 1/N for one who guesses among all N records.",
        ),
        (
            "odds",
            "Odds",
            (),
            "How often a suspicion is right for each time it is wrong: 50 % sure is odds of 1 : 1, 90 % sure 9 : 1. "
            "ε limits how much odds may grow.",
        ),
        (
            "record",
            "Record",
            (),
            "One training example: an image, a slice of a scan or a row of measurements. A patient may have several.",
        ),
        ("batch", "Batch", (), "How many records a training step uses on average."),
        ("epoch", "Epoch", ("Epochs",), "How often training passes over all records."),
        (
            "poisson",
            "Poisson sampling",
            ("drawn by coins", "sample rate", "q"),
            "Each record enters a step by the toss of an unfair coin, with chance q = batch / N (the sample rate). The "
            "proofs need this; shuffled batches are something else.",
        ),
        (
            "gradient",
            "Gradient",
            (),
            "The correction that a step makes to the model, computed from its records. It is what an attacker who "
            "watches the training sees.",
        ),
        (
            "clipping",
            "Clipping norm",
            ("Clip norm C", "C", "max_grad_norm"),
            "No record may pull on the model by more than this: a longer gradient is cut to it. The noise grows with "
            "it.",
        ),
        (
            "accountant",
            "Accountant",
            ("as in the paper", "tightly", "RDP", "Rényi DP"),
            "The calculation that turns noise, batch and steps into ε. The paper's (Rényi DP, RDP) says too much at "
            "large budgets; counting tightly gives the smallest ε we can prove, for the same noise.",
        ),
        (
            "proven",
            "Proven",
            ("proven limit", "upper limit"),
            "A limit that holds against every attack of its kind, known or unknown. It is a ceiling, not a forecast.",
        ),
        (
            "measured",
            "Measured",
            (),
            "What one attack, or one model, really got. A better attack may come, so it is no guarantee.",
        ),
        (
            "imprint",
            "Imprint attack",
            ("planted layer", "a planted layer"),
            "The real attack here: a server plants an extra layer in the network that copies a picture into the "
            "gradient.",
        ),
        (
            "look",
            "Look",
            ("one look", "all looks"),
            "One noisy gradient of a picture. Training uses a picture about once an epoch; who sees all of those looks "
            "can average the noise away.",
        ),
        (
            "ssim",
            "SSIM",
            ("1 − SSIM",),
            "Structural similarity of two pictures. The error 1 − SSIM is 0 for identical pictures; below 0.10 counts "
            "as rebuilt.",
        ),
        (
            "membership",
            "Membership",
            ("participants", "members"),
            "Whether a person's record was in the training data. An attacker who learns it may learn the illness.",
        ),
        (
            "lira",
            "LiRA",
            (),
            "Likelihood-ratio attack: compares the model with many shadow models, some trained with your record and "
            "some without.",
        ),
        (
            "loss",
            "Loss threshold",
            ("loss",),
            "The simplest attack on membership: a record on which the model errs little (small loss) is taken for a "
            "participant.",
        ),
        (
            "audit",
            "Audit",
            ("audited floor", "canary", "canaries"),
            "A test from below: planted records (canaries) are hunted after training. If many are found, ε is at least "
            "so large. Finding none proves nothing.",
        ),
        (
            "tpr",
            "TPR",
            ("true-positive rate",),
            "True-positive rate: of 1,000 participants, how many an attack finds. Always read with the false-positive "
            "rate.",
        ),
        (
            "fpr",
            "FPR",
            ("false-positive rate",),
            "False-positive rate: of 1,000 strangers who were not in the data, how many an attack accuses wrongly.",
        ),
        (
            "auc",
            "AUC",
            ("area under the ROC curve",),
            "Shown one of each kind, the ill and the healthy or the participant and the stranger, how often the right "
            "one is picked: 1 is always, 0.5 is a coin.",
        ),
        (
            "mcc",
            "MCC",
            ("Matthews correlation",),
            f"{_says('mcc')}; 0 is guessing. Unlike accuracy it cannot be won by calling everyone healthy.",
        ),
        (
            "dice",
            "Dice",
            ("Dice coefficient",),
            f"{_says('dice_liver')}; 0 is no overlap.",
        ),
        (
            "tests",
            "t-test, TOST",
            ("TOST", "t-test", "equivalent"),
            "Two questions to the same trainings. The t-test asks whether a difference is more than chance; TOST, the "
            "equivalence test, whether it is small enough not to matter. Neither answers for the other.",
        ),
        (
            "seed",
            "Seed",
            (),
            "The number that chance starts from. The same seed repeats the same training; another one shows how much "
            "is chance.",
        ),
        (
            "models",
            "Model names",
            ("CNN", "MLP", "U-Net", "ResNet-9", "WRN-40-4"),
            "Kinds of neural network, small to large: MLP for rows of numbers, CNN, ResNet and WRN for pictures, U-Net "
            "for outlines.",
        ),
    )
}


def meaning(name: str) -> str:
    """Returns what a word means, for a widget's help."""
    return TERMS[name].meaning


def tip_html(name: str) -> str:
    """Returns a “?” that explains a word: by pointer, by tap and by keyboard; Escape closes it (everyone.js)."""
    term = TERMS[name]
    return help_html(term.word, f"<strong>{html.escape(term.word)}</strong> {html.escape(term.meaning)}")


def explain(shown: str, **phrases: str) -> str:
    """Returns HTML with a “?” after the first place of each phrase; the keyword names the word that it explains.

    Its element needs the class pp-said, so that a tip opens below its line.
    """
    # From the last to the first, so that no phrase is looked for inside a tip.
    places = sorted(((shown.find(phrase), name, phrase) for name, phrase in phrases.items()), reverse=True)
    for at, name, phrase in places:
        if at >= 0:
            *before, last = phrase.split()
            with_tip = [*before, f'<span class="pp-together">{last}{tip_html(name)}</span>']
            shown = shown[:at] + " ".join(with_tip) + shown[at + len(phrase) :]
    return shown


def help_html(about: str, explanation: str) -> str:
    """Returns a “?” about something; its explanation is HTML already, and is also what a screen reader says."""
    spoken = html.unescape(re.sub("<[^>]+>", "", explanation))
    return (
        f'<span class="pp-help" tabindex="0" role="note" aria-label="{html.escape(f"About {about}: {spoken}")}">'
        f'<span aria-hidden="true">?</span><span class="pp-tip" aria-hidden="true">{explanation}</span></span>'
    )


def words_html() -> str:
    """Returns all words with their meanings as a list, in alphabetical order."""
    items = "".join(
        f"<dt>{html.escape(term.word)}</dt><dd>{html.escape(term.meaning)}</dd>"
        for term in sorted(TERMS.values(), key=lambda term: _order(term.word))
    )
    return f'<div class="pp-words" role="region" aria-label="Words" tabindex="0"><dl>{items}</dl></div>'


def _order(word: str) -> str:
    greek = {"ε": "epsilon", "σ": "sigma", "δ": "delta", "κ": "kappa"}
    return greek.get(word, word).lower()
