"""The sentences of the page of risk bounds. Pure functions; **double stars** mark what to stress."""

from __future__ import annotations

import math

from dpcore import privacy
from dpcore.privacy import TradeOff
from ui.epsilon import format_epsilon, name_budget
from ui.evidence import Evidence
from ui.finding import Finding
from ui.numbers import format_bound, format_count, format_sigma
from ui.risk_proof import RiskProof
from ui.risk_setting import Setting
from ui.text import HOPELESS

#: The icon array shows this many.
ICONS = 1000
#: Names of the attackers, by how the URL spells them.
NAMES = {
    "worst": "holds it already",
    "relaxed": "does not hold it, rebuilds perfectly",
    "real": "does not hold it, a real attack",
}
_RESOLUTION_WORDS = "less than 1 in 100 million (below 1e-8)"
#: Beyond this many decimals of certainty a belief is called certain.
_CERTAIN = 1e-7


def format_risk(probability: float) -> str:
    """Returns a bound in per cent, rounded up; what the method does not resolve is said, never shown as 0."""
    if math.isnan(probability):
        return "not available"
    if probability < privacy.RESOLUTION:
        return _RESOLUTION_WORDS
    return format_bound(probability)


def one_in(probability: float) -> str:
    """Returns “1 in 8,082”; “below 1e-8” in words; “all” for certainty."""
    if probability < privacy.RESOLUTION:
        return _RESOLUTION_WORDS
    if probability > 0.5:
        return f"{format_count(math.ceil(round(100 * probability, 9)))} in 100"
    return f"1 in {format_count(math.floor(1 / probability + 1e-9))}"


def of_thousand(probability: float) -> str:
    """Returns a bound as people of 1,000, rounded up: “at most 13 of 1,000”, “fewer than 1 of 1,000”."""
    count = icons_filled(probability)
    if probability * ICONS < 1:
        return f"fewer than 1 of {format_count(ICONS)}"
    return f"at most {format_count(count)} of {format_count(ICONS)}"


def icons_filled(probability: float) -> int:
    """Returns how many of 1,000 dots to fill: 0 only where the bound is below one person."""
    return 0 if probability * ICONS < 1 else min(ICONS, math.ceil(probability * ICONS - 1e-9))


def curve_of(proof: RiskProof, attacker: str) -> TradeOff | None:
    """Returns the proven curve that limits an attacker; a real one is limited by the relaxed curve."""
    return proof.worst_case if attacker == "worst" else proof.relaxed


def bound_of(proof: RiskProof, attacker: str, kappa: float) -> float:
    """Returns γ at κ; NaN where nothing could be computed."""
    curve = curve_of(proof, attacker)
    return math.nan if curve is None else float(curve.gamma(kappa))


def summary(finding: Finding, proof: RiskProof, setting: Setting) -> str:
    """Returns the page's answer in one paragraph."""
    if proof.problem:
        return f"**The limits could not be computed**, so nothing is promised here. {proof.problem}"
    noun = finding.evidence.spec.record_noun
    guess = f"By guessing: {one_in(setting.kappa)}."
    if finding.is_no_dp:
        return f"Without privacy protection **nothing is proven**, against any attacker. {guess}"
    worst, relaxed = (bound_of(proof, who, setting.kappa) for who in ("worst", "relaxed"))
    if min(worst, relaxed) >= HOPELESS:
        return (
            f"With {name_budget(finding.epsilon)} and noise σ = {format_sigma(proof.noise_multiplier)} mathematics "
            f"**promises nothing**: in theory practically everyone's {noun} could be found out, by an attacker who "
            f"holds it and by one who does not. {guess}"
        )
    return (
        f"With {name_budget(finding.epsilon)} and noise σ = {format_sigma(proof.noise_multiplier)} it is proven: an "
        f"attacker who already holds your {noun} recognises it with a chance of **at most {format_risk(worst)}**; one "
        f"who has never seen it rebuilds it with **at most {format_risk(relaxed)}**. {guess}"
    )


def attacker_sentence(attacker: str, evidence: Evidence, *, beforehand: bool) -> str:
    """Returns which row of the paper's Table 1 is chosen, and what it means."""
    noun = evidence.spec.record_noun
    if attacker == "worst":
        known = f" Knowing the {noun} beforehand counts as holding it." if beforehand else ""
        return (
            f"**Worst case.** The attacker has your {noun} and unlimited computing power, and must only find out "
            f"whether it was used.{known} The limit is proven: no attack, known or unknown, beats it."
        )
    if attacker == "relaxed":
        return (
            f"**Relaxed.** The attacker has never seen your {noun}, has unlimited computing power and a perfect "
            "algorithm. The limit is proven for one who starts afresh at every training step; one whose unknown "
            "direction stays the same over the steps does better, up to the worst case."
        )
    return (
        f"**Realistic.** The attacker has never seen your {noun} and runs an attack that exists, which is imperfect. "
        "What it gets is measured, not proven: a better attack may come. The relaxed limit still stands above it."
    )


