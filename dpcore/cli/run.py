"""`python -m dpcore run`: one training of the live lab, and what attacks get of its model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from dpcore.cli._options import DataOption, DatasetOption, JsonOption
from dpcore.cli._progress import step_report
from dpcore.cli.errors import one_sentence_errors
from dpcore.errors import InvalidValue
from dpcore.jobs.outcomes import TaskProgress
from dpcore.jobs.tasks import RunSettings
from dpcore.privacy import check_accountant
from dpcore.settings import TrainingConfig


@one_sentence_errors
def run(
    *,
    dataset: DatasetOption,
    model: Annotated[str, typer.Option(help="Architecture, such as small_cnn.")],
    epochs: Annotated[int, typer.Option(help="Passes over the training records in expectation.")],
    batch: Annotated[int, typer.Option(help="Expected batch size.")],
    max_grad_norm: Annotated[float | None, typer.Option(help="Clipping norm, L2; needed with DP.")] = None,
    epsilon: Annotated[float | None, typer.Option(help="Budget of the training, above 0.")] = None,
    noise_multiplier: Annotated[float | None, typer.Option(help="The noise itself (σ) instead of a budget.")] = None,
    no_dp: Annotated[bool, typer.Option("--no-dp", help="Train without clipping and noise.")] = False,
    learning_rate: Annotated[float, typer.Option(help="Of NAdam.")] = TrainingConfig.learning_rate,
    positive_weight: Annotated[
        float, typer.Option(help="Weight of a positive record or pixel, from public knowledge.")
    ] = TrainingConfig.positive_weight,
    multiplicity: Annotated[
        int, typer.Option(help="Views of a record, averaged before clipping.")
    ] = TrainingConfig.multiplicity,
    flips: Annotated[bool, typer.Option(help="Mirror every view at random.")] = TrainingConfig.flips,
    delta: Annotated[float, typer.Option(help="δ of (ε, δ)-DP, above 0 and below 1.")] = RunSettings.delta,
    accountant: Annotated[str, typer.Option(help="rdp (as in the paper) or tight.")] = RunSettings.accountant,
    seed: Annotated[int, typer.Option(help="Of weights, batches, views and noise.")] = TrainingConfig.seed,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train once, attack the model, and print what each got; the same settings give the live lab's numbers."""
    _check_one_of(epsilon=epsilon, noise_multiplier=noise_multiplier, no_dp=no_dp or None)
    if max_grad_norm is None and not no_dp:
        raise InvalidValue("max_grad_norm must be given with DP, but is not.")
    settings = RunSettings(
        dataset=dataset,
        training=TrainingConfig(
            model=model,
            epochs=epochs,
            expected_batch_size=batch,
            max_grad_norm=1.0 if max_grad_norm is None else max_grad_norm,
            learning_rate=learning_rate,
            positive_weight=positive_weight,
            multiplicity=multiplicity,
            flips=flips,
            seed=seed,
        ),
        epsilon=epsilon,
        noise_multiplier=noise_multiplier,
        delta=delta,
        accountant=check_accountant(accountant),
    )
    with step_report() as show:
        outcome = _perform(settings, data, show)
    if as_json:
        outcome = {name: value for name, value in outcome.items() if name != "pictures"}
        typer.echo(json.dumps({"settings": settings.to_json(), "outcome": outcome}, indent=1, allow_nan=False))
        return
    _print(settings, outcome)


def _perform(settings: RunSettings, data: Path | None, show: Callable[[TaskProgress], None]) -> dict[str, Any]:
    from dpcore.jobs.work import perform_task

    # Ctrl-C stops it by itself: nothing else has to be asked.
    return perform_task(settings, report=show, check=lambda: None, data_path=str(data) if data else None)


def _check_one_of(**named: object) -> None:
    given = [name for name, value in named.items() if value is not None]
    if len(given) != 1:
        raise InvalidValue(
            f"Exactly one of {', '.join(named)} must be given, but given are: {', '.join(given) or 'none'}."
        )


def _print(settings: RunSettings, outcome: dict[str, Any]) -> None:
    training = settings.training
    typer.echo(
        f"{settings.dataset}, {training.model}: {outcome['num_train']:,} records, batch "
        f"{training.expected_batch_size}, {training.epochs} epochs, {outcome['steps']:,} steps in "
        f"{outcome['seconds']:.1f} s"
    )
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for row in (*_utility_rows(outcome), *_privacy_rows(settings, outcome), *_attack_rows(outcome)):
        table.add_row(*row)
    Console().print(table)


def _utility_rows(outcome: dict[str, Any]) -> list[tuple[str, str]]:
    scores = ", ".join(f"{name} {value:.3f}" for name, value in outcome["scores"].items())
    return [(f"measured on {outcome['num_test']:,} test records", scores)]


def _privacy_rows(settings: RunSettings, outcome: dict[str, Any]) -> list[tuple[str, str]]:
    if not settings.is_private:
        return [("noise multiplier σ", "0: without DP, no ε is finite")]
    return [
        ("noise multiplier σ", f"{outcome['noise_multiplier']:.6g}"),
        (f"ε at δ = {settings.delta:g}, counted as in the paper (RDP)", f"{outcome['epsilon_rdp']:.6g}"),
        (f"ε at δ = {settings.delta:g}, counted tightly", f"{outcome['epsilon_tight']:.6g}"),
    ]


def _attack_rows(outcome: dict[str, Any]) -> list[tuple[str, str]]:
    attack, members = outcome["attack"], outcome["membership"]
    found, false = members["at_001"]
    return [
        *(
            (
                f"imprint attack, {look['looks']} {'look' if look['looks'] == 1 else 'looks'}, measured",
                f"{look['rebuilt']} of {attack['attacked']} rebuilt, {look['matched']} matched, median error "
                f"{look['median_error']:.3g}",
            )
            for look in attack["looks"]
        ),
        (
            "membership by loss threshold, measured",
            f"AUC {members['auc']:.3f}; {found:,} of {members['members']:,} members found with {false:,} of "
            f"{members['non_members']:,} others accused",
        ),
    ]
