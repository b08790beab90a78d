"""The blocks of the page of reconstruction."""

from __future__ import annotations

import html
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from dpcore.errors import NotMeasured, ResultsUnavailable
from ui import recon_charts, recon_controls, recon_loaders, recon_table, recon_text, risk_charts
from ui import recon_moving as moving
from ui.blocks import stress
from ui.chart_blocks import download, draw_layers, table
from ui.finding import Finding
from ui.folded import folded
from ui.kept import Memory
from ui.recon_controls import Recon
from ui.recon_evidence import budgets
from ui.show import show
from ui.text import not_attacked

_FOLDER = Path(__file__).parent
#: HTML that does not move with the slider, by what it depends on.
_STILL: Memory[str] = Memory(max_entries=256)
_HOW_TO_READ_SIZES = (
    "Points left of the mark: pictures of that size already appear at this budget. The estimates say where one pixel "
    "is as strong as the noise (signal-to-noise ratio 1): √looks / (σ·√pixels). They are no measurement: shapes show "
    "before, details after. The same pictures need another ε in another training, because ε counts its steps."
)
#: Headings and rows.
Table = tuple[list[str], list[list[object]]]


def style() -> None:
    """Brings the style sheets of this page."""
    st.html(_FOLDER / "risks.css")
    st.html(_FOLDER / "recon.css")


def how_it_works_html() -> str:
    """Returns how the real attack works."""
    return f'<p class="rk-who">{stress(recon_text.HOW_IT_WORKS)}</p>'


def errors(recon: Recon) -> None:
    """Shows the errors of all records at all budgets under a movable threshold, and the other measures."""
    finding = recon.finding
    outcomes = moving.outcomes_here(finding)
    if outcomes is None:
        show(moving.errors_html(recon))
        return
    recon_controls.threshold(recon.view)
    show(moving.errors_html(recon))
    with st.container(key="rk_two_errors"):
        draw_layers("errors", _drawn(finding, recon.measured_looks), moving.errors_layer_html(recon))
        show(recon_charts.colours(len(budgets(outcomes))) + moving.measures_html(recon))
    whose = finding.evidence, finding.counted
    words = "Reconstructions by error; measured, not proven"
    _table("errors", words, whose, lambda: recon_charts.errors_table(finding.evidence, outcomes, finding.counted))


def appearance(recon: Recon, heading: str) -> None:
    """Shows under a heading from which budget on pictures of a size appear, measured and estimated."""
    finding = recon.finding
    if finding.evidence.spec.kind != "image":
        show(heading, '<p class="pp-note pp-wide">This data has no pictures, so size plays no part.</p>')
        return
    found = moving.appearances(recon)
    parts = [heading]
    if not _variations(finding) or all(line.estimated for line in found):
        parts.append(
            '<p class="pp-note pp-wide">Other picture sizes are not among these results: run '
            f"“{_command(finding)}” to measure them. The lines below are estimates only.</p>"
        )
    show(*parts, f'<p class="rk-faint">{_HOW_TO_READ_SIZES}</p>')
    chart = moving.appear_chart(found)
    draw_layers("appear", chart.drawn, moving.appearance_layer_html(recon), chart.over)
    words = "Budgets at which pictures appear: each line says what it is"
    _table("appearance", words, tuple(found), lambda: recon_charts.appear_table(found))


def changes(recon: Recon, heading: str) -> None:
    """Shows under a heading what an attacker, or a hospital, may change, and whom it helps."""
    finding = recon.finding
    rows = _variations(finding)
    if finding.evidence.spec.kind != "image":
        show(heading, '<p class="pp-note pp-wide">Batches, sizes and denoising were varied on pictures only.</p>')
        return
    if not rows:
        show(
            heading,
            '<p class="pp-note pp-wide rc-changes-missing">Variations of the attack were not measured on this data. '
            f"Run “{_command(finding)}” to measure them.</p>",
        )
        return
    evidence, counted, every = finding.evidence, finding.counted, recon.every
    helps = _STILL.get(("helps", evidence, every), lambda: stress(recon_table.helps(rows, every=every)))
    show(heading, f'<p class="rk-who">{helps}</p>')
    fold = folded("All measured settings", icon=":material/table:", key="recon_settings")
    if fold.open:
        with fold:
            key = "settings", evidence, counted, every
            show(_STILL.get(key, lambda: recon_table.table_html(rows, evidence, counted, every=every)))
            download("attack-settings", lambda: recon_table.table_csv(rows), page="recon")