def persistence_sentence(proof: RiskProof, setting: Setting) -> str:
    """Returns what is known of a relaxed attacker whose unknown direction stays."""
    if proof.persistent is not None:
        bound = format_risk(float(proof.persistent.gamma(setting.kappa)))
        return (
            f"Full batches (q = 1): if the unknown direction stays the same over all steps, the limit is **{bound}**."
        )
    return (
        "If the attacker's unknown direction stays the same over the steps, the true risk lies between the relaxed and "
        "the worst-case limit. How far up is known for full batches only: set the batch to N to see it."
    )


def icon_words(probability: float, kappa: float, noun: str) -> str:
    """Returns the frequencies under the icon array."""
    limit = of_thousand(probability).removesuffix(" of 1,000")
    return (
        f"Of {format_count(ICONS)} patients like you, **{limit}** would have their {noun} found out this way. "
        f"By guessing: {_by_guessing(kappa)}."
    )


def _by_guessing(kappa: float) -> str:
    if kappa * ICONS >= 1:
        return f"about {kappa * ICONS:.2g} of {format_count(ICONS)}"
    return f"fewer than 1 of {format_count(ICONS)} ({one_in(kappa)})"


def quiz(probability: float) -> tuple[str, dict[str, tuple[bool, str]]]:
    """Returns a question on reading the frequencies, and each answer with whether it is right and a kind word."""
    limit = of_thousand(probability)
    return (
        f"“{limit[0].upper()}{limit[1:]}”: what does that say?",
        {
            "However good the attack, it succeeds for no more patients than that.": (
                True,
                "Right. It is a ceiling for every attack of this kind; a particular attack may get far less.",
            ),
            "So many patients will be exposed.": (
                False,
                "Not quite, though many read it so. It is a ceiling, not a forecast: how many are exposed depends on "
                "whether anyone attacks, and how well.",
            ),
            "Each patient has that risk of harm from taking part.": (
                False,
                "Close, but it counts recognition, not harm; and it counts only if someone attacks with all that this "
                "attacker is granted.",
            ),
        },
    )


def membership_rows(curve: TradeOff) -> list[tuple[str, str, str]]:
    """Returns the numbers read off the trade-off curve: name, value, what it means."""
    return [
        ("Advantage", format_risk(curve.advantage), "largest true-positive minus false-positive rate; 0 is guessing"),
        ("AUC", _auc(curve.auc), "shown a participant and a stranger, picks the participant so often; 0.5 is guessing"),
        ("TPR at FPR 0.1 %", format_risk(curve.tpr_at_fpr(0.001)), "found, if 1 stranger in 1,000 may be accused"),
        ("TPR at FPR 1 %", format_risk(curve.tpr_at_fpr(0.01)), "found, if 1 stranger in 100 may be accused"),
    ]


def _auc(auc: float) -> str:
    rounded = math.ceil(auc * 1e4 - 1e-6) / 1e4
    return f"{rounded:.4f}" if auc < 1 - 1e-4 else "above 0.9999"


def factor_words(epsilon: float) -> str:
    """Returns e^ε in words that never overflow."""
    if epsilon < math.log(1e6):
        factor = math.exp(epsilon)
        return f"{factor:,.0f}" if factor >= 100 else f"{factor:.3g}"
    if epsilon < 600:
        return format_epsilon(math.exp(epsilon))
    return f"a number of {math.floor(epsilon / math.log(10)) + 1:,} digits"


def belief_words(probability: float) -> str:
    """Returns a belief as “at most 99.995 %”; certainty is called that."""
    if probability >= 1 - _CERTAIN:
        return "anything up to certainty"
    digits = max(1, math.ceil(-math.log10(1 - probability)) - 1)
    return f"at most {math.ceil(100 * probability * 10**digits - 1e-6) / 10**digits:.{digits}f} %"


def odds_rows(prior: float, epsilon: float, curve: TradeOff | None) -> list[tuple[str, str]]:
    """Returns the step from belief to belief, as odds."""
    before = f"{100 * prior:g} %, that is odds of {_odds(prior)}"
    if math.isinf(epsilon):
        return [("Belief before", before), ("Without privacy protection", "the belief may rise to certainty")]
    rows = [
        ("Belief before", before),
        (
            f"ε = {format_epsilon(epsilon)} multiplies the odds by at most e to the power of ε (e = 2.718…)",
            factor_words(epsilon),
        ),
        ("Belief after", belief_words(privacy.get_largest_posterior(prior, epsilon))),
    ]
    if curve is not None:
        alarm = belief_words(curve.posterior(prior, 0.01))
        rows.append(
            (
                "… exact, when an attacker who holds the record sounds an alarm that is false for 1 stranger in 100",
                alarm,
            )
        )
    return rows


def _odds(prior: float) -> str:
    odds = privacy.get_odds(prior)
    return f"{odds:.3g} : 1" if odds >= 1 else f"1 : {1 / odds:.3g}"


def naive_sentence(prior: float, epsilon: float) -> str:
    """Returns why e^ε is no factor of probability."""
    if math.isinf(epsilon):
        return ""
    never = "**Never multiply the probability:**"
    if epsilon < 30 and prior * math.exp(epsilon) > 1:
        wrong = (
            f"{100 * prior:g} % × {factor_words(epsilon)} would be {format_count(100 * prior * math.exp(epsilon))} %"
        )
        return f"{never} {wrong}, which is no probability. Odds can grow without end; a belief ends at 100 %."
    return f"{never} odds can grow without end, a belief ends at 100 %."
