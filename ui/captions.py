"""The words on cards, beside pictures and under the chart. Pure functions; **double stars** mark what to stress."""

from __future__ import annotations

from ui.epsilon import format_epsilon
from ui.evidence import Counted, Evidence, Strip
from ui.finding import Finding, Utility
from ui.numbers import PEOPLE, exposed_people, format_bound, format_count, format_error, format_share, interval_people
from ui.text import HOPELESS, attacked_nouns, name_looks, nearest_budget, not_attacked, noun

#: How ε is counted, for the control bar.
COUNTED: dict[Counted, str] = {"rdp": "as in the paper", "tight": "tightly"}


def explain_worst_case(evidence: Evidence) -> str:
    """Returns who the worst-case attacker is."""
    return (
        f"The strongest attacker there can be: knows the model, has unlimited computing power, already holds your "
        f"{noun(evidence)} and only has to recognise whether it was used. "
        "A proof: no attack, known or unknown, can do better."
    )


def explain_relaxed(evidence: Evidence) -> str:
    """Returns who the relaxed attacker is, and who does better."""
    return (
        f"Knows the model and has unlimited computing power, but has never seen your {noun(evidence)}; rebuilds it "
        "perfectly or fails. Proven for an attacker who starts afresh at every training step. One who keeps looking in "
        "the same direction over all steps does better, but never better than the attacker who holds it."
    )


def explain_attack(evidence: Evidence) -> str:
    """Returns what the real attack does and when it counts as successful."""
    error = "1 − SSIM" if evidence.spec.kind == "image" else "relative distance"
    return (
        f"Measured: an attacking server plants a layer that copies {attacked_nouns(evidence)} into the gradient, "
        "the correction that training sends back, and reads one noisy gradient of each. One counts as rebuilt when its "
        f"error ({error}) is below 10 %. "
        "Not a guarantee: a better attack may come."
    )


def utility_words(utility: Utility) -> list[str]:
    """Returns the lines under the number of the utility card."""
    share = f"{format_share(round(utility.share_of_no_dp, 2))} of no DP"
    if utility.outcome == "estimated":
        return [f"{utility.metric.short}, about {share}", compare_with_no_dp(utility)]
    return [f"{utility.metric.short}, {share}, {utility.seeds} runs", compare_with_no_dp(utility)]


def compare_with_no_dp(utility: Utility) -> str:
    """Returns both tests in a few words; absence of evidence is not called equality."""
    margin = f"±{utility.tost_margin:g}"
    match utility.outcome:
        case "no_dp":
            return "the yardstick for every budget"
        case "useless":
            return utility.metric.useless_note
        case "worse":
            return "clearly worse than no DP (t-test)"
        case "slightly_worse":
            return f"slightly worse than no DP, within {margin}"
        case "equivalent":
            return f"equivalent to no DP within {margin} (TOST)"
        case "better":
            return "not worse than no DP (t-test)"
        case "unclear":
            return "no difference found, equivalence not shown"
        case "untested":
            return "difference from no DP not tested"
        case "estimated":
            low, high = (format_epsilon(epsilon) for epsilon in utility.between)
            if low == high:
                return f"estimated as at the nearest measured point, ε = {low}"
            return f"estimated between measured points ε = {low} and ε = {high}"


def proof_words(finding: Finding, bound: float) -> tuple[str, list[str]]:
    """Returns the big number of a proven card and the lines under it."""
    guess = f"by pure guessing: 1 of {format_count(finding.nearest.num_train)}"
    everyone = format_count(PEOPLE)
    if finding.proof.problem:
        return "not available", [finding.proof.problem, "Treat it as unprotected."]
    if finding.is_no_dp:
        return "no limit", [f"all {everyone} of {everyone} patients may be exposed", guess]
    if bound >= HOPELESS:
        limit = f"at most {exposed_people(bound)} of {everyone} patients ({format_bound(bound)})"
        return "practically all", [f"{limit}: nothing is promised", guess]
    people = exposed_people(bound)
    value = people if people.startswith("fewer") else f"at most {people}"
    return value, [f"of {everyone} patients ({format_bound(bound)})", guess]