def where_it_holds_html(recon: Recon) -> str:
    """Returns where the paper's “0 %” holds and where not."""
    outcomes = moving.outcomes_of(recon.finding)
    if outcomes is None:
        why = html.escape(not_attacked(recon.finding.evidence))
        return f'<p class="pp-note pp-wide">{why} So nothing can be compared.</p>'
    finding, rows = recon.finding, _variations(recon.finding)
    key = "holds", finding.evidence, finding.counted, bool(rows)
    points = _STILL.get(key, lambda: _points_html(recon_text.where_it_holds(finding, outcomes, rows)))
    return f'<ul class="pp-person rc-holds">{points}</ul>'


def sources(recon: Recon) -> None:
    """Shows what was attacked, how, and what that cannot say."""
    evidence = recon.finding.evidence
    attacked = evidence.attacked or ("not readable" if evidence.attacks_problem else "nothing")
    fold = folded("Sources and limits", icon=":material/menu_book:", key="recon_sources")
    if not fold.open:
        return
    with fold:
        st.markdown(
            f"- **Attacked:** `{attacked}`, under the noise of the {evidence.spec.title} trainings. Numbers come from "
            "those records; pictures of real patients are never shown: phantoms and pictures that come with "
            "scikit-image stand in.\n"
            "- **Measured, not proven.** It shows what these attacks got. A better one may come; the proven limits "
            "hold against it, these numbers do not.\n"
            "- **Batches:** the attacker tells pictures apart by brightness, whose spread is known from other pictures "
            "of the same data. Mixed pictures count as not rebuilt; a better way to part them may exist.\n"
            "- **Per picture, not per person.** Several pictures of one patient give an attacker more looks.\n"
            "- **SSIM is one measure among several.** It understates what people see in noise, so correlation, PSNR "
            "and recognising stand beside it.\n"
            "- **The planted layer:** Fowl and others 2022, “Robbing the Fed”; Boenisch and others 2023, “When the "
            "curious abandon honesty”. **Honest servers:** Zhu and others 2019, “Deep leakage from gradients”; Geiping "
            "and others 2020, “Inverting gradients”. **Setting:** Ziller and others 2024, *Nature Machine "
            "Intelligence* 6.\n"
            "- **Intervals:** exact 95 % intervals after Clopper and Pearson."
        )
        st.code(f"python -m dpcore attacks --dataset {evidence.spec.name}", language=None, wrap_lines=True)


def _command(finding: Finding) -> str:
    return f"python -m dpcore sweep --part reconstruction --dataset {html.escape(finding.evidence.spec.name)}"


def _drawn(finding: Finding, looks: int) -> str:
    return recon_loaders.curves(finding.evidence.spec.name, finding.evidence.model, looks, finding.counted)


def _variations(finding: Finding) -> Sequence[Mapping[str, Any]]:
    try:
        return recon_loaders.variations(finding.evidence.spec.name)
    except NotMeasured:
        return ()
    except ResultsUnavailable as error:
        st.error(str(error))
        return ()


def _points_html(points: Sequence[str]) -> str:
    return "".join(f"<li>{stress(point)}</li>" for point in points)


def _table(name: str, caption: str, key: Hashable, make: Callable[[], Table]) -> None:
    """A table that is made once for the same key."""
    table(
        name,
        lambda: _STILL.get((name, key), lambda: _table_html(caption, *make())),
        lambda: risk_charts.to_csv(*make()),
        page="recon",
    )


def _table_html(caption: str, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return risk_charts.table_html(caption, headings, [[str(cell) for cell in row] for row in rows])
