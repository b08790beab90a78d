"""Where the numbers come from: how they were made, their licence, their limits, and a link to this view."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from dpcore.datasets import DatasetSpec
from ui import captions, loaders, tables
from ui.charts import Theme
from ui.finding import Finding
from ui.folded import folded
from ui.show import show
from ui.state import View, link_parameters

_PAPER = (
    "Ziller, Mueller, Stieger and others: “Reconciling privacy and accuracy in AI for medical imaging”, "
    "*Nature Machine Intelligence* 6, 764–774 (2024), [doi:10.1038/s42256-024-00858-y](https://doi.org/10.1038/s42256-024-00858-y)"
)

LIMITS = """
- **A real attack is a measurement, not a guarantee.** It shows what one attack got here; a better one may come.
  The authors of the paper warn against reading it as a licence to use any budget.
- **The promise is made for each image, not each person.** Several images of one person weaken it.
- **How often the attacker looks decides.** A budget that holds for one look may not hold for a whole training.
- **Proven and measured are different things.** The proven limits hold against every attacker of their kind;
  they do not say how likely an attack is.
- **One model, one dataset, few runs.** “No difference found” does not show equality; so the equivalence test is
  given beside it.
- **Choosing the settings** (clipping norm, epochs) looked at the data once and is not charged to the budget.
"""


def table_and_downloads(finding: Finding, page: str) -> None:
    """Offers the chart as a table, the numbers as CSV and a link to this view of the page with that path."""
    name = finding.evidence.spec.name
    zoom = folded("Zoom in, compare models, save the chart", icon=":material/zoom_in:", key="zoom")
    if zoom.open:
        with zoom:
            _zoomable(finding)
    table = folded("The chart as a table", icon=":material/table:", key="table")
    if table.open:
        with table:
            _tables(finding)
    with st.container(key="downloads"):
        st.download_button(
            "Download the numbers (CSV)",
            lambda: tables.table_csv(loaders.all_models(name)),
            file_name=f"tradeoff-{name}.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
        )
        with st.popover("Copy a link to this view", icon=":material/link:"):
            st.code(_link(finding, page), language=None, wrap_lines=True)


def sources(finding: Finding) -> None:
    """Shows how the numbers were made and what they cannot say."""
    spec = finding.evidence.spec
    limits = folded("Limits: what these numbers cannot say", icon=":material/warning:", key="limits")
    if limits.open:
        limits.markdown(LIMITS)
    how = folded("Sources, and how these numbers were made", icon=":material/menu_book:", key="sources")
    if how.open:
        with how:
            _how_made(spec)


def _zoomable(finding: Finding) -> None:
    name = finding.evidence.spec.name
    theme: Theme = "dark" if st.context.theme.type == "dark" else "light"
    st.markdown(
        "Drag over a part to enlarge it, double-click to go back; a click on a name in the legend hides that curve and "
        "the camera saves a picture. Limits and attacks are those of the first model."
    )
    st.plotly_chart(
        loaders.zoomable_chart(name, finding.counted, theme),
        theme=None,
        key="zoom_chart",
        config={
            "displaylogo": False,
            "toImageButtonOptions": {"filename": f"tradeoff-{name}", "scale": 2},
        },
        alt=captions.chart_alt(finding.evidence),
    )


def _tables(finding: Finding) -> None:
    main, others = loaders.tables_html(finding.evidence.spec.name, finding.counted)
    show(main)
    if others:
        st.markdown("The page shows the model above. **Other models trained on the same data:**")
        st.html(others)


def _how_made(spec: DatasetSpec) -> None:
    kind = "Synthetic data" if spec.synthetic else "Data"
    source = f"[{spec.source}]({spec.url})" if spec.url else spec.source
    st.markdown(
        f"**Method.** {_PAPER}.\n\n**{kind}.** {source}; licence: {spec.licence}.\n\n"
        f"**Your own copy of the data.** {loaders.data_status(spec.name)} This page works without it.\n\n"
        "**Make or check the numbers yourself:**"
    )
    st.code(
        "python -m dpcore sweep --plan default    # trains, attacks, writes precomputed/\n"
        "python -m dpcore verify                  # checks every file and recomputes a row\n"
        f"python -m dpcore results --dataset {spec.name} --json",
        language=None,
        wrap_lines=True,
    )
    show(loaders.facts_html())


def _link(finding: Finding, page: str) -> str:
    view = View(dataset=finding.evidence.spec.name, epsilon=finding.epsilon, counted=finding.counted)
    here = urlsplit(st.context.url or "")
    path = "/".join(filter(None, (st.get_option("server.baseUrlPath").strip("/"), page)))
    return urlunsplit((here.scheme, here.netloc, f"/{path}", urlencode(link_parameters(view)), ""))