def attack_words(finding: Finding) -> tuple[str, list[str]]:
    """Returns the big number of the attack card and the lines under it."""
    one = finding.one_look
    if one is None:
        if problem := finding.evidence.attacks_problem:
            return "not available", [problem, "Treat it as unprotected."]
        return "not measured", ["No attack was run on this data at this budget."]
    interval = f"95 % sure: {interval_people(one.rebuilt_interval)} patients"
    where = [] if finding.is_measured else [f"at **{nearest_budget(finding)}**, the nearest measured budget"]
    return f"{one.rebuilt} of {one.records}", [f"{attacked_nouns(finding.evidence)} rebuilt; {interval}", *where]


def chart_note(evidence: Evidence) -> str:
    """Returns how to read the lower panel."""
    first = next((point.attacks[0] for point in evidence.points if point.attacks), None)
    note = "Dotted lines only connect measurements. Open marks at “no DP”: measured without privacy protection."
    if first is None:
        return note
    return (
        f"{note} Recognising was measured among {first.candidates} candidates, by an attacker told which steps used "
        f"the {noun(evidence)}; the proven limit is for 1 in {format_count(evidence.no_dp.num_train)} and hides the "
        "steps, so these marks may lie above its line."
    )


def chart_alt(evidence: Evidence) -> str:
    """Returns the alternative text of the chart."""
    above = f"{evidence.metric.title.lower()}, {evidence.metric.short}"
    return (
        f"Two charts over the privacy budget ε for {evidence.spec.title}. Above: {above}, rising to the level "
        f"without privacy. Below: share of patients whose {noun(evidence)} is exposed, as proven limits and as "
        "measured attacks. All values are in the table below the chart."
    )


def strip_words(strip: Strip) -> tuple[str, str]:
    """Returns the name of a row of pictures and a few words on it."""
    if strip.looks == 0:
        return "Originals", "what the attacker is after"
    if strip.looks == 1:
        return "What one look gives", "one noisy gradient of each picture, as one training step reveals it"
    steps = f"the {strip.looks} steps in which training is expected to use each picture"
    return f"What {name_looks(strip.looks)} give", f"averaged over {steps}"


def strip_alt(strip: Strip, finding: Finding) -> str:
    """Returns the alternative text of a row of pictures."""
    if strip.looks == 0:
        return f"Five original pictures: {strip.source}"
    errors = ", ".join(format_error(error) for error in strip.errors)
    return (
        f"Five reconstructions from {name_looks(strip.looks)} at {nearest_budget(finding)}; "
        f"error 1 − SSIM {errors}, where 0 is identical"
    )


def gallery_caption(finding: Finding, strip: Strip) -> str:
    """Returns what the pictures are, at which budget, and what the numbers under them mean."""
    source = strip.source.rstrip(".")
    if finding.evidence.spec.synthetic:
        origin = f"**SYNTHETIC pictures**, no patient: {source}."
    elif strip.stand_in:
        origin = f"**Stand-in pictures**, because those of the dataset may not be shown: {source}."
    else:
        origin = f"Pictures: {source}."
    budget = nearest_budget(finding) + ("" if finding.is_measured else ", the nearest measured budget")
    return (
        f"{origin} Shown at {budget}. Under each picture: its error, 1 − SSIM; 0 is identical, below 0.10 counts as "
        f"rebuilt. The error understates what people see: shapes can be plain at 0.6. {_sizes_sentence(finding)}"
    ).strip()


def no_pictures(finding: Finding) -> str:
    """Returns why a table of patients has no gallery, and what was measured instead."""
    one, every = finding.one_look, finding.all_looks
    fields = finding.evidence.spec.record_shape[0]
    start = f"Each record is {fields} measurements of one patient: **there is no picture to show**."
    if one is None or every is None:
        return f"{start} {not_attacked(finding.evidence)}"
    return (
        f"{start} Measured instead at {nearest_budget(finding)}: how many records an attacker reads back to within "
        f"10 %: **{one.rebuilt} of {one.records}** from one look, **{every.rebuilt}** from all {every.looks}; and how "
        f"many are recognised among {one.candidates} candidates: **{one.matched}** and **{every.matched}**. One look "
        f"is one noisy gradient of the record; all {every.looks} looks are the average over the steps in which "
        "training is expected to use it."
    )


def _sizes_sentence(finding: Finding) -> str:
    model, attacked = finding.evidence.spec.record_shape[-1], finding.evidence.attacked.rsplit("_", 1)[-1]
    if not attacked.isdigit() or int(attacked) == model:
        return ""
    return (
        f"The model sees {model}-pixel pictures; the attack was measured on {attacked}-pixel pictures with "
        "the same noise σ. Smaller pictures show at stricter budgets."
    )
