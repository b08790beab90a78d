"""What a worker does with a task. Needs torch; the app never imports it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from dpcore import datasets
from dpcore.jobs.attacked import attack_run
from dpcore.jobs.chunks import in_chunks
from dpcore.jobs.loading import Loaded, load
from dpcore.jobs.outcomes import RunOutcome, TaskProgress, to_json
from dpcore.jobs.probe import probe_dataset
from dpcore.jobs.tasks import ProfileTask, RunSettings, Task
from dpcore.jobs.watching import Reporter, Watch
from dpcore.privacy import Accountant, DpSgdMechanism, NonPrivate, get_epsilon_from_mechanism
from dpcore.settings.versions import all_versions
from dpcore.training import TrainedRun, Training, get_clip_norm_profile
from dpcore.training.profile import check_permission


@dataclass(frozen=True, kw_only=True)
class _Worker:
    """Whom a task answers to while it runs."""

    reporter: Reporter
    check: Callable[[], None]
    data_path: str | None

    def change(self, progress: TaskProgress) -> None:
        """Enters a phase."""
        self.check()
        self.reporter.change(progress)

    def load(self, name: str) -> Loaded:
        """Loads a dataset, which is one part: `check` waits for it."""
        self.change(TaskProgress(phase="loading the records"))
        return load(name, self.data_path)


def perform_task(
    task: Task,
    *,
    report: Callable[[TaskProgress], None],
    check: Callable[[], None],
    data_path: str | None = None,
) -> dict[str, Any]:
    """Runs a task on one core and returns its outcome as plain JSON values, all finite.

    A run gives `RunOutcome`, a profile `dpcore.training.ClipNormProfile`, a probe `DatasetFacts`. The task's settings
    alone decide the outcome, but for what is a time.

    Args:
        task: what to do.
        report: told where the task stands: at once, at every change of phase, at the first step, and in between at
            most every 0.2 s.
        check: raises to stop the task; called before every step, every chunk of records and every part of an attack,
            so that a task stops within about a second, unless it is loading records or trains a very large model.
        data_path: copies of real data; None means the path in DPCORE_DATA.

    Raises:
        InvalidValue: for settings that do not fit the records, or a training that diverged.
        DataUnavailable: if the records are missing or damaged.
        CalibrationError: if no noise meets the budget.
        Exception: whatever `check` raises.
    """
    torch.set_num_threads(1)
    worker = _Worker(reporter=Reporter(report), check=check, data_path=data_path)
    if isinstance(task, RunSettings):
        return to_json(_run(task, worker))
    if isinstance(task, ProfileTask):
        return _profile(task, worker)
    loaded = worker.load(task.dataset)
    worker.change(TaskProgress(phase="measuring this machine's speed"))
    return to_json(probe_dataset(loaded, check=check))


def _profile(task: ProfileTask, worker: _Worker) -> dict[str, Any]:
    spec = datasets.spec(task.dataset)
    # Before the records are read: without permission nobody needs them.
    check_permission(spec, on_private_data=task.on_private_data)
    dataset = worker.load(task.dataset).dataset
    worker.change(TaskProgress(phase="looking at gradient norms"))
    profile = get_clip_norm_profile(
        dataset, in_chunks(task.training, spec), on_private_data=task.on_private_data, check=worker.check
    )
    return dataclasses.asdict(profile)


def _run(settings: RunSettings, worker: _Worker) -> RunOutcome:
    loaded = worker.load(settings.dataset)
    dataset, config = loaded.dataset, in_chunks(settings.training, loaded.dataset.spec)
    num_train = len(dataset.split.train)
    training = Training(dataset, config, settings.mechanism(num_train), check=worker.check)
    run, progress = _train(training, settings, worker)
    worker.change(dataclasses.replace(progress, phase="attacking"))
    noise_multiplier = training.privacy.noise_multiplier if isinstance(training.privacy, DpSgdMechanism) else 0.0
    attacked = attack_run(
        loaded, run.model, noise_multiplier=noise_multiplier, epochs=config.epochs, check=worker.check
    )
    return RunOutcome(
        metric=dataset.spec.metrics[0],
        utility=float(run.utility),
        scores={name: float(score) for name, score in run.scores.items()},
        seconds=run.seconds,
        noise_multiplier=noise_multiplier,
        sample_rate=config.sample_rate(num_train),
        steps=training.steps,
        num_train=num_train,
        num_test=len(dataset.split.test),
        epsilon_rdp=_spent(training.privacy, settings.delta, "rdp"),
        epsilon_tight=_spent(training.privacy, settings.delta, "tight"),
        progress=dataclasses.replace(progress, phase="finished"),
        attack=attacked.attack,
        membership=attacked.membership,
        pictures=attacked.pictures,
        versions=all_versions(),
    )


def _train(training: Training, settings: RunSettings, worker: _Worker) -> tuple[TrainedRun, TaskProgress]:
    watch = Watch(settings, training)
    worker.change(watch.progress())
    for taken in training:
        worker.check()
        watch.add(taken)
        if taken.step == 1:
            worker.reporter.change(watch.progress())
        worker.reporter.show(watch.progress)
    return training.finish(), watch.progress()


def _spent(privacy: DpSgdMechanism | NonPrivate, delta: float, accountant: Accountant) -> float | None:
    if isinstance(privacy, NonPrivate):
        return None
    return get_epsilon_from_mechanism(privacy, delta=delta, accountant=accountant)
