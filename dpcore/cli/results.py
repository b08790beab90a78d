"""`python -m dpcore results`: prints precomputed results."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Table

from dpcore.cli._options import DatasetOption, JsonOption, OutOption
from dpcore.cli.errors import one_sentence_errors
from dpcore.results.store import DEFAULT_FOLDER, PrecomputedStore


@one_sentence_errors
def results(
    *,
    dataset: DatasetOption,
    out: OutOption = DEFAULT_FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Print a dataset's results: a table with one row a budget, or with --json one row a training run."""
    store = PrecomputedStore(folder=out)
    if as_json:
        # double_precision 15 keeps σ at 1e-7; NaN and infinity, which JSON lacks, become null.
        typer.echo(store.table("runs", dataset).to_json(orient="records", double_precision=15, indent=1))
        return
    table = Table(title=f"{dataset}: mean ± standard deviation over seeds")
    for heading in (
        "ε",
        "σ",
        "ε tight",
        "MCC",
        "AUC",
        "t-test p",
        "TOST p",
        "worst case",
        "relaxed",
        "seconds",
        "Wh (est.)",
    ):
        table.add_column(heading, justify="right")
    for point in store.table("points", dataset).itertuples():
        table.add_row(
            "no DP" if point.target_epsilon != point.target_epsilon else f"{point.target_epsilon:g}",
            f"{point.noise_multiplier:.4g}",
            f"{point.epsilon_tight:.3g}",
            f"{point.mcc_mean:.3f} ± {point.mcc_sd:.3f}",
            f"{point.auc_mean:.3f} ± {point.auc_sd:.3f}",
            f"{point.p_ttest:.2g}",
            f"{point.p_tost:.2g}",
            f"{100 * point.worst_case:.3g} %",
            f"{100 * point.relaxed:.3g} %",
            f"{point.seconds_mean:.1f}",
            f"{point.watt_hours_mean:.3f}",
        )
    Console().print(table)
