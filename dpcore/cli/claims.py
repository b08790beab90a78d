"""`python -m dpcore claims`: published numbers beside ours."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

from dpcore.cli._options import JsonOption, OutOption
from dpcore.cli.errors import one_sentence_errors
from dpcore.results.store import DEFAULT_FOLDER, PrecomputedStore

if TYPE_CHECKING:
    from dpcore.claims import Card, ClaimRow, Variant


#: Narrower, the reasons would be cut into columns of single words.
_TABLE_WIDTH = 140


@one_sentence_errors
def claims(*, out: OutOption = DEFAULT_FOLDER, as_json: JsonOption = False) -> None:
    """Print the paper's numbers with ours beside them, and a verdict on each."""
    from dpcore import claims as core

    store = PrecomputedStore(folder=out)
    rows, variants, cards = core.all_rows(store), core.radimagenet_variants(), core.cards(store)
    if as_json:
        parts = {
            "rows": [asdict(row) for row in rows],
            "radimagenet_epsilon_32": [asdict(variant) for variant in variants],
            "cards": [asdict(card) for card in cards],
        }
        typer.echo(json.dumps(parts, indent=1))
        return
    console = Console()
    console.width = max(console.width, _TABLE_WIDTH)
    console.print(_rows_table(rows))
    console.print(core.EXPANSION_NOTE)
    console.print(_variants_table(variants))
    console.print(_cards_table(cards))


def _rows_table(rows: tuple[ClaimRow, ...]) -> Table:
    table = Table(title="Ziller et al. 2024 and ours (δ = 8e-7)", show_lines=False)
    for heading in ("dataset", "what", "published", "ours", "verdict", "why"):
        table.add_column(heading)
    for row in rows:
        table.add_row(row.dataset, row.what, row.published, row.ours, row.outcome, row.reason)
    return table


def _variants_table(variants: tuple[Variant, ...]) -> Table:
    table = Table(title="RadImageNet, ε = 32, worst case: published 15 %, unresolved")
    for heading in ("N", "accountant", "method", "σ", "ours", "difference"):
        table.add_column(heading, justify="right")
    for v in variants:
        cells = (f"{v.num_train:,}", v.accountant, v.method, f"{v.noise_multiplier:.4f}")
        table.add_row(*cells, f"{v.value:.2f} %", f"{v.difference:+.2f}")
    return table


def _cards_table(cards: tuple[Card, ...]) -> Table:
    table = Table(title="Claims around the paper", show_lines=True)
    for heading in ("claim", "verdict", "calculation", "what it shows"):
        table.add_column(heading)
    for card in cards:
        shown = f"{card.finding} {card.exact}".strip()
        table.add_row(card.claim, card.outcome, "\n".join(f"{k}: {v}" for k, v in card.lines), shown)
    return table
