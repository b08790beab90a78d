"""The sentences of the live lab. Pure functions; **double stars** mark what to stress."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dpcore.jobs import Job, RunOutcome, RunSettings, TaskState
from dpcore.results.exposure import Share
from dpcore.results.metrics import get_metric_from_name, get_model_words_from_name
from ui.epsilon import format_epsilon, name_budget
from ui.numbers import format_count, format_share, format_sigma
from ui.risk_proof import RiskProof
from ui.risk_text import of_thousand
from ui.text import HOPELESS

STATES = {
    "waiting": "waiting",
    "running": "at work",
    "finished": "finished",
    "failed": "failed",
    "cancelled": "cancelled",
}
LOST_WORKER = "Its worker was lost; it began anew."


def duration(seconds: float) -> str:
    """Returns “40 s”, “3 min” or “2 h”."""
    if seconds < 90:
        return f"{max(1, math.ceil(seconds)):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def energy(seconds: float, watts: float) -> str:
    """Returns the energy of so many seconds of one core."""
    return f"{float(f'{seconds * watts / 3600:.2g}'):g} Wh"


def budget_words(settings: RunSettings) -> str:
    """Returns “ε = 8”, “σ = 1.2” or “no DP”."""
    if settings.noise_multiplier is not None:
        return f"σ = {format_sigma(settings.noise_multiplier)}"
    return name_budget(math.inf if settings.epsilon is None else settings.epsilon)


def settings_words(settings: RunSettings) -> str:
    """Returns the settings in one short line."""
    training = settings.training
    words = [
        get_model_words_from_name(training.model),
        budget_words(settings),
        *([f"C = {training.max_grad_norm:.3g}"] if settings.is_private else []),
        f"batch {format_count(training.expected_batch_size)}",
        f"{format_count(training.epochs)} epochs",
        *([f"{training.multiplicity} views"] if training.multiplicity > 1 else []),
        f"seed {training.seed}",
    ]
    return ", ".join(words)


def main_settings(job: Job) -> RunSettings | None:
    """Returns the settings that a run or a curve is about: those of its first training with DP, if it has one."""
    runs = [state.task for state in job.tasks if isinstance(state.task, RunSettings)]
    return next((run for run in runs if run.is_private), runs[0] if runs else None)


def job_words(job: Job, title: str) -> str:
    """Returns what a job is: data and settings, in short."""
    settings = main_settings(job)
    if settings is None:
        return f"{title}: gradient norms"
    if job.kind == "curve":
        training = settings.training
        about = f"{get_model_words_from_name(training.model)}, batch {format_count(training.expected_batch_size)}"
        return f"{title}: whole curve, {about}, {format_count(training.epochs)} epochs, seed {training.seed}"
    return f"{title}: {settings_words(settings)}"


def noise_sentence(settings: RunSettings, proof: RiskProof, num_train: int) -> str:
    """Returns what the training is, and what its noise means."""
    training = settings.training
    steps, batch = training.steps(num_train), format_count(training.expected_batch_size)
    start = (
        f"{format_count(num_train)} records, batch {batch}, {format_count(training.epochs)} epochs → "
        f"{format_count(steps)} steps"
    )
    if not settings.is_private:
        return f"**No DP:** {start}, no noise, no clipping. Nothing limits what an attacker can learn."
    if proof.problem:
        return f"{start}. **The limits could not be computed**, so nothing is promised. {proof.problem}"
    spends = f"noise σ = **{format_sigma(proof.noise_multiplier)}**"
    if settings.noise_multiplier is not None:
        spent = proof.epsilon_rdp if settings.accountant == "rdp" else proof.epsilon_tight
        words = format_epsilon(float(f"{spent:.4g}"))
        spends += f", which you set yourself; it spends ε = **{words}**, whatever the bar says"
    else:
        spends += f", as {budget_words(settings)} demands"
    return f"{start}, {spends}."


def people_sentence(proof: RiskProof, kappa: float, noun: str) -> str:
    """Returns what the noise proves, as people of 1,000."""
    worst, relaxed = proof.worst_case, proof.relaxed
    if worst is None or relaxed is None:
        return "There is no proven limit here. Treat it as unprotected."
    holds, lacks = float(worst.gamma(kappa)), float(relaxed.gamma(kappa))
    if min(holds, lacks) >= HOPELESS:
        return (
            "Proven: **nothing**. Of 1,000 patients like you all could be found out, by an attacker who holds the "
            f"{noun} and by one who does not."
        )
    return (
        f"Proven, whatever the attack: of 1,000 patients like you, an attacker who already holds the {noun} recognises "
        f"**{of_thousand(holds)}**; one who does not rebuilds the {noun} of **{of_thousand(lacks)}**."
    )


def share_words(found: Share) -> str:
    """Returns a measured share with its 95 % interval."""
    low, high = found.interval
    counts = f"{format_count(found.successes)} of {format_count(found.trials)}"
    return f"{counts} (95 % interval {100 * low:.1f} to {100 * high:.1f} %)"


def task_words(state: TaskState) -> str:
    """Returns which of a job's trainings a task is."""
    if not isinstance(state.task, RunSettings):
        return "Gradient norms"
    if not state.task.is_private:
        return "Without DP"
    return f"With DP, {budget_words(state.task)}"


