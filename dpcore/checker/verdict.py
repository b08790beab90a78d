"""From a claim to a verdict: what is wrong with it, what it really spends, and what is missing to say so."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from dpcore.checker import mechanism_rules, setting_rules
from dpcore.checker._words import number
from dpcore.checker.claim import Claim, LocalGaussian, SparseVector
from dpcore.checker.composed import MOST_ROUNDS, get_composed_epsilon
from dpcore.checker.finding import PONOMAREVA, SEVERITIES, Finding
from dpcore.checker.missing import get_missing
from dpcore.checker.statements import BOUNDS, Missing, Statement, get_passes, get_steps, state

#: "incomplete": nothing void was found, but something is missing. "sound": neither; what is claimed holds.
Outcome = Literal["void", "incomplete", "weak", "sound"]
OUTCOMES: tuple[Outcome, ...] = ("void", "incomplete", "weak", "sound")

#: Claimed and computed ε as close as this, absolutely or relatively, are one number rounded twice.
_ROUNDED, _ROUNDED_RELATIVE = 0.01, 0.005
#: Findings after which no ε is finite, or none that could be computed describes the training.
_WITHOUT_EPSILON = (
    "switched_off",
    "no_clipping",
    "quantile_without_noise",
    "quantile_noise_too_small",
    "batch_norm",
    "sparse_vector",
)

#: Findings after which ε is infinite, whatever else is stated.
_INFINITE = (
    *("no_noise", "switched_off", "nothing_private", "no_clipping", "quantile_without_noise", "batch_norm"),
    "sparse_vector",
)

_RULES = (
    mechanism_rules.noise,
    mechanism_rules.clipping,
    mechanism_rules.client_filters,
    setting_rules.delta,
    setting_rules.sampling,
    setting_rules.accountant,
    setting_rules.batch_normalisation,
    setting_rules.tuning,
    setting_rules.releases,
    setting_rules.surroundings,
)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The answer to "is this really DP?"."""

    claim: Claim
    outcome: Outcome
    #: The worst first.
    findings: tuple[Finding, ...]
    #: What is spent: first the training itself, then who or what else; empty where no ε can be given.
    statements: tuple[Statement, ...]
    missing: tuple[Missing, ...]

    @property
    def epsilon(self) -> float | None:
        """ε of `compared` by the tight accountant; infinite where nothing bounds it, None where it is not known."""
        if any(finding.name in _INFINITE for finding in self.findings):
            return math.inf
        return self.compared.epsilon_tight if self.compared else None

    @property
    def compared(self) -> Statement | None:
        """The statement to hold against the claimed ε: that of the relation the file names; None if none holds."""
        if not self.is_about_the_training:
            return None
        wanted = "replace" if self.claim.neighbours == "replace" else "training"
        named = [statement for statement in self.statements if statement.name == wanted]
        return next(iter(named or self.statements), None)

    @property
    def is_about_the_training(self) -> bool:
        """Whether the first statement holds as the file stands, not only under a condition."""
        return self.claim.sampling != "unknown"


def check(claim: Claim) -> Verdict:
    """Returns what is wrong with a claim, what it really spends by both accountants, and what is missing.

    ε is given only where everything it needs is stated (or the library's known default). Raises InvalidValue for a
    training beyond what the accountants compute, such as more than 1e9 steps.
    """
    findings = [finding for rule in _RULES for finding in rule(claim)]
    pointless = any(finding.name in _WITHOUT_EPSILON for finding in findings)
    unfiltered = claim.client_filter is None or isinstance(claim.client_filter, LocalGaussian)
    statements = tuple(_statements(claim)) if unfiltered and not pointless else ()
    certain = statements if claim.sampling != "unknown" else ()
    compared = list(_compared(claim, certain))
    findings = [_softened(claim, finding, certain, compared) for finding in findings] + compared
    findings += _per_part(claim, certain)
    missing = () if pointless or not unfiltered or _is_plain(findings) else get_missing(claim)
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return Verdict(
        claim=claim,
        outcome=_outcome(findings, missing),
        findings=tuple(findings),
        statements=statements,
        missing=missing,
    )


def _is_plain(findings: list[Finding]) -> bool:
    """Nothing more is needed to know that ordinary training is not DP."""
    return any(finding.name in ("no_noise", "nothing_private", "switched_off") for finding in findings)


def _softened(claim: Claim, finding: Finding, statements: tuple[Statement, ...], compared: list[Finding]) -> Finding:
    """A weakness is only to be noted where the claimed ε covers it all the same."""
    if finding.severity != "weak":
        return finding
    if finding.name in ("shuffled", "fixed_size"):
        holds = claim.claimed_epsilon is not None and bool(statements) and not compared
        unclaimed = claim.claimed_epsilon is None and claim.dialect in ("flower", "generic")
        return replace(finding, severity="note") if holds or unclaimed else finding
    covering = {"tuning": "all_trainings", "several_releases": "all_trainings", "several_records": "patient"}
    spent = [s.epsilon_tight for s in statements if s.name == covering.get(finding.name)]
    covered = claim.claimed_epsilon is not None and bool(spent) and spent[0] <= claim.claimed_epsilon
    return replace(finding, severity="note") if covered else finding


def _outcome(findings: list[Finding], missing: tuple[Missing, ...]) -> Outcome:
    severities = {finding.severity for finding in findings}
    if "void" in severities:
        return "void"
    if missing:
        return "incomplete"
    return "weak" if "weak" in severities else "sound"


