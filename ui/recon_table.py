"""What an attacker, or a hospital, may change: the measured settings as sentences and as a table. No Streamlit here."""

from __future__ import annotations

import csv
import html
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ui.evidence import Counted, Evidence
from ui.recon_text import budget_words
from ui.text import name_looks

Row = Mapping[str, Any]

_DENOISED = {"non-local means": "cleans the picture (non-local means)", "wavelet": "cleans the picture (wavelets)"}
_HONEST = {
    "dlg": "honest server: searches for a picture with the same gradient, in a network that suits it (Zhu 2019)",
    "inverting gradients": "honest server: the same search by direction, in a network that suits it (Geiping 2020)",
}
#: What makes a line of the table, beside the looks.
_SAME = ("attack", "side", "batch_size", "num_bins", "denoiser")
_COLUMNS = (
    "attack", "side", "batch_size", "num_bins", "looks", "denoiser", "attacked", "candidates", "rebuilt_from",
    "matched_from",
)  # fmt: skip


def own_side(rows: Sequence[Row]) -> int:
    """Returns the side most settings were attacked at: the paper's setting."""
    sides = [int(row["side"]) for row in rows if row["attack"] == "imprint"]
    return max(set(sides), key=sides.count) if sides else 0


def setting_words(row: Row, *, side: int) -> str:
    """Returns what differs from the paper's setting, in plain words."""
    if row["attack"] in _HONEST:
        return f"{_HONEST[row['attack']]}, {row['side']} pixels"
    parts = []
    if row["side"] != side:
        parts.append(f"{'smaller' if row['side'] < side else 'larger'} pictures, {row['side']} pixels")
    if row["batch_size"] != 1:
        parts.append(f"batch of {row['batch_size']}, told apart by {row['num_bins']} bins")
    if row["denoiser"] != "none":
        parts.append(_DENOISED.get(row["denoiser"], str(row["denoiser"])))
    return "; ".join(parts) or f"the paper’s setting: one picture a batch, {side} pixels"


def looks_words(row: Row, every: int) -> str:
    """Returns “one look”, “5 looks” or “all 40 looks”."""
    looks = int(row["looks"])
    return name_looks(looks) if looks in (1, every) else f"{looks} looks"


def compare(row: Row, plain: Row | None) -> str:
    """Returns whom the change helps, against the paper's setting with the same looks; empty if that is the same."""
    if plain is None or row is plain or _order(row["rebuilt_from"]) == _order(plain["rebuilt_from"]):
        return ""
    earlier = _order(row["rebuilt_from"]) < _order(plain["rebuilt_from"])
    return "helps the attacker" if earlier else "helps the patient"


def _order(epsilon: float) -> tuple[int, float]:
    return (1, 0.0) if math.isnan(epsilon) else (0, epsilon)


def plain_row(rows: Sequence[Row], *, side: int, looks: int) -> Row | None:
    """Returns the paper's setting with one or all looks; None if it was not attacked."""
    for row in rows:
        same = (row["attack"], row["side"], row["batch_size"], row["denoiser"], row["looks"])
        if same == ("imprint", side, 1, "none", looks):
            return row
    return None


def _base(row: Row, rows: Sequence[Row], *, side: int, every: int) -> Row | None:
    """What a setting is compared with: the planted layer with the same looks; an honest server, at its own size."""
    looks = every if row["looks"] == every else 1
    return plain_row(rows, side=side if row["attack"] == "imprint" else int(row["side"]), looks=looks)


def table_html(rows: Sequence[Row], evidence: Evidence, counted: Counted, *, every: int) -> str:
    """Returns the table: what changes, from which budget with one look and with all, whom it helps."""
    side = own_side(rows)
    found: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        few = int(row["looks"]) if row["looks"] not in (1, every) else 0
        found.setdefault((*(row[name] for name in _SAME), few), []).append(row)
    body = "".join(_table_row(together, rows, evidence, counted, every=every, side=side) for together in found.values())
    head = "".join(
        f'<th scope="col">{words}</th>'
        for words in (
            "what changes",
            "half rebuilt from",
            "half recognised from",
            "attacked",
            "compared with the paper’s",
        )
    )
    caption = "Measured, not proven: the smallest measured budget at which half of the pictures fall"
    return (
        f'<div class="pp-scroll" role="region" aria-label="What changes the attack" tabindex="0">'
        f'<table class="rc-table"><caption>{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


_NOT_MEASURED = '<td data-label="half recognised from"><div>not measured</div></td>'


def _table_row(
    together: Sequence[Row], rows: Sequence[Row], evidence: Evidence, counted: Counted, *, every: int, side: int
) -> str:
    """One setting; its looks stand below each other."""
    first = together[0]

    def cell(name: str, label: str) -> str:
        values = [(looks_words(row, every), budget_words(row[name], evidence, counted)) for row in together]
        lines = "".join(f"<div><strong>{value}</strong> <span>{looks}</span></div>" for looks, value in values)
        return f'<td data-label="{label}">{lines}</td>'

    # Where matching was not tried, “never” would be a claim.
    named = cell("matched_from", "half recognised from") if first["candidates"] else _NOT_MEASURED
    among = f" <span>among {first['candidates']}</span>" if first["candidates"] else ""
    whom = dict.fromkeys(compare(row, _base(row, rows, side=side, every=every)) for row in together)
    tags = "".join(_tag(words) for words in whom if words)
    return (
        f'<tr><th scope="row">{html.escape(setting_words(first, side=side))}</th>'
        f"{cell('rebuilt_from', 'half rebuilt from')}{named}"
        f'<td data-label="attacked">{first["attacked"]}{among}</td>'
        f"<td>{tags}</td></tr>"
    )


def _tag(words: str) -> str:
    kind = "attacker" if words.endswith("attacker") else "patient"
    return f'<span class="rc-whom rc-whom-{kind}">{words}</span>'


def table_csv(rows: Sequence[Row]) -> str:
    """Returns the settings as CSV, nominal budgets as numbers; inf = only without DP, empty = not even then."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for row in rows:
        writer.writerow("" if row[name] != row[name] else row[name] for name in _COLUMNS)
    return out.getvalue()


def helps(rows: Sequence[Row], *, every: int) -> str:
    """Returns in plain words what helped the attacker and what the patient, computed from the rows."""
    side = own_side(rows)
    found: dict[str, dict[str, None]] = {"helps the attacker": {}, "helps the patient": {}}
    for row in rows:
        is_plain = row["attack"] == "imprint" and _is_plain(row, side)
        # More looks are a change of their own; every other change is judged with the same looks.
        base = plain_row(rows, side=side, looks=1) if is_plain else _base(row, rows, side=side, every=every)
        if whom := compare(row, base):
            found[whom][looks_words(row, every) if is_plain else setting_words(row, side=side)] = None
    sentences = [
        f"**What helps the {whom.split(' ')[-1]}** (compared with the paper’s setting): {'; '.join(changes)}."
        for whom, changes in found.items()
        if changes
    ]
    return " ".join(sentences) or "None of the measured changes moved that budget by a whole step of the sweep."


def _is_plain(row: Row, side: int) -> bool:
    return bool(row["side"] == side and row["batch_size"] == 1 and row["denoiser"] == "none")