def queue_words(state: TaskState) -> str:
    """Returns a waiting task's place, and for how long it will wait."""
    if state.ahead is None:
        return "Waiting."
    if state.ahead == 0:
        place = "Next in the queue"
    else:
        place = f"{format_count(state.ahead)} {'task' if state.ahead == 1 else 'tasks'} before yours"
    if state.wait is None:
        return f"{place}."
    return f"{place}, about {duration(state.wait)}." if state.wait >= 1 else f"{place}, any moment now."


def utility_sentence(outcome: RunOutcome, bare: RunOutcome | None, settings: RunSettings) -> str:
    """Returns what privacy cost this model, beside the same training without DP."""
    metric = get_metric_from_name(outcome.metric)
    here = f"{metric.short} {outcome.utility:.2f}"
    if not settings.is_private:
        return f"Without DP this training reaches **{here}** ({metric.meaning})."
    if bare is None:
        return f"With {budget_words(settings)} this training reaches **{here}** ({metric.meaning})."
    kept = ""
    if bare.utility > metric.useless_below:
        kept = f": it keeps **{format_share(round(outcome.utility / bare.utility, 2))}**"
    return (
        f"With {budget_words(settings)} this training reaches **{here}**, without DP **{bare.utility:.2f}**{kept} "
        f"({metric.meaning}). One training each: chance moves both."
    )


def attack_sentence(outcome: RunOutcome, noun: str) -> str:
    """Returns what the attacks on this very model got."""
    attack = outcome.attack
    one, every = attack.looks[0], attack.looks[-1]
    rebuilt = f"**{one.rebuilt} of {attack.attacked}** {noun}s from one look"
    if every.looks != one.looks:
        rebuilt += f", **{every.rebuilt}** from all {every.looks}"
    member = outcome.membership
    found, accused = member.at_001
    return (
        f"Measured on this run: an attacker who plants a layer rebuilt {rebuilt}; one who compares losses found "
        f"**{format_count(found)} of {format_count(member.members)} participants** while wrongly accusing "
        f"{format_count(accused)} of {format_count(member.non_members)} strangers."
    )


def outcome_epsilon(outcome: RunOutcome, settings: RunSettings) -> float:
    """Returns ε of a finished run as its own accountant counts it; infinite without DP."""
    spent = outcome.epsilon_rdp if settings.accountant == "rdp" else outcome.epsilon_tight
    return math.inf if spent is None or not settings.is_private else spent


def all_finished(states: Sequence[TaskState]) -> bool:
    """Whether no task waits or is at work."""
    return all(state.state not in ("waiting", "running") for state in states)
