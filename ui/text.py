"""The sentences of a page, computed from its finding. Pure functions; **double stars** mark what to stress."""

from __future__ import annotations

import math

from ui.epsilon import name_budget
from ui.evidence import Attack, Evidence
from ui.finding import Finding
from ui.numbers import PEOPLE, at_most, format_count, format_share

#: From here on a bound promises nothing: practically everyone may be exposed.
HOPELESS = 0.995


def noun(evidence: Evidence) -> str:
    """Returns what an attacker is after: “image”, “slice” or “record”."""
    return evidence.spec.record_noun if evidence.spec.kind == "image" else "record"


def attacked_nouns(evidence: Evidence) -> str:
    """Returns what was attacked, in the plural: “pictures” or “patient records”."""
    return "pictures" if evidence.spec.kind == "image" else "patient records"


def name_looks(looks: int) -> str:
    """Returns “one look” or “all 20 looks”."""
    return "one look" if looks == 1 else f"all {looks} looks"


def nearest_budget(finding: Finding) -> str:
    """Returns the budget at which the attack was measured."""
    return name_budget(finding.nearest.epsilon(finding.counted))


def context(evidence: Evidence) -> str:
    """Returns what the model was asked and from whom it learnt."""
    spec, count = evidence.spec, format_count(evidence.no_dp.num_train)
    answers = f"The model answers “{spec.task}” and learnt from {count}"
    if spec.synthetic:
        return (
            f"**SYNTHETIC data: no patient is involved.** {answers} generated {noun(evidence)}s.{_scored_by(evidence)}"
        )
    return f"{answers} {noun(evidence)}s of real patients.{_scored_by(evidence)}"


def _scored_by(evidence: Evidence) -> str:
    """An outline's score is no common knowledge, and a card has no room for it."""
    metric = evidence.metric
    return f" Its score is the {metric.short} coefficient: {metric.meaning}." if evidence.spec.is_segmentation else ""


def summary(finding: Finding) -> str:
    """Returns the page's one paragraph: what the budget costs, what is proven, what a real attack gets."""
    return " ".join([utility_sentence(finding), proof_sentence(finding), attack_sentence(finding)])


def utility_sentence(finding: Finding) -> str:
    """Returns what the budget does to the model; “no difference found” is not called “equivalent”."""
    utility, metric = finding.utility, finding.utility.metric
    share = format_share(round(utility.share_of_no_dp, 2))
    start = f"With a budget of {name_budget(finding.epsilon)}"
    match utility.outcome:
        case "no_dp":
            return "Without privacy protection the model sets **the yardstick** that every budget is measured by."
        case "useless":
            return f"{start} the model {metric.useless}: this much noise ruins it."
        case "worse":
            return f"{start} the model keeps **{share} of its {metric.skill}**, measurably less than without privacy."
        case "slightly_worse":
            kept = f"**almost as well as without privacy**: {share} of the skill, a small but measurable loss"
            return f"{start} the model {metric.does} {kept}."
        case "equivalent":
            equal = f"**as well as without privacy**: equivalent within ±{utility.tost_margin:g}"
            return f"{start} the model {metric.does} {equal}."
        case "better":
            return f"{start} the model {metric.does} **no worse than without privacy**."
        case "unclear":
            doubt = f"but {utility.seeds} runs are too few to call them equivalent"
            return f"{start} **no difference was found** from the {metric.results} without privacy, {doubt}."
        case "untested":
            return f"{start} the model keeps **{share} of its {metric.skill}**; the difference could not be tested."
        case "estimated":
            return f"{start} the model would keep **about {share} of its {metric.skill}** (estimated, not measured)."


def proof_sentence(finding: Finding) -> str:
    """Returns what is proven about the two strongest attackers."""
    proof, what = finding.proof, noun(finding.evidence)
    if proof.problem:
        return "**The proven limits could not be computed**, so nothing is promised here."
    if finding.is_no_dp:
        return f"**Nothing is proven**, whether or not an attacker holds your {what}."
    if min(proof.worst_case, proof.relaxed) >= HOPELESS:
        who = f"by an attacker who holds your {what} and by one who does not"
        return f"Mathematics **promises nothing**: in theory practically everyone could be exposed, {who}."
    lacks = f"**{at_most(proof.relaxed)}**"
    if proof.worst_case >= HOPELESS:
        who = f"against an attacker who already holds your {what}"
        return f"Mathematics **promises nothing** {who}; one who does not can expose {lacks} patients."
    return (
        f"It is proven that an attacker who already holds your {what} can recognise "
        f"**{at_most(proof.worst_case)}** patients, and one who does not can expose {lacks}."
    )


def not_attacked(evidence: Evidence) -> str:
    """Returns why there is no real attack to speak of."""
    return evidence.attacks_problem or "No real attack was run on this data."


