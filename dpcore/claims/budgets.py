"""Claims about budgets: what ε and δ mean, add up to and protect. Each card runs its calculation when asked for."""

from __future__ import annotations

import math

from dpcore import privacy
from dpcore.claims import published, rows
from dpcore.claims.card import Card
from dpcore.claims.published import DELTA
from dpcore.claims.verdict import Outcome
from dpcore.privacy import DpSgdMechanism


def odds_card() -> Card:
    """e^ε multiplies odds, not probability."""
    prior, epsilon = 0.5, 10.0
    factor = math.exp(epsilon)
    posterior = privacy.get_largest_posterior(prior, epsilon)
    return Card(
        name="odds",
        claim=f"At ε = {epsilon:g} an attacker becomes {factor:,.0f} times as sure.",
        outcome="differs",
        finding="e^ε multiplies odds, not probability: a belief never exceeds 100 %.",
        lines=(
            ("factor e^ε", f"{factor:,.0f}"),
            ("belief before", f"{prior:.0%}, odds 1 : 1"),
            ("taken as a factor of probability", f"{prior * factor:,.0%}: impossible"),
            ("odds after, at most", f"{privacy.get_odds(prior) * factor:,.0f} : 1"),
            ("belief after, at most", f"{100 * posterior:.3f} %"),
        ),
    )


def nominal_card() -> Card:
    """What the largest nominal budgets really were."""
    found = rows.recounts()
    return Card(
        name="nominal",
        claim="The budgets were 10⁹ and 10¹².",
        outcome="depends",
        finding=(
            "It depends on who counts. RDP's smallest order is 1.1, so at large budgets it counts 1.1·T/(2σ²), as if "
            "every step had used the image. The noise, and so the risk, is the same."
        ),
        lines=tuple(
            (
                f"{r.dataset}: nominal {rows.short(r.nominal)}, σ = {rows.short(r.noise_multiplier)}",
                f"tight ε = {rows.short(r.tight)}, {r.nominal / r.tight:.3g} times less",
            )
            for r in found
        ),
    )


def delta_card() -> Card:
    """δ against 1/N for each dataset of the paper."""
    expected = {t.dataset: t.num_train * DELTA for t in published.TRAININGS}
    well_below = [name for name, value in expected.items() if value <= 0.1]
    outcome: Outcome = "holds" if len(well_below) == len(expected) else "depends"
    close = ", ".join(name for name in expected if name not in well_below)
    return Card(
        name="delta",
        claim=f"δ = {rows.short(DELTA)} is a safe choice for every dataset.",
        outcome=outcome,
        finding=(
            "δ must be well below 1/N: publishing each record outright with probability δ satisfies (0, δ)-DP. "
            + (f"It is not well below for {close}." if close else "It is well below for all three.")
        ),
        lines=tuple(
            (
                f"{t.dataset}: δ·N, records such a release would publish",
                f"{t.num_train:,} × {rows.short(DELTA)} = {rows.short(value)}",
            )
            for t, value in zip(published.TRAININGS, expected.values(), strict=True)
        ),
    )


def refresh_card() -> Card:
    """Twelve monthly budgets of ε = 1 are not ε = 1."""
    month, months = 1.0, 12
    mechanism = rows.mechanism_of(published.HAM10000, month, "tight")
    total = privacy.get_epsilon_from_mechanisms([mechanism] * months, delta=DELTA, accountant="tight")
    one, all_months = (
        float(privacy.get_trade_off_from_mechanisms([mechanism] * count).gamma(1 / published.HAM10000.num_train))
        for count in (1, months)
    )
    return Card(
        name="refresh",
        claim="A budget that is refreshed every month stays small.",
        outcome="differs" if total > month else "holds",
        finding="What has been released stays released: losses of the past months add up, whatever the ledger says.",
        lines=(
            ("one month, HAM10000's training, counted tightly", f"ε = {month:g}"),
            ("worst case after one month", privacy.describe_probability(one)),
            (f"after {months} such months, all together", f"ε = {total:.2f}"),
            (f"worst case after {months} months", privacy.describe_probability(all_months)),
        ),
    )


def group_card() -> Card:
    """Budgets are per image; a patient with k images has at most group privacy."""
    mechanism = rows.mechanism_of(published.HAM10000, 8.0)
    lines = []
    for k in (1, 2, 3, 5):
        epsilon = privacy.get_patient_epsilon_from_mechanism(
            mechanism, delta=DELTA, accountant="rdp", records_per_patient=k
        )
        curve = privacy.get_patient_trade_off_from_mechanism(mechanism, records_per_patient=k)
        risk = privacy.describe_probability(float(curve.gamma(1 / published.HAM10000.num_train)))
        lines.append((f"{k} image{'s' if k > 1 else ''} of one patient", f"ε = {epsilon:.3g}, worst case {risk}"))
    return Card(
        name="group",
        claim="Every patient is protected with ε = 8.",
        outcome="depends",
        finding=(
            "The budget is for one image. Of a patient with k images, group privacy promises less; "
            "with full batches the shift grows k-fold."
        ),
        lines=tuple(lines),
    )


def persistence_card() -> Card:
    """The relaxed attacker draws a fresh sign each step."""
    mechanism = DpSgdMechanism(noise_multiplier=3.0, sample_rate=1.0, steps=20)
    risks = privacy.get_risks_from_mechanism(mechanism, kappa=1e-3)
    persistent = risks.relaxed_persistent or math.nan
    return Card(
        name="persistence",
        claim="No attacker without the image exceeds the relaxed bound.",
        outcome="differs" if persistent > risks.relaxed else "holds",
        finding=(
            "The bound is for one who starts afresh at each step. An unknown direction that stays the same over the "
            "steps gives more, never more than the worst case."
        ),
        lines=(
            ("full batches, 20 steps, σ = 3, κ = 0.1 %", ""),
            ("relaxed, afresh at each step", f"{100 * risks.relaxed:.2f} %"),
            ("relaxed, the same direction", f"{100 * persistent:.2f} %"),
            ("worst case", f"{100 * risks.worst_case:.2f} %"),
        ),
    )
