"""`python -m dpcore calibrate` and `python -m dpcore risk`."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dpcore import privacy
from dpcore.cli._options import JsonOption
from dpcore.cli.errors import one_sentence_errors
from dpcore.results.numbers import round_up

SampleRate = Annotated[float, typer.Option(help="Chance of a record to be in a step's batch, above 0 and at most 1.")]
Steps = Annotated[int, typer.Option(help="Number of noisy gradient releases.")]
Delta = Annotated[float, typer.Option(help="δ of (ε, δ)-DP, above 0 and below 1.")]
NoiseMultiplier = Annotated[float, typer.Option(help="Noise standard deviation / clipping norm, above 0.")]

#: What the paper uses for all datasets.
PAPER_DELTA = 8e-7


@one_sentence_errors
def calibrate(
    *,
    epsilon: Annotated[float, typer.Option(help="Budget that must not be exceeded, above 0.")],
    sample_rate: SampleRate,
    steps: Steps,
    delta: Delta = PAPER_DELTA,
    accountant: Annotated[str, typer.Option(help="rdp (as in the paper) or tight.")] = "rdp",
    as_json: JsonOption = False,
) -> None:
    """Find the least noise that keeps a training within a privacy budget."""
    known = privacy.check_accountant(accountant)
    target = privacy.PrivacyTarget(epsilon=epsilon, delta=delta, accountant=known)
    mechanism = privacy.calibrate(target, sample_rate=sample_rate, steps=steps)
    result = {
        "target_epsilon": epsilon,
        "accountant": accountant,
        "delta": delta,
        "sample_rate": sample_rate,
        "steps": steps,
        "noise_multiplier": mechanism.noise_multiplier,
        **_epsilons(mechanism, delta),
    }
    if as_json:
        _print_json(result)
        return
    rows = [
        ("noise multiplier σ", f"{mechanism.noise_multiplier:.6g}"),
        ("ε, counted as in the paper (RDP)", f"{result['epsilon_rdp']:.6g}"),
        ("ε, counted tightly", f"{result['epsilon_tight']:.6g}"),
        ("ε, central limit (approximation, no bound)", f"{result['epsilon_gdp_approximation']:.6g}"),
    ]
    _print_table(f"ε ≤ {epsilon:g} ({accountant}), δ = {delta:g}, q = {sample_rate:g}, {steps:,} steps", rows)


@one_sentence_errors
def risk(
    *,
    noise_multiplier: NoiseMultiplier,
    sample_rate: SampleRate,
    steps: Steps,
    kappa: Annotated[float, typer.Option(help="Chance of success without the release, such as 1/N.")],
    delta: Delta = PAPER_DELTA,
    as_json: JsonOption = False,
) -> None:
    """Print what is proven about each attacker at a given noise."""
    mechanism = privacy.DpSgdMechanism(noise_multiplier=noise_multiplier, sample_rate=sample_rate, steps=steps)
    risks = privacy.get_risks_from_mechanism(mechanism, kappa=kappa)
    result = {**asdict(mechanism), **asdict(risks), "delta": delta, **_epsilons(mechanism, delta)}
    if as_json:
        _print_json(result)
        return
    _print_table(
        f"σ = {noise_multiplier:g}, q = {sample_rate:g}, {steps:,} steps: at most …", _risk_rows(risks, result)
    )


def _risk_rows(risks: privacy.Risks, result: dict[str, float]) -> list[tuple[str, str]]:
    probability = privacy.describe_probability
    persistent = risks.relaxed_persistent

    def bound(proven: float) -> str:
        return probability(round_up(proven))

    return [
        ("success by guessing, κ", probability(risks.kappa)),
        ("attacker who holds the record (worst case)", bound(risks.worst_case)),
        ("attacker who does not (relaxed)", bound(risks.relaxed)),
        (
            "… with a persistent unknown direction",
            "known at q = 1 only" if persistent is None else bound(persistent),
        ),
        ("membership advantage, TPR − FPR", bound(risks.advantage)),
        ("membership AUC", f"{math.ceil(1e4 * risks.auc) / 1e4:.4f}"),
        ("TPR at FPR 0.1 %", bound(risks.tpr_at_fpr_0_001)),
        ("TPR at FPR 1 %", bound(risks.tpr_at_fpr_0_01)),
        ("relative error of these, estimated", f"{max(risks.error, risks.relaxed_error):.0e}"),
        (f"ε at δ = {result['delta']:g}, as in the paper (RDP)", f"{result['epsilon_rdp']:.6g}"),
        (f"ε at δ = {result['delta']:g}, tight", f"{result['epsilon_tight']:.6g}"),
    ]


def _epsilons(mechanism: privacy.DpSgdMechanism, delta: float) -> dict[str, float]:
    return {
        "epsilon_rdp": privacy.get_epsilon_from_mechanism(mechanism, delta=delta, accountant="rdp"),
        "epsilon_tight": privacy.get_epsilon_from_mechanism(mechanism, delta=delta, accountant="tight"),
        "epsilon_gdp_approximation": privacy.get_approximate_epsilon_from_mechanisms((mechanism,), delta=delta),
    }


def _print_json(result: dict[str, object]) -> None:
    # JSON knows no infinity: null stands for it.
    finite = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in result.items()}
    typer.echo(json.dumps(finite, indent=1))


def _print_table(title: str, rows: list[tuple[str, str]]) -> None:
    table = Table(title=title, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in rows:
        table.add_row(name, value)
    Console().print(table)