def attack_sentence(finding: Finding) -> str:
    """Returns what the real attack got, after one look and after all looks."""
    one, every = finding.one_look, finding.all_looks
    if one is None or every is None:
        return f"{not_attacked(finding.evidence)} So nothing is known about one here."
    what = attacked_nouns(finding.evidence)
    attack = "A real attack" if finding.is_measured else f"A real attack at {nearest_budget(finding)}"
    if one.looks == every.looks:
        got = f"**{one.rebuilt} of {one.records} {what}** from {name_looks(one.looks)}"
    elif one.rebuilt == every.rebuilt == 0:
        got = f"**none of {one.records} {what}**, neither from one look nor from {name_looks(every.looks)}"
    elif one.rebuilt == one.records:
        got = f"**all {one.records} {what}**, even from one look"
    else:
        got = f"**{one.rebuilt} of {one.records} {what}** from one look, **{every.rebuilt}** from all {every.looks}"
    return f"{attack} rebuilt {got}. {recognition_sentence(one, every)}".strip()


def recognition_sentence(one: Attack, every: Attack) -> str:
    """Returns how often an attacker picked the right candidate, where that beats guessing and rebuilding."""
    for attack in (one, every):
        beats_guessing = attack.matched_interval[0] > 1 / attack.candidates
        if beats_guessing and attack.matched - attack.rebuilt > attack.records / 10:
            # Without this, a rate above the proven limit would look like a broken proof.
            helped = f"shown {attack.candidates} candidates and told when each was used, as the proof's attacker is not"
            named = f"named the right one **{attack.matched} times in {attack.records}**"
            return f"Recognising is easier: an attacker {helped}, {named} from {name_looks(attack.looks)}."
    return ""


def person_points(finding: Finding) -> list[str]:
    """Returns what the numbers mean for one person, as natural frequencies."""
    what = noun(finding.evidence)
    return [
        _patient_point(finding),
        f"**If your {what} trained it.** {_promise_sentence(finding)}",
        f"**If several {what}s of yours trained it.** The promise is made for each {what}, not for each person: "
        f"together they are protected less.",
    ]


def _patient_point(finding: Finding) -> str:
    if finding.evidence.spec.is_segmentation:
        return f"**If a scan of yours is outlined.** {_outline_sentence(finding)}"
    return f"**If you come to be diagnosed.** {_diagnosis_sentence(finding)}"


def _outline_sentence(finding: Finding) -> str:
    """The Dice coefficient in words; the tumour's where it was measured."""
    utility, bare = finding.utility, finding.evidence.no_dp
    about = "" if finding.is_measured else "about "
    scale = "1 would be the expert's own outline, 0 no overlap at all"
    words = f"The model's outline of the liver and an expert's overlap to {about}{utility.value:.2f}: {scale}"
    without = "" if finding.is_no_dp else f"; without privacy protection it is {bare.utility_mean:.2f}"
    if math.isnan(utility.dice_tumour):
        return f"{words}{without}."
    tumour = f"The tumour in it overlaps to {about}{utility.dice_tumour:.2f}"
    without_too = "" if finding.is_no_dp else f"; without privacy protection {bare.dice_tumour_mean:.2f}"
    return f"{words}{without}. {tumour}{without_too}."


def _diagnosis_sentence(finding: Finding) -> str:
    """The area under the ROC curve is the chance to rank a random pair rightly."""
    pairs, bare = (round(100 * auc) for auc in (finding.utility.auc, finding.evidence.no_dp.auc_mean))
    about = "" if finding.is_measured else "about "
    shown = "Shown one patient with the condition and one without, the model points to the right one"
    if finding.is_no_dp:
        return f"{shown} in {pairs} of 100 such pairs; a coin does in 50."
    return f"{shown} in {about}{pairs} of 100 such pairs; without privacy protection in {bare}, a coin in 50."


def _promise_sentence(finding: Finding) -> str:
    proof, what = finding.proof, noun(finding.evidence)
    if proof.problem:
        return f"{proof.problem} Treat it as unprotected."
    if finding.is_no_dp:
        return "No promise is made to you: nothing limits what an attacker can learn."
    if min(proof.worst_case, proof.relaxed) >= HOPELESS:
        return (
            f"In theory practically everyone in your place could be exposed, even by an attacker who has never seen "
            f"your {what}. What protects you then is how hard the attack is, not a proof."
        )
    guessing = f"{PEOPLE * finding.nearest.kappa:.2g} of {format_count(PEOPLE)}"
    return (
        f"Imagine {format_count(PEOPLE)} people in your place. An attacker who already holds your {what} and only has "
        f"to recognise it succeeds for {at_most(proof.worst_case)}; by pure guessing for {guessing}. "
        f"An attacker who must rebuild it succeeds for {at_most(proof.relaxed)}."
    )


def plain(sentence: str) -> str:
    """Escapes Markdown: what a visitor or a link typed is shown as typed."""
    return "".join(f"\\{ch}" if ch in r"\`*_{}[]()#+-.!|<>~$:" else ch for ch in sentence)
