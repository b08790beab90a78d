"""Claims about budgets: what ε and δ mean, add up to and protect. Each card runs its calculation when asked for."""

from __future__ import annotations

import math

from dpcore import privacy
from dpcore.claims import published, rows
from dpcore.claims.card import Card
from dpcore.claims.published import DELTA
from dpcore.privacy import DpSgdMechanism


def odds_card(*, prior_percent: float = 50.0, epsilon: float = 10.0) -> Card:
    """e^ε multiplies odds, not probability; raises InvalidValue for a prior outside (0, 100) or an ε below 0."""
    prior, factor = prior_percent / 100, math.exp(epsilon)
    posterior = privacy.get_largest_posterior(prior, epsilon)
    wrong = prior * factor
    close = posterior / prior > 0.99 * factor
    finding = (
        "What can grow so much is not how sure an attacker is, but the odds: how often the suspicion is right for each "
        "time it is wrong. Nobody becomes surer than 100 %."
    )
    return Card(
        name="odds",
        claim=f"At ε = {epsilon:g} an attacker becomes {_large(factor)} times as sure.",
        outcome="holds" if close else "differs",
        finding=f"{finding} With so small a belief and ε the two are nearly the same." if close else finding,
        lines=(
            ("sure before", f"{prior_percent:g} %: {_odds(privacy.get_odds(prior))}"),
            (f"ε = {epsilon:g} lets these odds grow at most", f"{_large(factor)}-fold"),
            ("sure afterwards, at most", f"{_belief(posterior)}: {_odds(privacy.get_odds(prior) * factor)}"),
            (
                "if being sure itself grew so much",
                f"{_large(100 * wrong)} %{': impossible' if wrong > 1 else ''}",
            ),
            ("so being sure grows at most", f"{posterior / prior:.5g}-fold"),
        ),
        exact=(
            "ε-DP bounds the likelihood ratio by e^ε, so posterior odds ≤ e^ε · prior odds: a belief p becomes at most "
            "p·e^ε / (1 − p + p·e^ε). This is for δ = 0."
        ),
    )


def _large(value: float) -> str:
    if value < 100:
        return f"{value:.3g}"
    return f"{value:,.0f}" if value < 1e9 else rows.short(value)


def _odds(odds: float) -> str:
    many = _large(max(odds, 1 / odds))
    if many == "1":
        return "right as often as wrong"
    return f"right {many} times for each time wrong" if odds > 1 else f"wrong {many} times for each time right"


def _belief(probability: float) -> str:
    """With so many digits that a belief short of certainty never reads as 100 %."""
    if probability > 1 - 1e-12:
        return "all but 100 %"
    return f"{100 * probability:.{max(3, math.ceil(-math.log10(1 - probability)) - 2)}f} %"


def nominal_card() -> Card:
    """What the largest nominal budgets really were."""
    found = rows.recounts()
    return Card(
        name="nominal",
        claim="The budgets were 10⁹ and 10¹².",
        outcome="depends",
        finding=(
            "It depends on who counts. At large budgets the paper's way of counting adds up as if every step had used "
            "the image; counted tightly, the same noise is a far smaller ε. The noise, and so the risk, is the same."
        ),
        lines=tuple(
            (
                f"{r.dataset}: nominal {rows.short(r.nominal)}, σ = {rows.short(r.noise_multiplier)}",
                f"tight ε = {rows.short(r.tight)}, {r.nominal / r.tight:.3g} times less",
            )
            for r in found
        ),
        exact="RDP's smallest order is 1.1: at large budgets it counts 1.1·T/(2σ²), T steps, whatever the sample rate.",
    )


def delta_card(*, num_train: float = 10_000, delta: float = DELTA) -> Card:
    """δ against 1/N for each dataset of the paper and for one of `num_train` records."""
    sizes: dict[str, int] = {training.dataset: training.num_train for training in published.TRAININGS}
    sizes["your own"] = int(num_train)
    expected = {name: size * delta for name, size in sizes.items()}
    close = " and ".join(name for name, value in expected.items() if value > 0.1)
    return Card(
        name="delta",
        claim=f"δ = {rows.short(delta)} is a safe choice for every dataset.",
        outcome="depends" if close else "holds",
        finding=(
            "δ is the chance with which the promise may fail. It must be well below one in all the records: whoever "
            "publishes each record outright with that chance keeps the promise too. "
            + (f"It is not well below for {close}." if close else "It is well below for all of them.")
        ),
        lines=tuple(
            (
                f"{name}: δ·N, records such a release would publish",
                f"{sizes[name]:,} × {rows.short(delta)} = {rows.short(value)}",
            )
            for name, value in expected.items()
        ),
        exact="Publishing each record with probability δ satisfies (0, δ)-DP; so δ ≪ 1/N is asked for.",
    )


def refresh_card(*, months: float = 12) -> Card:
    """Monthly budgets of ε = 1 are not ε = 1 together."""
    month, count = 1.0, int(months)
    mechanism = rows.mechanism_of(published.HAM10000, month, "tight")
    total = privacy.get_epsilon_from_mechanisms([mechanism] * count, delta=DELTA, accountant="tight")
    one, together = (
        float(privacy.get_trade_off_from_mechanisms([mechanism] * many).gamma(1 / published.HAM10000.num_train))
        for many in (1, count)
    )
    return Card(
        name="refresh",
        claim="A budget that is refreshed every month stays small.",
        outcome="differs" if count > 1 and total > month else "holds",
        finding="What has been released stays released: losses of the past months add up, whatever the ledger says.",
        lines=(
            ("one month, HAM10000's training, counted tightly", f"ε = {month:g}"),
            ("worst case after one month", privacy.describe_probability(one)),
            (f"after {count} such month{'s' if count > 1 else ''}, all together", f"ε = {total:.2f}"),
            (f"worst case after {count} month{'s' if count > 1 else ''}", privacy.describe_probability(together)),
        ),
    )


def group_card(*, images: float = 5) -> Card:
    """Budgets are per image; a patient with k images has at most group privacy."""
    mechanism = rows.mechanism_of(published.HAM10000, 8.0)
    most = int(images)
    lines = []
    for k in sorted({k for k in (1, 2, 3, 5) if k < most} | {most}):
        epsilon = privacy.get_patient_epsilon_from_mechanism(
            mechanism, delta=DELTA, accountant="rdp", records_per_patient=k
        )
        curve = privacy.get_patient_trade_off_from_mechanism(mechanism, records_per_patient=k)
        risk = privacy.describe_probability(float(curve.gamma(1 / published.HAM10000.num_train)))
        budget = f"ε = {epsilon:.3g}" if math.isfinite(epsilon) else "no finite ε"
        lines.append((f"{k} image{'s' if k > 1 else ''} of one patient", f"{budget}, worst case {risk}"))
    return Card(
        name="group",
        claim="Every patient is protected with ε = 8.",
        outcome="depends" if most > 1 else "holds",
        finding=(
            "The budget is for one image. A patient with several in the training is promised less, and with every "
            "further image less still."
        ),
        lines=tuple(lines),
        exact=(
            "Group privacy: with full batches k images shift the sum k-fold; otherwise each step holds a binomial "
            "number of them."
        ),
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
