"""The words of the page of reconstruction, computed from the results. Pure; **double stars** mark what to stress."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dpcore.results.exposure import Share
from dpcore.results.schema import ETA
from ui.epsilon import format_epsilon, name_budget
from ui.evidence import Attack, Counted, Evidence
from ui.finding import Finding
from ui.numbers import format_share, format_sigma
from ui.recon_evidence import Outcomes, budgets, first_rebuilt, looks_of
from ui.text import attacked_nouns, name_looks, nearest_budget, not_attacked, noun

#: The paper's budget from which it reports that no picture comes back (HAM10000 and MSD Liver).
PAPER_NOTHING = 1e9
_THOUSAND = 1_000

HOW_IT_WORKS = (
    "How the real attack works: the server that runs the training **plants an extra layer** in the network; this layer "
    "copies the picture into the gradient, the correction that a hospital sends back. **A hospital "
    "that looks at the network it receives can notice it**, for the layer is in there; a layer hidden with care may "
    "pass simple checks."
)


def of_thousand(interval: tuple[float, float]) -> str:
    """Returns an interval as patients of 1,000, rounded outwards: “0 to 13 of 1,000”."""
    low, high = math.floor(interval[0] * _THOUSAND + 1e-9), math.ceil(interval[1] * _THOUSAND - 1e-9)
    return f"{low:,} to {high:,} of {_THOUSAND:,}"


def _people(interval: tuple[float, float]) -> str:
    return of_thousand(interval).split(" of ")[0]


def at_most_of_thousand(bound: float) -> str:
    """Returns a proven bound as patients of 1,000, rounded up; nothing tiny becomes 0."""
    if bound * _THOUSAND < 1:
        return f"fewer than 1 of {_THOUSAND:,}"
    return f"at most {math.ceil(bound * _THOUSAND - 1e-9):,} of {_THOUSAND:,}"


def share_words(share: Share) -> str:
    """Returns “12 of 300 (4 %; 95 % sure: 2.09 % to 6.88 %)”."""
    low, high = share.interval
    ends = f"{format_share(low)} to {format_share(high)}"
    return f"{share.successes} of {share.trials} ({format_share(share.value)}; 95 % sure: {ends})"


def summary(finding: Finding) -> str:
    """Returns the page's answer in one paragraph."""
    one, every = finding.one_look, finding.all_looks
    if one is None or every is None:
        return f"{not_attacked(finding.evidence)} So **nothing is known** about one. Treat the data as unprotected."
    what = attacked_nouns(finding.evidence)
    sigma = format_sigma(finding.nearest.noise_multiplier)
    start = f"At {nearest_budget(finding)} (noise σ = {sigma})"
    if finding.is_no_dp:
        start = "Without DP (no noise)"
    measured = "" if finding.is_measured else ", the nearest measured budget,"
    later = f" and {_counted(every.rebuilt, every.records)} from {name_looks(every.looks)}" if every.looks > 1 else ""
    named = (
        f"**{one.matched} of {one.records}** times from one look, **{every.matched}** from {name_looks(every.looks)}"
    )
    return (
        f"{start}{measured} a real attacker rebuilds {_counted(one.rebuilt, one.records)} {what} from one look{later}. "
        f"One who must only name the right one among {one.candidates} succeeds {named}; guessing gets 1. "
        f"Of 1,000 patients like you, that means {_people(one.rebuilt_interval)} rebuilt from one look and "
        f"{_people(every.rebuilt_interval)} from all, with 95 % certainty. **Measured, not proven**: a better "
        "attack may come."
    )


def _counted(number: int, total: int) -> str:
    return f"**none of {total}**" if number == 0 else f"**{number} of {total}**"


def attacker_titles(evidence: Evidence) -> tuple[str, str, str]:
    """Returns the names of the three attackers."""
    what = noun(evidence)
    return f"Holds your {what}", f"Does not hold your {what}, rebuilds perfectly", "The real attack"


def bar_words(attack: Attack, *, verb: str) -> str:
    """Returns the words beside a bar: “one look: 12 of 300 named”."""
    count, interval = (
        (attack.matched, attack.matched_interval) if verb == "named" else (attack.rebuilt, attack.rebuilt_interval)
    )
    return f"{name_looks(attack.looks)}: **{count} of {attack.records}** {verb} ({of_thousand(interval)})"


def curve_sentence(finding: Finding, outcomes: Outcomes, *, looks: int, eta: float) -> str:
    """Returns how many fall below the threshold at the present budget."""
    outcome = outcomes[finding.nearest.target_epsilon, looks]
    what = attacked_nouns(finding.evidence)
    return (
        f"At {nearest_budget(finding)} and {name_looks(looks)}, **{share_words(outcome.below(eta))}** {what} come back "
        f"with an error below η = {eta:.2f}. Half of them come back better than {outcome.median_error:.2f}. The paper "
        f"counts below η = {ETA:.2f}; move the threshold to see how much hangs on that choice."
    )


