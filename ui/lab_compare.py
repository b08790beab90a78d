"""Up to four runs side by side: first the settings that differ, then what came out. No Streamlit here."""

from __future__ import annotations

import html
from collections.abc import Sequence

from dpcore import datasets
from dpcore.jobs import Job, RunOutcome, RunSettings
from dpcore.results.exposure import Share
from dpcore.results.metrics import get_metric_from_name, get_model_words_from_name
from ui import lab_jobs, lab_text
from ui.captions import COUNTED
from ui.lab_curve import limits
from ui.numbers import format_count, format_sigma

Row = tuple[str, list[str]]


def compare_html(jobs: Sequence[Job]) -> str:
    """Returns the table; every job's first training is finished."""
    rows = compare_rows(jobs)
    head = "".join(f'<th scope="col">{html.escape(job.name or f"Run {k}")}</th>' for k, job in enumerate(jobs, 1))
    parts = []
    for title, part in rows.items():
        if not part:
            continue
        parts.append(
            f'<tr class="lb-part"><th scope="rowgroup" colspan="{len(jobs) + 1}">{html.escape(title)}</th></tr>'
        )
        parts += [
            f'<tr><th scope="row">{html.escape(name)}</th>{"".join(f"<td>{html.escape(v)}</td>" for v in values)}</tr>'
            for name, values in part
        ]
    return (
        '<div class="pp-scroll" role="region" aria-label="Runs side by side" tabindex="0"><table class="lb-compare">'
        f"<tr><td></td>{head}</tr>{''.join(parts)}</table></div>"
    )


def compare_rows(jobs: Sequence[Job]) -> dict[str, list[Row]]:
    """Returns the rows by part: settings that differ, results, settings they share."""
    runs = [(job, _settings(job), _outcome(job)) for job in jobs]
    settings = _setting_rows([(s, o) for _, s, o in runs])
    differ = [row for row in settings if len(set(row[1])) > 1]
    same = [row for row in settings if len(set(row[1])) == 1]
    results = [_result_column(job, s, o) for job, s, o in runs]
    made = [(name, [column[name] for column in results]) for name in results[0]]
    return {"What differs": differ, "What came out": made, "The same in all": same}


def _setting_rows(runs: Sequence[tuple[RunSettings, RunOutcome]]) -> list[Row]:
    columns = [_setting_column(settings, outcome) for settings, outcome in runs]
    return [(name, [column[name] for column in columns]) for name in columns[0]]


def _setting_column(settings: RunSettings, outcome: RunOutcome) -> dict[str, str]:
    training = settings.training
    return {
        "Data": datasets.spec(settings.dataset).title,
        "Model": get_model_words_from_name(training.model),
        "Asked for": lab_text.budget_words(settings),
        "Noise σ": format_sigma(outcome.noise_multiplier) if settings.is_private else "none",
        "ε counted": COUNTED[settings.accountant],
        "Clip norm C": f"{training.max_grad_norm:.3g}" if settings.is_private else "none",
        "Batch": format_count(training.expected_batch_size),
        "Epochs": format_count(training.epochs),
        "Learning rate": f"{training.learning_rate:.3g}",
        "Weight of positives": f"{training.positive_weight:.3g}",
        "Views": str(training.multiplicity),
        "Seed": str(training.seed),
    }


def _result_column(job: Job, settings: RunSettings, outcome: RunOutcome) -> dict[str, str]:
    metric = get_metric_from_name(outcome.metric)
    bare = lab_jobs.outcome(job.tasks[1]) if len(job.tasks) > 1 else None
    attack, member = outcome.attack, outcome.membership
    one, every = attack.looks[0], attack.looks[-1]
    bounds = limits(settings, outcome.num_train)
    found = Share(successes=member.at_001[0], trials=member.members)
    return {
        "Utility (measured)": f"{metric.short} {outcome.utility:.3f}",
        "the same without DP (measured)": f"{bare.utility:.3f}"
        if bare
        else "is itself"
        if not settings.is_private
        else "–",
        "ε spent, as in the paper": _spent(outcome.epsilon_rdp),
        "ε spent, counted tightly": _spent(outcome.epsilon_tight),
        "Attacker holds it (proven)": bounds[0],
        "Attacker does not (proven)": bounds[1],
        "Rebuilt from one look (measured)": f"{one.rebuilt} of {attack.attacked}",
        "Rebuilt from all looks (measured)": f"{every.rebuilt} of {attack.attacked} ({every.looks} looks)",
        "Named from all looks (measured)": f"{every.matched} of {attack.attacked}",
        "Participants found at 1 % false alarms (measured)": lab_text.share_words(found),
        "Seconds of training": f"{outcome.seconds:.1f} s",
    }


def _spent(epsilon: float | None) -> str:
    return "no DP" if epsilon is None else f"{epsilon:.4g}"


def _settings(job: Job) -> RunSettings:
    settings = job.tasks[0].task
    assert isinstance(settings, RunSettings)
    return settings


def _outcome(job: Job) -> RunOutcome:
    found = lab_jobs.outcome(job.tasks[0])
    assert found is not None
    return found
