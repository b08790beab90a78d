"""The sentences of the membership page. Pure functions; **double stars** mark what to stress."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dpcore.results.exposure import Share
from dpcore.results.intervals import clopper_pearson
from ui.epsilon import format_epsilon, name_budget
from ui.evidence import Counted
from ui.finding import Finding
from ui.member_evidence import STRICT, USUAL, AttackResult, Audit, Exposure, is_same
from ui.numbers import format_count, format_sigma
from ui.text import HOPELESS

#: Risks are told as people of this many, and the accused as of so many.
PEOPLE, ACCUSED = 1000, 100
#: A group with fewer records than this is called small.
SMALL = 300
#: A floor at this share of the cap says more about the audit than about the training.
_NEAR_CAP = 0.95


def short(epsilon: float) -> str:
    """Returns a budget in three digits."""
    return format_epsilon(float(f"{epsilon:.3g}"))


def people(share: float) -> str:
    """Returns a measured share as people of 1,000, with two digits where few: “0.42”, “2.3”, “166”."""
    count = PEOPLE * share
    return f"{count:.2g}" if count < 9.95 else f"{count:.0f}"


def people_at_most(share: float) -> str:
    """Returns a proven limit as people of 1,000, rounded up: “2.1”, “167”, “1,000”."""
    count = min(PEOPLE, PEOPLE * share)
    if count >= 10 or count == 0:
        return format_count(math.ceil(count - 1e-9))
    step = 10.0 ** (math.floor(math.log10(count)) - 1)
    return f"{math.ceil(count / step - 1e-9) * step:.2g}"


def interval_words(share: Share) -> str:
    """Returns the 95 % interval of a share as people of 1,000, rounded outwards: “18 to 25”."""
    low, high = share.interval
    floor = PEOPLE * low
    step = 10.0 ** (math.floor(math.log10(floor)) - 1) if 0 < floor < 10 else 1.0
    return f"{math.floor(floor / step + 1e-9) * step:.3g} to {people_at_most(high)}"


def where(exposure: Exposure, finding: Finding) -> str:
    """Returns why another budget than the visitor's is shown, or nothing."""
    shown = exposure.epsilon(finding.counted)
    if is_same(shown, finding.epsilon):
        return ""
    return (
        f"Membership attacks were not run at {name_budget(finding.epsilon)}. Shown is the nearest budget at which they "
        f"were: **{name_budget(shown)}**, σ = {format_sigma(exposure.noise_multiplier)}."
    )


def summary(exposure: Exposure, counted: Counted) -> str:
    """Returns the page's answer in one paragraph."""
    usual, strict = (exposure.best(rate).found[rate] for rate in (USUAL, STRICT))
    noise = f" and noise σ = {format_sigma(exposure.noise_multiplier)}" if exposure.noise_multiplier else ""
    with_what = f"With {name_budget(exposure.epsilon(counted))}{noise}" if noise else "Without privacy protection"
    return (
        f"{with_what}, the best attack measured here finds "
        f"**{people(usual.value)} of 1,000** patients who were in the training while it wrongly accuses 10 of 1,000 "
        f"who were not. If it may accuse only 1, it finds **{people(strict.value)} of 1,000**. {proof_words(exposure)} "
        "Guessing finds 10 and 1."
    )


def proof_words(exposure: Exposure) -> str:
    """Returns what is proven, in one sentence."""
    usual, strict = exposure.limit[USUAL], exposure.limit[STRICT]
    if not exposure.noise_multiplier:
        return "**Nothing is proven**: a better attack may find everyone."
    if strict >= HOPELESS:
        return "The proof **promises nothing** here: it allows an attack that finds practically everyone."
    return (
        f"It is proven that no attack, known or unknown, finds more than **{people_at_most(usual)}** and "
        f"**{people_at_most(strict)}** of 1,000."
    )


def gap_sentence(exposure: Exposure) -> str:
    """Returns how to read the chart's shaded gap, and what a curve above the limit would mean."""
    best, limit = exposure.best(USUAL), exposure.limit[USUAL]
    low, _ = best.found[USUAL].interval
    if low > limit:
        return (
            f"**The measured {best.attack} lies above the proven limit**, beyond what chance explains. Then the "
            "training did not add the noise it claims, or the attack was scored wrongly: do not rely on this budget."
        )
    above = "but never above the limit"
    if not exposure.noise_multiplier:
        above = "and without DP no limit stops it"
    elif limit >= HOPELESS:
        above = "and at this budget the limit stops practically nothing"
    guess = "no better than guessing" if low <= USUAL else "better than guessing"
    return (
        f"The shaded gap is **what the proof allows and no attack here reached**. At 10 of 1,000 false accusations the "
        f"best attack is {guess} (95 % interval {interval_words(best.found[USUAL])} of 1,000). A better attack may "
        f"move up into the gap, {above}."
    )


