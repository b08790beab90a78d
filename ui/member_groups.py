"""Who is more exposed: one dot with its interval for each class and subgroup, as HTML that any width can hold."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from ui.member_evidence import USUAL, AttackResult, Exposure
from ui.member_text import SMALL, interval_words, people, people_at_most
from ui.numbers import format_count
from ui.risk_charts import table_html
from ui.text import HOPELESS

#: Ends of the axis, members found of all; the first that holds every interval is taken.
_ENDS = (0.04, 0.08, 0.2, 0.4, 1.0)


def compared(exposure: Exposure) -> tuple[tuple[AttackResult, ...], AttackResult | None]:
    """Returns every group, and the same attack on everybody; (), None where groups were not attacked."""
    groups = tuple(tested for part in exposure.groups.values() for tested in part)
    everybody = [tested for tested in exposure.attacks if groups and tested.attack == groups[0].attack]
    return (groups, everybody[0]) if everybody else ((), None)


def groups_html(
    groups: Mapping[str, Sequence[AttackResult]], everybody: AttackResult, *, noun: str, limit: float
) -> str:
    """Returns dots and whiskers on one axis, with everybody and guessing as lines through all rows."""
    highest = max(t.found[USUAL].interval[1] for t in (everybody, *(t for part in groups.values() for t in part)))
    end = next(end for end in _ENDS if end >= min(1.0, highest))
    rows = _row("everybody", everybody, end, noun)
    for partition, part in groups.items():
        rows += f'<div class="mb-part" role="presentation">by {html.escape(partition)}</div>'
        rows += "".join(_row(tested.name, tested, end, noun) for tested in part)
    lines = _line("mb-all", everybody.found[USUAL].value, end) + _line("mb-guess", USUAL, end)
    if limit <= end and limit < HOPELESS:
        lines += _line("mb-limit", limit, end)
    ticks = "".join(f'<span style="left:{25 * k}%">{people(end * k / 4) if k else "0"}</span>' for k in (0, 1, 2, 3, 4))
    where = "proven limit (long dashes)"
    if limit > end:
        where = f"the proven limit, {people_at_most(limit)}, lies beyond the right edge"
    if limit >= HOPELESS:
        where = "no limit worth the name is proven"
    key = f"Lines: <b>everybody</b> (solid), guessing (dotted); {where}."
    return (
        f'<div class="mb-groups" role="list">{rows}'
        f'<div class="mb-lines" aria-hidden="true">{lines}</div></div>'
        f'<div class="mb-axis" aria-hidden="true">{ticks}</div>'
        '<p class="rk-faint mb-key">Members found of 1,000, at 10 of 1,000 false accusations within the group. '
        f"{key}</p>"
    )


def groups_table(groups: Mapping[str, Sequence[AttackResult]], everybody: AttackResult, *, noun: str) -> str:
    """Returns the same as a table."""
    rows = [("all", everybody), *((partition, tested) for partition, part in groups.items() for tested in part)]
    body = [
        [
            f"{partition}: {tested.group}",
            format_count(tested.records),
            f"{tested.found[USUAL].successes:,} of {tested.found[USUAL].trials:,}",
            people(tested.found[USUAL].value),
            interval_words(tested.found[USUAL]),
            f"{tested.auc:.3f} ({tested.auc_interval[0]:.3f} to {tested.auc_interval[1]:.3f})",
        ]
        for partition, tested in rows
    ]
    headings = ["group", f"{noun}s", "found", "of 1,000", "95 % interval", "AUC (95 %)"]
    return table_html(f"{everybody.attack} by group, at 1 % false alarms within the group", headings, body)


def groups_rows(exposure: Exposure) -> tuple[list[str], list[list[object]]]:
    """Returns headings and full-precision rows."""
    headings = ["partition", "group", "records", "members", "found", "tpr", "tpr_low", "tpr_high", "auc"]
    rows: list[list[object]] = []
    for partition, part in exposure.groups.items():
        for t in part:
            share = t.found[USUAL]
            counts = [t.records, share.trials, share.successes, share.value, *share.interval, t.auc]
            rows.append([partition, t.group, *counts])
    return headings, rows


def _row(name: str, tested: AttackResult, end: float, noun: str) -> str:
    share = tested.found[USUAL]
    low, high = (100 * value / end for value in share.interval)
    small = ' <em class="mb-small">small group</em>' if tested.records < SMALL else ""
    size = f"{format_count(tested.records)} {noun}s"
    bar = f'<i class="mb-bar" style="left:{low:.2f}%;width:{high - low:.2f}%"></i>'
    value = f"{people(share.value)} <span>({interval_words(share)})</span>"
    return (
        f'<div class="mb-row" role="listitem"><div class="mb-name">{html.escape(name)}<span>{size}{small}</span></div>'
        f'<div class="mb-track" aria-hidden="true">{bar}'
        f'<i class="mb-dot" style="left:{100 * share.value / end:.2f}%"></i></div>'
        f'<div class="mb-value">{value}</div></div>'
    )


def _line(style: str, value: float, end: float) -> str:
    return f'<i class="{style}" style="left:{100 * value / end:.2f}%"></i>'
