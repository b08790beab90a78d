"""What came out of a training: utility beside no DP, the curve, the attacks on this very model, pictures."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

import streamlit as st

from dpcore import datasets
from dpcore.errors import ResultsUnavailable
from dpcore.jobs import Job, PictureOutcome, RunOutcome, RunSettings, TaskState
from dpcore.results.exposure import Share
from dpcore.results.metrics import get_metric_from_name
from ui import lab_charts, lab_curve, lab_jobs, lab_text, loaders, risk_charts
from ui.blocks import results_missing, stress
from ui.lab_before import card
from ui.lab_jobs import Mine
from ui.lab_plan import prove
from ui.numbers import format_count, format_error, format_share
from ui.risk_proof import RiskProof
from ui.risk_text import format_risk, of_thousand
from ui.text import name_looks
from ui.text import noun as noun_of

_BASE64 = re.compile(r"[A-Za-z0-9+/=]*")


def result(mine: Mine) -> None:
    """Shows what is known of the job that is looked at."""
    job = mine.shown
    if mine.problem:
        st.warning(mine.problem, icon=":material/info:")
    if job is None:
        st.html(
            '<p class="pp-note pp-wide lb-empty-state">No training yet. Choose your settings above and press '
            "<strong>Start training</strong>: the result, the same training without DP and attacks on this very model "
            "appear here.</p>"
        )
        return
    if job not in mine.unfinished or not mine.owns(job):
        words = stress(_whose(mine, job))
        st.html(f'<p class="rk-who lb-shown" data-job="{html.escape(job.id)}">{words}</p>')
    for sentence in _mishaps(job):
        st.warning(sentence, icon=":material/info:")
    try:
        _run(job) if job.kind == "run" else lab_curve.curve(job)
    except ResultsUnavailable as error:
        results_missing(error)


def _whose(mine: Mine, job: Job) -> str:
    title = datasets.spec(job.tasks[0].task.dataset).title
    about = lab_text.job_words(job, title)
    named = f"“{job.name}”: {about}" if job.name else about
    shared = "" if mine.owns(job) else " **Somebody shared this run:** you may look at it, not change it."
    return f"**{lab_text.STATES[job.state].capitalize()}.** {named}.{shared}"


def _mishaps(job: Job) -> list[str]:
    """A sentence for what was cancelled, and for each training that failed or lost its worker."""
    found = []
    cancelled = [lab_text.task_words(task) for task in job.tasks if task.state == "cancelled"]
    if cancelled:
        found.append(f"Cancelled, so there is no result: {'; '.join(cancelled)}.")
    for task in job.tasks:
        what = lab_text.task_words(task)
        if task.state == "failed":
            found.append(f"{what}: failed. {task.sentence or ''}".strip())
        elif task.state == "finished" and task.attempts > 1:
            found.append(f"{what}: {lab_text.LOST_WORKER[0].lower()}{lab_text.LOST_WORKER[1:]}")
    return found


def _run(job: Job) -> None:
    found = [(task, lab_jobs.outcome(task)) for task in job.tasks]
    main, outcome = found[0]
    if outcome is None or not isinstance(main.task, RunSettings):
        return
    bare = next((o for t, o in found[1:] if isinstance(t.task, RunSettings) and not t.task.is_private), None)
    proof = prove(main.task, outcome.num_train)
    noun = noun_of(loaders.evidence(main.task.dataset))
    st.html(
        f'<p class="pp-summary lb-result" role="status">{stress(lab_text.utility_sentence(outcome, bare, main.task))}'
        f'</p><div class="pp-cards lb-after">{"".join(_cards(job, outcome, bare, proof))}</div>'
    )
    lab_curve.chart(job)
    st.html(
        f'<p class="rk-who lb-people">{stress(lab_text.people_sentence(proof, 1 / outcome.num_train, noun))} '
        f"{stress(lab_text.attack_sentence(outcome, noun))}</p>"
    )
    _pictures(outcome, main.task)
    _course(job, outcome)


def _course(job: Job, outcome: RunOutcome) -> None:
    with st.expander("How the training went", icon=":material/timeline:"):
        courses = lab_jobs.courses(job, outcome.num_train)
        st.markdown(lab_charts.course_html(courses, get_metric_from_name(outcome.metric)), unsafe_allow_html=True)
        st.download_button(
            "Download the numbers (CSV)",
            lambda: risk_charts.to_csv(*lab_charts.course_rows(courses)),
            file_name="training.csv",
            mime="text/csv",
            key="lab_csv_course",
            on_click="ignore",
            icon=":material/download:",
        )


def _cards(job: Job, outcome: RunOutcome, bare: RunOutcome | None, proof: RiskProof) -> list[str]:
    metric = get_metric_from_name(outcome.metric)
    settings = job.tasks[0].task
    private = isinstance(settings, RunSettings) and settings.is_private
    lines = [f"{metric.short} on {outcome.num_test:,} test records, in {lab_text.duration(outcome.seconds)}"]
    if private:
        lines.insert(0, _beside(bare, outcome, job.tasks[1:]))
    made = [card(metric.title, "measured", f"{outcome.utility:.2f}", lines)]
    made += [_attack_card(outcome), _membership_card(outcome, proof)]
    made.append(
        _proof_card(outcome, proof) if private else card("Proven", "proven", "no limit", ["nothing is promised"])
    )
    return made


def _beside(bare: RunOutcome | None, outcome: RunOutcome, others: Sequence[TaskState]) -> str:
    if bare is None:
        waits = any(task.state in ("waiting", "running") for task in others)
        return "without DP: still training" if waits else "without DP: no result"
    share = f", {format_share(round(outcome.utility / bare.utility, 2))} of it" if bare.utility > 0.05 else ""
    return f"without DP: **{bare.utility:.2f}**{share}"


def _attack_card(outcome: RunOutcome) -> str:
    attack = outcome.attack
    one, every = attack.looks[0], attack.looks[-1]
    lines = []
    for look in dict.fromkeys((one, every)):
        rebuilt = Share(successes=look.rebuilt, trials=attack.attacked)
        named = Share(successes=look.matched, trials=attack.attacked)
        lines.append(f"**{name_looks(look.looks)}:** rebuilt {lab_text.share_words(rebuilt)}")
        lines.append(f"named among {attack.candidates}: {lab_text.share_words(named)}")
    value = f"{one.rebuilt} of {attack.attacked} rebuilt"
    return card("Real attack at this noise", "measured", value, lines)


def _membership_card(outcome: RunOutcome, proof: RiskProof) -> str:
    found = outcome.membership
    share = Share(successes=found.at_001[0], trials=found.members)
    lines = [
        f"found, if 1 stranger in 100 may be accused: {lab_text.share_words(share)}",
        f"AUC {found.auc:.3f}; 0.5 is guessing",
    ]
    if proof.worst_case is not None and outcome.noise_multiplier > 0:
        limit = proof.worst_case.tpr_at_fpr(0.01)
        lines.append(f"proven limit: at most **{format_risk(limit)}**")
    return card(
        "Who took part?", "measured", f"{format_count(share.successes)} of {format_count(share.trials)} found", lines
    )


def _proof_card(outcome: RunOutcome, proof: RiskProof) -> str:
    if proof.worst_case is None or proof.relaxed is None:
        return card("Proven", "unavailable", "not available", ["Treat it as unprotected."])
    kappa = 1 / outcome.num_train
    holds, lacks = (of_thousand(float(curve.gamma(kappa))) for curve in (proof.worst_case, proof.relaxed))
    return card(
        "Proven, whatever the attack",
        "proven",
        holds,
        ["recognised by who holds it", f"rebuilt by who does not: {lacks}"],
    )


def _pictures(outcome: RunOutcome, settings: RunSettings) -> None:
    found = outcome.pictures
    if found is None:
        st.html('<p class="pp-note pp-wide">This data is a table: there is no picture to show.</p>')
        return
    looks = outcome.attack.looks
    rows = _strip("Originals", found.originals, ())
    rows += _strip("What one look gives", found.one_look, found.errors_one_look)
    if looks[-1].looks != looks[0].looks:
        rows += _strip(f"What {name_looks(looks[-1].looks)} give", found.all_looks, found.errors_all_looks)
    caption = stress(_caption(found, settings))
    st.html(f'<figure class="pp-gallery lb-gallery">{rows}<figcaption>{caption}</figcaption></figure>')


def _caption(found: PictureOutcome, settings: RunSettings) -> str:
    kind = "Generated pictures" if found.synthetic else "Pictures"
    stands = ", standing in because the dataset’s own may not be shown" if found.stand_in else ""
    return (
        f"{kind}{stands}: {found.source} The five that one look rebuilds best, at {lab_text.budget_words(settings)}. "
        "Measured, not proven. Under each picture: 1 − SSIM, 0 is identical, below 0.10 counts as rebuilt."
    )


def _strip(title: str, picture: str, errors: Sequence[float]) -> str:
    # The strip comes out of the database: anything but base64 is not shown.
    uri = f"data:image/webp;base64,{picture}" if _BASE64.fullmatch(picture) else ""
    under = "".join(f"<span>{format_error(error)}</span>" for error in errors)
    listed = f"; errors 1 − SSIM {', '.join(map(format_error, errors))}" if errors else ""
    return (
        f'<div class="pp-row"><div class="pp-row-name"><strong>{html.escape(title)}</strong></div>'
        f'<div class="pp-row-strip"><img src="{uri}" alt="{html.escape(title)}: five pictures{listed}">'
        f'<div class="pp-errors">{under}</div></div></div>'
    )