def measure_rows(outcomes: Outcomes, budget: float) -> list[tuple[str, list[str]]]:
    """Returns the other measures: name, and its value for each number of looks, rising."""
    found = [outcomes[budget, looks] for looks in looks_of(outcomes)]
    is_table = any(math.isnan(o.psnr) for o in found)
    name = "relative distance" if is_table else "error 1 − SSIM"
    rows = [
        (f"{name}, median (0 = identical)", [f"{o.median_error:.2f}" for o in found]),
        ("correlation, median (1 = identical)", [f"{o.correlation:z.2f}" for o in found]),
        (
            f"named among {found[0].candidates} (guessing: 1)",
            [f"{o.matched.successes} of {o.matched.trials}" for o in found],
        ),
    ]
    if not is_table:
        rows.insert(
            1, ("peak signal-to-noise, median, dB (from about 30 hard to tell apart)", [f"{o.psnr:.1f}" for o in found])
        )
    return rows


def budget_words(epsilon: float, evidence: Evidence, counted: Counted) -> str:
    """Returns a nominal budget of `variation_rows` as the visitor counts it."""
    if math.isnan(epsilon):
        return "not even without DP"
    if math.isinf(epsilon):
        return "only without DP"
    return f"ε ≥ {format_epsilon(count_budget(epsilon, evidence, counted))}"


def count_budget(target_epsilon: float, evidence: Evidence, counted: Counted) -> float:
    """Returns a nominal budget under the chosen accountant."""
    same = [p for p in evidence.measured if math.isclose(p.target_epsilon, target_epsilon, rel_tol=1e-9)]
    return same[0].epsilon(counted) if same else target_epsilon


def where_it_holds(finding: Finding, outcomes: Outcomes, variations: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns where the paper's “0 %” holds here and where not, each sentence computed."""
    evidence, counted = finding.evidence, finding.counted
    looks, what = looks_of(outcomes), attacked_nouns(evidence)
    if PAPER_NOTHING not in budgets(outcomes):
        return ["This sweep lacks the paper’s budget of 10⁹, so its “0 %” cannot be compared here."]
    one, every = (outcomes[PAPER_NOTHING, k] for k in (looks[0], looks[-1]))
    rebuilt_once, rebuilt_always = one.below(ETA), every.below(ETA)
    holds = "**holds here**" if rebuilt_once.successes == 0 else "**does not hold here**"
    claim = f"The paper finds that no picture comes back at a nominal ε = 10⁹, from one look. That {holds}"
    if evidence.spec.kind != "image":
        claim = "The paper’s “no picture comes back at ε = 10⁹” is about pictures. Short rows of numbers differ"
    points = [
        f"{claim}: {share_words(rebuilt_once)} {what} are rebuilt. An attacker with {name_looks(looks[-1])} rebuilds "
        f"{share_words(rebuilt_always)}.",
        f"It speaks of rebuilding, not of recognising: at the same budget the right one of {one.candidates} is named "
        f"for {one.matched.successes} from one look, {every.matched.successes} from {name_looks(looks[-1])}.",
        _first_sentence(outcomes, evidence, counted),
    ]
    small = sorted(
        (row for row in variations if _plain(row) and not math.isnan(row["rebuilt_from"])), key=lambda row: row["side"]
    )
    if len({row["side"] for row in small}) > 1:
        low, high = small[0], small[-1]
        points.append(
            f"It depends on size: half of the {low['side']}-pixel pictures fall from one look "
            f"{_from(low['rebuilt_from'], evidence, counted)}, half of the {high['side']}-pixel ones "
            f"{_from(high['rebuilt_from'], evidence, counted)}."
        )
    return points


def _plain(row: Mapping[str, Any]) -> bool:
    return bool(
        row["attack"] == "imprint" and row["batch_size"] == 1 and row["denoiser"] == "none" and row["looks"] == 1
    )


def _from(epsilon: float, evidence: Evidence, counted: Counted) -> str:
    if math.isinf(epsilon):
        return "only without DP"
    return f"from {name_budget(count_budget(epsilon, evidence, counted))} on"


def _first_sentence(outcomes: Outcomes, evidence: Evidence, counted: Counted) -> str:
    words = []
    for looks in looks_of(outcomes):
        first = first_rebuilt(outcomes, looks)
        found = "never" if math.isnan(first) else _from(first, evidence, counted)
        words.append(f"{found} from {name_looks(looks)}")
    return f"The first of them is rebuilt {', '.join(words)}. Below that, none of those attacked came back."
