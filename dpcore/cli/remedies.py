"""`python -m dpcore advise` and `python -m dpcore profile`: what to try where DP did not work."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from dpcore import _validate, datasets, privacy
from dpcore.cli._options import DataOption, DatasetOption, JsonOption, PlanOption
from dpcore.cli.errors import one_sentence_errors
from dpcore.cli.privacy import PAPER_DELTA
from dpcore.errors import InvalidValue
from dpcore.settings import Advice, TrainingConfig, get_advice, models_for

if TYPE_CHECKING:
    from dpcore.training.profile import ClipNormProfile, GradientNorms

ModelOption = Annotated[str | None, typer.Option(help="Architecture. Default: the plan's first for the dataset.")]

_BAR = 40


@one_sentence_errors
def advise(
    *,
    dataset: DatasetOption,
    plan: PlanOption = "default",
    model: ModelOption = None,
    epsilon: Annotated[float, typer.Option(help="Budget of the training, above 0.")] = 8.0,
    delta: Annotated[float, typer.Option(help="δ of (ε, δ)-DP, above 0 and below 1.")] = PAPER_DELTA,
    accountant: Annotated[str, typer.Option(help="rdp (as in the paper) or tight.")] = "rdp",
    batch: Annotated[int | None, typer.Option(help="Expected batch size in place of the plan's.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs in place of the plan's.")] = None,
    num_train: Annotated[int | None, typer.Option(help="Training records. Default: counted in the data.")] = None,
    prevalence: Annotated[float | None, typer.Option(help="Published share of positive records.")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what the sources would advise before a training of the plan starts; nothing is trained."""
    known = privacy.check_accountant(accountant)
    target = privacy.PrivacyTarget(epsilon=epsilon, delta=delta, accountant=known)
    planned = _config(plan, dataset, model)
    config = dataclasses.replace(
        planned,
        expected_batch_size=planned.expected_batch_size if batch is None else batch,
        epochs=planned.epochs if epochs is None else epochs,
    )
    if num_train is None:
        num_train = len(datasets.load(dataset, data_path=data).split.train)
    rate, steps = config.sample_rate(_validate.whole(num_train=num_train)), config.steps(num_train)
    mechanism = privacy.calibrate(target, sample_rate=rate, steps=steps)

    size = {"num_train": num_train, "num_parameters": _count_parameters(config, dataset)}
    found = get_advice(
        config,
        **size,
        mechanism=mechanism,
        delta=delta,
        accountant=known,
        prevalence=prevalence,
        pictures=datasets.spec(dataset).kind == "image",
    )
    about = {"dataset": dataset, **dataclasses.asdict(config), **size, "target_epsilon": epsilon, "delta": delta}
    _print_advice({**about, "accountant": known, **dataclasses.asdict(mechanism)}, found, as_json=as_json)


@one_sentence_errors
def profile(
    *,
    dataset: DatasetOption,
    plan: PlanOption = "default",
    model: ModelOption = None,
    epochs: Annotated[int, typer.Option(help="Epochs without DP before the second look.")] = 1,
    records: Annotated[int, typer.Option(help="Training records to look at.")] = 1000,
    on_private_data: Annotated[
        bool, typer.Option("--on-private-data", help="Look at real records, although no budget pays for it.")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print how large single records' gradients are, at the start and after a short training without DP."""
    config = _config(plan, dataset, model)

    from dpcore.training.profile import check_permission, get_clip_norm_profile

    # Before the data is read: there may be none.
    check_permission(datasets.spec(dataset), on_private_data=on_private_data)
    found = get_clip_norm_profile(
        datasets.load(dataset, data_path=data),
        config,
        epochs=epochs,
        num_records=records,
        on_private_data=on_private_data,
    )
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(found), indent=1))
        return
    _print_profile(found)


def _config(plan: str, dataset: str, model: str | None) -> TrainingConfig:
    """The plan's settings for that dataset, of another model if one is named; raises InvalidValue if it has none."""
    spec = datasets.spec(dataset)

    from dpcore.sweep.plan import read_plan

    planned = [d for d in read_plan(plan).datasets if d.name == dataset]
    if not planned:
        raise InvalidValue(f"dataset must be one of the plan {plan}, but is {dataset!r}.")
    if model is None:
        return planned[0].config(seed=0)
    if model not in models_for(spec):
        raise InvalidValue(f"model must be one of {', '.join(models_for(spec))} for {dataset}, but is {model!r}.")
    own = next((d for d in planned if d.model == model), planned[0])
    return own.config(seed=0, model=model)


def _count_parameters(config: TrainingConfig, dataset: str) -> int:
    from dpcore.models import build_model

    spec = datasets.spec(dataset)
    network = build_model(config.model, spec.record_shape, seed=0, num_classes=spec.num_classes)
    return sum(p.numel() for p in network.parameters())


def _print_advice(about: dict[str, Any], found: tuple[Advice, ...], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({**about, "advice": [dataclasses.asdict(a) for a in found]}, indent=1))
        return
    typer.echo(
        "{dataset}, {model} with {num_parameters:,} weights: {num_train:,} records, batch {expected_batch_size}, "
        "{epochs} epochs, {steps:,} steps, ε = {target_epsilon:g}, σ = {noise_multiplier:.4g}".format(**about)
    )
    table = Table(show_header=False, box=None, padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for advice in found:
        table.add_row(advice.severity, advice.text)
    Console().print(table)


def _print_profile(found: ClipNormProfile) -> None:
    typer.echo(f"{found.dataset}, {found.model}: L2 norms of single records' gradients before clipping")
    if found.warning:
        typer.echo(found.warning)
    for norms in (found.initial, found.trained):
        _print_norms(norms, found.max_grad_norm)


def _print_norms(norms: GradientNorms, max_grad_norm: float) -> None:
    epochs = "1 epoch" if norms.epochs == 1 else f"{norms.epochs} epochs"
    when = f"after {epochs} without DP" if norms.epochs else "freshly initialised"
    typer.echo(
        f"\n{when}, {norms.records} records: 80th percentile {norms.percentile_80:.3g}, 90th "
        f"{norms.percentile_90:.3g}; the plan's clipping norm {max_grad_norm:g} shortens "
        f"{100 * norms.clipped_share:.3g} %"
    )
    most = max(norms.counts)
    for low, high, count in zip(norms.edges, norms.edges[1:], norms.counts, strict=False):
        typer.echo(f"{low:9.3g} – {high:<9.3g} {count:6} {'█' * round(_BAR * count / most)}".rstrip())
