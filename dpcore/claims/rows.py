"""Every published number with ours beside it and a verdict, computed when asked for."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from dpcore import privacy
from dpcore.claims import published
from dpcore.claims.edgeworth import get_edgeworth_gamma_from_mechanism
from dpcore.claims.published import DELTA, PublishedBound, Training
from dpcore.claims.verdict import ClaimRow, Outcome, agrees, verdict
from dpcore.privacy import Accountant, DpSgdMechanism

#: Why the bounds we compute may differ in the last digit from printed ones.
EXPANSION_NOTE = "The paper's bounds are five-cumulant Edgeworth approximations; ours are exact."


def mechanism_of(training: Training, epsilon: float, accountant: Accountant = "rdp") -> DpSgdMechanism:
    """Returns the least noise that keeps the paper's training within ε at δ = 8e-7."""
    target = privacy.PrivacyTarget(epsilon=epsilon, delta=DELTA, accountant=accountant)
    return privacy.calibrate(target, sample_rate=training.sample_rate, steps=training.steps)


def step_rows() -> tuple[ClaimRow, ...]:
    """Returns the numbers of steps, by the paper's formula."""
    rows = []
    for training in published.TRAININGS:
        steps = training.steps_of(training.num_train)
        printed = str(training.steps)
        outcome, reason = verdict(printed, steps)
        if training is published.RADIMAGENET:
            low, high = _records_that_give(training)
            reason += f"; the number of records is our guess, any from {low:,} to {high:,} gives these steps"
        rows.append(
            ClaimRow(
                group="steps",
                dataset=training.dataset,
                what=f"⌊⌊{training.num_train:,} / {training.micro_batch}⌋ / {training.accumulation}⌋ · "
                f"{training.epochs} steps",
                published=f"{training.steps:,}",
                ours=f"{steps:,}",
                value=float(steps),
                outcome=outcome,
                reason=reason,
            )
        )
    return tuple(rows)


def bound_rows(
    printed: Sequence[PublishedBound] = published.BOUNDS, accountant: Accountant = "rdp"
) -> tuple[ClaimRow, ...]:
    """Returns the proven bounds: published, and exact with the paper's accountant or another."""
    return tuple(_bound_row(claim, accountant) for claim in printed)


def _bound_row(claim: PublishedBound, accountant: Accountant) -> ClaimRow:
    training = claim.training
    trade_off = privacy.get_trade_off_from_mechanism(mechanism_of(training, claim.epsilon, accountant), claim.tier)
    value = 100 * float(trade_off.gamma(1 / training.num_train))
    outcome, reason = verdict(claim.printed, value)
    if outcome == "differs":
        reason = f"{reason}; unresolved: see the variants below"
    elif training is published.RADIMAGENET:
        reason = f"{reason}; {_approximation_note(claim)}"
    who = "worst case" if claim.tier == "worst_case" else "relaxed"
    return ClaimRow(
        group="bounds",
        dataset=training.dataset,
        what=f"{who}, {budget_words(claim.epsilon)}",
        published=f"{claim.printed} %",
        ours=f"{value:.4g} %",
        value=value,
        outcome=outcome,
        reason=reason,
    )


def _approximation_note(claim: PublishedBound) -> str:
    approximate = 100 * get_edgeworth_gamma_from_mechanism(
        mechanism_of(claim.training, claim.epsilon), 1 / claim.training.num_train
    )
    return f"{approximate:.2g} % by the paper's Edgeworth approximation"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """RadImageNet at ε = 32, worst case, computed one way."""

    num_train: int
    steps: int
    accountant: Accountant
    method: Literal["exact", "Edgeworth"]
    noise_multiplier: float
    #: Per cent.
    value: float
    #: Whether it reads as the printed 15 %.
    agrees: bool

    @property
    def difference(self) -> float:
        """Percentage points above the printed value."""
        return self.value - float(UNRESOLVED.printed)


UNRESOLVED = next(b for b in published.BOUNDS if b.training is published.RADIMAGENET and b.epsilon == 32)


@lru_cache(maxsize=1)
def radimagenet_variants() -> tuple[Variant, ...]:
    """Returns the bound under each possible number of records, accountant and way of composing."""
    low, high = _records_that_give(published.RADIMAGENET)
    made = []
    for num_train in (low, published.RADIMAGENET.num_train, high):
        for accountant in privacy.ACCOUNTANTS:
            target = privacy.PrivacyTarget(epsilon=UNRESOLVED.epsilon, delta=DELTA, accountant=accountant)
            rate = published.RADIMAGENET.expected_batch_size / num_train
            mechanism = privacy.calibrate(target, sample_rate=rate, steps=published.RADIMAGENET.steps)
            exact = float(privacy.get_trade_off_from_mechanism(mechanism).gamma(1 / num_train))
            expanded = get_edgeworth_gamma_from_mechanism(mechanism, 1 / num_train)
            for method, gamma in (("exact", exact), ("Edgeworth", expanded)):
                made.append(
                    Variant(
                        num_train=num_train,
                        steps=published.RADIMAGENET.steps,
                        accountant=accountant,
                        method="exact" if method == "exact" else "Edgeworth",
                        noise_multiplier=mechanism.noise_multiplier,
                        value=100 * gamma,
                        agrees=agrees(UNRESOLVED.printed, 100 * gamma),
                    )
                )
    return tuple(made)


def _records_that_give(training: Training) -> tuple[int, int]:
    """The fewest and the most records with the printed number of steps."""
    batches = training.steps // training.epochs
    fewest = batches * training.expected_batch_size
    return fewest, fewest + training.expected_batch_size - 1


@dataclass(frozen=True, kw_only=True)
class Recount:
    """What a nominal budget of the paper really was."""

    dataset: str
    nominal: float
    noise_multiplier: float
    tight: float


@lru_cache(maxsize=1)
def recounts() -> tuple[Recount, ...]:
    """Returns the paper's largest nominal (RDP) budgets, counted tightly at the same noise."""
    made = []
    for training, nominal in ((published.HAM10000, 1e9), (published.MSD_LIVER, 1e9), (published.RADIMAGENET, 1e12)):
        mechanism = mechanism_of(training, nominal)
        tight = privacy.get_epsilon_from_mechanism(mechanism, delta=DELTA, accountant="tight")
        made.append(
            Recount(
                dataset=training.dataset,
                nominal=nominal,
                noise_multiplier=mechanism.noise_multiplier,
                tight=tight,
            )
        )
    return tuple(made)


_NOT_HERE = "not trained or attacked here, so nothing is said about it"


def unchecked(group: str, dataset: str, what: str, published_text: str, reason: str = _NOT_HERE) -> ClaimRow:
    """Returns the row of a claim for which nothing is measured here."""
    outcome: Outcome = "unchecked"
    return ClaimRow(
        group=group,
        dataset=dataset,
        what=what,
        published=published_text,
        ours="not measured",
        value=None,
        outcome=outcome,
        reason=reason,
    )


def budget_words(epsilon: float) -> str:
    """Returns "ε = 1e9" or "no DP"."""
    return "no DP" if math.isinf(epsilon) else f"ε = {short(epsilon)}"


def short(value: float) -> str:
    """Returns three digits: "8", "3.45e8", "8e-7"."""
    return re.sub(r"e([+-])0*", lambda m: "e" + m[1].strip("+"), f"{value:.3g}")


__all__ = [
    "EXPANSION_NOTE",
    "UNRESOLVED",
    "Recount",
    "Variant",
    "bound_rows",
    "budget_words",
    "mechanism_of",
    "radimagenet_variants",
    "recounts",
    "short",
    "step_rows",
    "unchecked",
]
