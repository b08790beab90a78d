"""`python -m dpcore attacks`: prints what the attacks got."""

from __future__ import annotations

import dataclasses
import json
import math
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from dpcore.cli._options import DatasetOption, JsonOption, OutOption
from dpcore.cli.errors import one_sentence_errors
from dpcore.results.exposure import Share, audit_rows, membership_rows, reconstruction_rows, variation_rows
from dpcore.results.numbers import short_number
from dpcore.results.store import DEFAULT_FOLDER, PrecomputedStore


class Which(StrEnum):
    """The tables there are."""

    RECONSTRUCTION = "reconstruction"
    VARIATIONS = "variations"
    MEMBERSHIP = "membership"
    AUDIT = "audit"


@one_sentence_errors
def attacks(
    *,
    dataset: DatasetOption,
    table: Annotated[Which, typer.Option(help="Which table.")] = Which.RECONSTRUCTION,
    out: OutOption = DEFAULT_FOLDER,
    as_json: JsonOption = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
) -> None:
    """Print what the attacks on a dataset's training got: measured, beside what is proven."""
    rows = _ROWS[table](PrecomputedStore(folder=out), dataset)
    if as_json:
        typer.echo(json.dumps([_plain(row) for row in rows], indent=1))
        return
    printed = [_CELLS[table](row) for row in rows]
    headings, body = list(printed[0]), [list(row.values()) for row in printed]
    if as_markdown:
        rule = ["---:"] * len(headings)
        typer.echo("\n".join(f"| {' | '.join(cells)} |" for cells in (headings, rule, *body)))
        return
    shown = Table(*headings, box=None)
    for cells in body:
        shown.add_row(*cells)
    console = Console()
    console.width = max(console.width, 125)
    console.print(shown)


def _plain(value: Any) -> Any:
    """The value as JSON knows it: no NaN, no infinity, shares as numbers."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, Share):
        return {**dataclasses.asdict(value), "interval": list(value.interval)}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.tolist() if hasattr(value, "tolist") else value


def _budget(epsilon: float) -> str:
    return "no DP" if math.isnan(epsilon) or math.isinf(epsilon) else short_number(epsilon)


def _percent(share: Share) -> str:
    low, high = share.interval
    return f"{100 * share.value:.3g} % ({_short(100 * low)}–{_short(100 * high)})"


def _short(percent: float) -> str:
    """Two digits, three from 10 on: an interval must not look as if it reached 100 % where it does not."""
    return f"{percent:.1f}" if percent >= 10 else f"{percent:.2g}"


def _reconstruction_cells(row: dict[str, Any]) -> dict[str, str]:
    return {
        "ε": _budget(row["target_epsilon"]),
        "σ": short_number(row["noise_multiplier"]),
        "looks": str(row["looks"]),
        "rebuilt (95 %)": _percent(row["rebuilt"]),
        f"named of {row['candidates']} (95 %)": _percent(row["matched"]),
        "1 − SSIM": f"{row['error']:.2f}",
        "PSNR dB": f"{row['psnr']:.1f}",
        "correlation": f"{row['correlation']:.2f}",
    }


def _variation_cells(row: dict[str, Any]) -> dict[str, str]:
    bare = row["rebuilt_no_dp"]
    return {
        "attack": row["attack"],
        "pictures": f"{row['attacked']} {row['records'].split(': ')[-1]}",
        "side": str(row["side"]),
        "batch": str(row["batch_size"]),
        "bins": str(row["num_bins"] or "–"),
        "looks": str(row["looks"]),
        "denoiser": row["denoiser"],
        "half rebuilt from ε": "never" if math.isnan(row["rebuilt_from"]) else _budget(row["rebuilt_from"]),
        "half named from ε": _named_from(row),
        "rebuilt without DP": "–" if bare is None else _percent(bare),
    }


def _named_from(row: dict[str, Any]) -> str:
    if not row["candidates"]:
        return "–"
    return "never" if math.isnan(row["matched_from"]) else _budget(row["matched_from"])


def _membership_cells(row: dict[str, Any]) -> dict[str, str]:
    return {
        "ε": _budget(row["target_epsilon"]),
        "σ": short_number(row["noise_multiplier"]),
        "attack": row["attack"],
        "AUC (95 %)": f"{row['auc']:.3f} ({row['auc_low']:.3f}–{row['auc_high']:.3f})",
        **{f"TPR at {100 * rate:g} % (95 %)": _percent(share) for rate, share in row["tpr"].items()},
        **{f"limit at {100 * rate:g} %": f"{100 * limit:.3g} %" for rate, limit in row["limit"].items()},
        "models": str(row["shadows"]),
    }


def _audit_cells(row: dict[str, Any]) -> dict[str, str]:
    return {
        "ε": _budget(row["target_epsilon"]),
        "σ": short_number(row["noise_multiplier"]),
        "canary": row["canary"],
        "right calls": f"{row['correct']} of {row['guesses']}",
        "floor": f"{row['floor']:.2f}",
        "most this audit could show": f"{row['cap']:.2f}",
        "ceiling, tight": short_number(row["epsilon_tight"]),
        "ceiling, RDP": short_number(row["epsilon_rdp"]),
    }


_ROWS = {
    Which.RECONSTRUCTION: reconstruction_rows,
    Which.VARIATIONS: variation_rows,
    Which.MEMBERSHIP: membership_rows,
    Which.AUDIT: audit_rows,
}
_CELLS = {
    Which.RECONSTRUCTION: _reconstruction_cells,
    Which.VARIATIONS: _variation_cells,
    Which.MEMBERSHIP: _membership_cells,
    Which.AUDIT: _audit_cells,
}