def floor_summary(found: Sequence[Audit], finding: Finding) -> str:
    """Returns what is known of ε at the present budget, from below and from above."""
    if finding.is_no_dp:
        return "Without DP there is no ε: **no ceiling can be proven**, so nothing was audited."
    best = max(found, key=lambda audit: audit.floor)
    at = best.epsilon(finding.counted)
    near = ""
    if not is_same(at, finding.epsilon):
        near = f"Not audited at {name_budget(finding.epsilon)}; the nearest audited budget is shown. "
    ceiling = f"at most {short(best.epsilon_tight)}** counted tightly ({short(best.epsilon_rdp)} as in the paper)"
    start = f"{near}At {name_budget(at)} (σ = {format_sigma(best.noise_multiplier)})"
    if best.floor > best.epsilon_tight:
        return (
            f"{start} the audit says **at least {best.floor:.2g}**, yet the accountant **{ceiling}. The floor lies "
            "above the ceiling: by chance in at most 1 of 20 such audits, otherwise the training or its accounting is "
            "wrong."
        )
    if best.floor <= 0:
        return (
            f"{start} the audit **proves nothing**: no canary was told apart surely enough. That is not “no risk”. The "
            f"accountant proves **{ceiling}; where the true ε lies below that, nobody knows."
        )
    # The larger of several floors was picked after looking: each alone holds with 95 %.
    sure = "95 % confidence" if len(found) == 1 else f"95 % confidence for each of {len(found)} audits"
    return (
        f"{start} the audit proves that ε is **at least {_down(best.floor)}** (by the {canary_words(best.canary)}; "
        f"{sure}), the accountant that it is **{ceiling}. Between them nobody knows."
    )


def cap_sentence(audits: Sequence[Audit], found: Sequence[Audit]) -> str:
    """Returns what the audit could show at most."""
    best = max(audits, key=lambda audit: audit.cap)
    words = (
        f"With {format_count(best.canaries)} canaries an audit can show at most ε = {best.cap:.3g}, even of a training "
        "that hides nothing: the dashed line."
    )
    if found and max(audit.floor / audit.cap for audit in found) >= _NEAR_CAP:
        words += " **The floor here stands at that cap**: the true ε may be far higher than the audit could see."
    return words


def canary_words(canary: str) -> str:
    """Returns a kind of canary as people read it."""
    return {"gradient": "planted gradient", "mislabelled record": "mislabelled record"}.get(canary, canary)


def exposed_sentence(groups: Sequence[AttackResult], overall: Share) -> str:
    """Returns who is more exposed than all together, with the confidence divided among the groups."""
    confidence = 1 - 0.05 / len(groups)
    above: list[str] = []
    below: list[str] = []
    for tested in groups:
        share = tested.found[USUAL]
        low, high = clopper_pearson(share.successes, share.trials, confidence=confidence)
        (above if low > overall.value else below if high < overall.value else []).append(tested.name)
    caution = (
        f"{len(groups)} groups are compared, and one in 20 plain intervals misses by chance; so a group is named here "
        f"only if an interval of {100 * confidence:.4g} % leaves out the value for all."
    )
    if not above and not below:
        return f"**No group stands out beyond chance.** {caution} A small group may hide a difference."
    told = []
    if above:
        told.append(f"**More exposed than all together: {_listed(above)}.**")
    if below:
        told.append(f"Less exposed: {_listed(below)}.")
    return f"{' '.join(told)} {caution}"


def posterior(before: float, found: float, rate: float) -> float:
    """Returns the share of the accused who were really in it: π·TPR / (π·TPR + (1 − π)·FPR), by Bayes' rule."""
    hit = before * found
    return hit / (hit + (1 - before) * rate)


def accused(share: float) -> str:
    """Returns how many of 100 accused were in it, as measured: “9”, “0.4”."""
    count = ACCUSED * share
    return f"{count:.1g}" if 0 < count < 0.95 else f"{count:.0f}"


def accused_at_most(share: float) -> int:
    """Returns how many of 100 accused were in it at most, rounded up."""
    return min(ACCUSED, math.ceil(ACCUSED * share - 1e-9))


def odds_rows(exposure: Exposure, before: float, rate: float) -> list[tuple[str, str, str]]:
    """Returns name, of 100 accused so many were in it, and what it means: guessing, measured, proven."""
    best = exposure.best(rate)
    share = best.found[rate]
    low, high = (posterior(before, end, rate) for end in share.interval)
    most = posterior(before, exposure.limit[rate], rate)
    proven = f"at most {accused_at_most(most)}"
    promise = "no attack, known or unknown, is right more often"
    if not exposure.noise_multiplier or exposure.limit[rate] >= HOPELESS:
        promise = "nothing is promised: an attack that finds everyone is allowed"
    return [
        ("Picked at random", accused(before), "what the attacker knew beforehand"),
        (
            f"Measured: {best.attack}",
            f"{accused(posterior(before, share.value, rate))} "
            f"({math.floor(ACCUSED * low + 1e-9)} to {accused_at_most(high)})",
            "measured, not proven; 95 % interval",
        ),
        ("Proven limit", proven, promise),
    ]


def odds_sentence(exposure: Exposure, before: int, rate: float) -> str:
    """Returns the meaning of an alarm for one person."""
    best = exposure.best(rate)
    belief = posterior(1 / before, best.found[rate].value, rate)
    return (
        f"Beforehand 1 in {format_count(before)} was thought to be in the data. The attack now points at you, as it "
        f"wrongly does at {rate * PEOPLE:g} of 1,000 strangers. **Of 100 people accused like this, "
        f"{accused(belief)} were really in it** (measured)."
    )


def _down(floor: float) -> str:
    """A floor in two digits, rounded down so that it stays a floor."""
    step = 10.0 ** (math.floor(math.log10(floor)) - 1)
    return f"{math.floor(floor / step + 1e-9) * step:.2g}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
