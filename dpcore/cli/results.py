"""`python -m dpcore results`: prints precomputed results."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from dpcore.cli._options import DatasetOption, JsonOption, OutOption
from dpcore.cli.errors import one_sentence_errors
from dpcore.results.metrics import Metric, get_metric_from_name
from dpcore.results.numbers import short_number
from dpcore.results.store import DEFAULT_FOLDER, PrecomputedStore

if TYPE_CHECKING:
    import pandas as pd

_TABLE_WIDTH = 125


@one_sentence_errors
def results(
    *,
    dataset: DatasetOption,
    model: Annotated[str | None, typer.Option(help="Architecture. Default: the dataset's main model.")] = None,
    out: OutOption = DEFAULT_FOLDER,
    as_json: JsonOption = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
) -> None:
    """Print a dataset's results: a table with one row a budget, or with --json one row a training run."""
    store = PrecomputedStore(folder=out)
    models = store.models(dataset)
    model = model or models[0]
    if as_json:
        # 15 digits keep σ at 1e-7; NaN and infinity, which JSON lacks, become null.
        typer.echo(store.table("runs", dataset, model).to_json(orient="records", double_precision=15, indent=1))
        return
    points = store.table("points", dataset, model)
    metric = get_metric_from_name(str(points["metric"].iloc[0]))
    headings, rows = _headings(metric), [_row(point, metric) for _, point in points.iterrows()]
    if as_markdown:
        rule = ["---:"] * len(headings)
        typer.echo("\n".join(f"| {' | '.join(cells)} |" for cells in (headings, rule, *rows)))
        return
    title = f"{dataset}, {model}: mean ± standard deviation over {points['seeds'].min()} trainings a budget"
    devices = {name for names in points["device"] for name in names.split(" and ")}
    if others_than_cpu := sorted(devices - {"cpu"}):
        title += f", on {' and '.join([*others_than_cpu, *sorted(devices & {'cpu'})])}"
    _print_table(title, headings, rows)
    if others := [other for other in models if other != model]:
        typer.echo(f"Other models trained on it: {', '.join(others)}. See --model.")


def _print_table(title: str, headings: tuple[str, ...], rows: list[list[str]]) -> None:
    table = Table(title=title, box=None, title_justify="left")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    # A narrow terminal wraps whole lines; cells cut to “0.…” would be of no use.
    console = Console()
    console.width = max(console.width, _TABLE_WIDTH)
    console.print(table)


def _headings(metric: Metric) -> tuple[str, ...]:
    scores = (metric.short, metric.second[1])
    return ("ε", "σ", "ε, tight", *scores, "t-test p", "TOST p", "worst case", "relaxed", "s", "Wh (est.)")


def _spread(point: pd.Series, mean: str) -> str:
    value = point[mean]
    return "–" if value != value else f"{value:.3f} ± {point[mean.replace('_mean', '_sd')]:.3f}"


def _known(number: float) -> str:
    return "–" if math.isnan(number) else short_number(number)


def _row(point: pd.Series, metric: Metric) -> list[str]:
    no_dp = point["target_epsilon"] != point["target_epsilon"]
    return [
        "no DP" if no_dp else short_number(point["target_epsilon"]),
        short_number(point["noise_multiplier"]),
        "–" if no_dp else short_number(point["epsilon_tight"]),
        _spread(point, "utility_mean"),
        _spread(point, metric.second[0]),
        "–" if no_dp else f"{point['p_ttest']:.2g}",
        "–" if no_dp else f"{point['p_tost']:.2g}",
        f"{100 * point['worst_case']:.3g} %",
        f"{100 * point['relaxed']:.3g} %",
        _known(point["seconds_mean"]),
        _known(point["watt_hours_mean"]),
    ]
