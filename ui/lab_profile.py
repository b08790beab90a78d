"""The look at gradient norms: which clip norm shortens how many records."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dpcore.errors import DpcoreError
from dpcore.jobs import Job, ProfileTask
from ui import lab_charts, lab_controls, lab_loaders, risk_charts
from ui.blocks import stress
from ui.chart_blocks import draw, table
from ui.lab_plan import Plan
from ui.lab_visitor import visitor


def profile(plan: Plan) -> None:
    """Offers the look, and shows the newest one at this data and model."""
    with st.expander("How strongly do single records pull? Choose the clip norm", icon=":material/bar_chart:"):
        st.html(
            '<p class="rk-faint">A record that pulls harder than the clip norm is shortened to it. A usual start is '
            "the 80th percentile: one record in five is shortened. A smaller norm also lowers the noise.</p>"
        )
        lab_controls.look_button(plan)
        try:
            job = _newest(plan)
            found = lab_loaders.profile_outcome(job.tasks[0].key) if job else None
        except DpcoreError as error:
            st.warning(str(error), icon=":material/info:")
            return
        if job is not None and found is None:
            st.html(f'<p class="rk-faint">{_state(job)}</p>')
        elif found is not None:
            _norms(plan, found)


def _newest(plan: Plan) -> Job | None:
    """The newest look at this data, model, batch and views; other settings of the training hardly move it."""
    for job in lab_loaders.store().jobs(visitor()):
        task = job.tasks[0].task
        if (
            isinstance(task, ProfileTask)
            and task.dataset == plan.settings.dataset
            and task.training.model == plan.settings.training.model
            and task.training.multiplicity == plan.settings.training.multiplicity
        ):
            return job
    return None


def _state(job: Job) -> str:
    task = job.tasks[0]
    if task.state == "failed":
        return f"The look failed. {task.sentence or ''}"
    if task.state == "cancelled":
        return "The look was cancelled."
    return "The look is under way; its result appears here."


def _norms(plan: Plan, found: dict[str, Any]) -> None:
    norms, clip = found["trained"], plan.settings.training.max_grad_norm
    st.html(f'<p class="rk-who lb-norms">{stress(_words(found, clip))}</p>')
    draw("lab_norms", lab_charts.norms_chart(norms, clip, above=share_above(norms, clip)), 'class="lb-norms-chart"')
    value = float(norms["percentile_80"])
    st.button(
        f"Take the 80th percentile, C = {value:.3g}",
        key="lab_take_clip",
        icon=":material/check:",
        on_click=lab_controls.take_clip_norm,
        args=(value,),
    )
    if found.get("warning"):
        st.warning(str(found["warning"]), icon=":material/info:")
    headings, rows = lab_charts.norms_rows(norms)
    cells = [[f"{value:.4g}" for value in row] for row in rows]
    table(
        "gradient-norms",
        lambda: risk_charts.table_html("Records by gradient norm; measured", headings, cells),
        lambda: risk_charts.to_csv(headings, rows),
        page="lab",
    )


def _words(found: dict[str, Any], clip: float) -> str:
    norms, initial = found["trained"], found["initial"]
    epochs = "one epoch" if norms["epochs"] == 1 else f"{norms['epochs']} epochs"
    shortened = f"**about {100 * share_above(norms, clip):.0f} %**"
    return (
        f"After {epochs} without DP the clip norm C = {clip:.3g} shortens {shortened} of "
        f"{norms['records']:,} records. Four in five pull less than {norms['percentile_80']:.3g} (before training: "
        f"{initial['percentile_80']:.3g})."
    )


def share_above(norms: dict[str, Any], clip: float) -> float:
    """Returns the share of records above a clip norm, spread evenly within the histogram's bins."""
    above = 0.0
    for count, left, right in zip(norms["counts"], norms["edges"][:-1], norms["edges"][1:], strict=True):
        above += count * min(1.0, max(0.0, (right - clip) / (right - left)))
    return above / sum(norms["counts"])