def _statements(claim: Claim) -> Iterator[Statement]:
    if claim.sampling == "unknown":
        yield from _either(claim)
        return
    text = "This training, for one person's record" if claim.unit == "record" else "This training, for one client"
    if isinstance(claim.client_filter, LocalGaussian):
        text = "All rounds together, for all data of one client, against the server"
    base = state(claim, name="training", text=text, sampling=claim.sampling)
    if base is None:
        return
    yield base
    yield from _others(claim)


def _either(claim: Claim) -> Iterator[Statement]:
    """The drawing of batches is not stated: what would hold under each, so that nobody takes one for the other."""
    poisson = state(claim, name="if_poisson", text="Only if batches are Poisson-sampled", sampling="poisson")
    shuffled = state(claim, name="if_shuffled", text="If every pass shuffles the records anew", sampling="shuffle")
    yield from (s for s in (shuffled, poisson) if s is not None)


def _others(claim: Claim) -> Iterator[Statement]:
    sampling, local = claim.sampling, isinstance(claim.client_filter, LocalGaussian)
    # A microbatch's clipped mean moves by two norms at most, whatever is done to a record.
    turned = claim.clipping in ("microbatch", "batch")
    if not local and not turned and (sampling in ("shuffle", "fixed", "full") or claim.neighbours == "replace"):
        text = f"The same if a {claim.unit} is exchanged for another, not left out"
        yield from _known(state(claim, name="replace", text=text, sampling=sampling, records=2))
    trials = 1 if claim.tuning_is_paid or claim.tuning_is_private is False else claim.tuning_trials or 1
    times = trials * claim.releases
    if times > 1:
        text = f"All {times} trainings on the same data together"
        yield from _known(state(claim, name="all_trainings", text=text, sampling=sampling, times=times))
    if claim.records_per_patient > 1:
        text = f"For a patient with {claim.records_per_patient} records"
        yield from _known(state(claim, name="patient", text=text, sampling=sampling, records=claim.records_per_patient))


def _known(statement: Statement | None) -> Iterator[Statement]:
    if statement is not None:
        yield statement


def _compared(claim: Claim, statements: tuple[Statement, ...]) -> Iterator[Finding]:
    """The claimed ε of the whole beside the real one."""
    names = ("replace", "training") if claim.neighbours == "replace" else ("training",)
    real = next((statement for name in names for statement in statements if statement.name == name), None)
    claimed = claim.claimed_epsilon
    if real is None or claimed is None or math.isinf(real.epsilon_tight):
        return
    allowed = claimed + max(_ROUNDED, _ROUNDED_RELATIVE * claimed)
    tight, rdp = number(real.epsilon_tight), number(real.epsilon_rdp)
    if real.epsilon_tight > allowed:
        verb = "does not hold: these settings spend" if real.is_exact else "is not proven: what is proven here is"
        yield Finding(
            name="epsilon_too_small",
            severity="void" if real.is_exact else "weak",
            text=f"The claimed ε = {number(claimed)} {verb} ε = {tight}.",
            engineer=f"At δ = {number(real.delta)}: {tight} by the tight accountant, {rdp} by RDP.",
            field=claim.origin("claimed_epsilon"),
            source="computed here",
        )
    elif real.epsilon_rdp > allowed and BOUNDS.get((claim.accountant or "").lower()) == "rdp":
        yield Finding(
            name="epsilon_by_other_accountant",
            severity="note",
            text=f"The claimed ε = {number(claimed)} holds, though not by the accountant that is named.",
            engineer=f"RDP gives {rdp}, the tight accountant {tight}.",
            field=claim.origin("accountant"),
            source="computed here",
        )


def _per_part(claim: Claim, statements: tuple[Statement, ...]) -> Iterator[Finding]:
    """ε of a round, an epoch or a step, which is not that of the training."""
    part, total = claim.part_epsilon, claim.claimed_epsilon
    count = _count_of_parts(claim)
    if part is None or count == 1 or isinstance(claim.client_filter, SparseVector):
        return
    sold = total is not None and total <= part and count is not None
    if total is not None and not sold:
        return
    many = f", and there are {count:,}" if count else ""
    yield Finding(
        name="epsilon_per_part",
        severity="void" if sold or isinstance(claim.client_filter, LocalGaussian) else "weak",
        text=f"ε = {number(part)} is the price of one {claim.part}, not of the whole training{many}.",
        engineer=_total(claim, part, statements, count),
        field=claim.origin("claimed_epsilon" if sold else "part_epsilon"),
        source=f"Kairouz, Oh & Viswanath (ICML 2015), Theorem 3.3; {PONOMAREVA}",
    )


def _count_of_parts(claim: Claim) -> int | None:
    if claim.part == "epoch":
        return get_passes(claim)
    return claim.rounds if claim.part == "round" and claim.rounds > 1 else get_steps(claim)


def _total(claim: Claim, part: float, statements: tuple[Statement, ...], count: int | None) -> str:
    if statements and not math.isinf(statements[0].epsilon_tight):
        real = statements[0]
        tight, rdp = number(real.epsilon_tight), number(real.epsilon_rdp)
        return f"In all, at δ = {number(real.delta)}: {tight} by the tight accountant, {rdp} by RDP."
    if count is None or claim.delta is None or count > MOST_ROUNDS:
        return "How many there are, and δ, must be stated to add them up."
    epsilon, delta = get_composed_epsilon(part, claim.delta, rounds=count, slack=claim.delta)
    return f"Without knowing the noise, {count:,} of them compose to ε = {number(epsilon)} at δ = {number(delta)}."
