"""A laboratory that trains nothing: it takes tasks from the database and writes INVENTED results, to test pages.

No number here was measured. What a real laboratory does is tested with real processes elsewhere.
"""

from __future__ import annotations

import base64
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dpcore import datasets
from dpcore.jobs import (
    AttackOutcome,
    DatasetFacts,
    LookOutcome,
    MembershipOutcome,
    ModelFacts,
    PictureOutcome,
    ProbeTask,
    ProfileTask,
    RunOutcome,
    RunSettings,
    Task,
    TaskProgress,
)
from dpcore.jobs.laboratory_store import LaboratoryStore
from dpcore.jobs.outcomes import to_json
from dpcore.jobs.turns import TaskId
from dpcore.privacy import DpSgdMechanism
from dpcore.settings import TrainingConfig, models_for

#: As the precomputed results count them.
NUM_TRAIN = {"skin_phantom": 6_000, "breast_cancer": 426}
#: A visitor's secret name, as the browser's cookie holds it.
ME = "Tmzc5nMEV8YB8vqs99ZgRA"
#: What the page starts where nobody changed a setting.
RUN = RunSettings(
    dataset="skin_phantom",
    training=TrainingConfig(
        model="small_cnn", epochs=20, expected_batch_size=1024, max_grad_norm=8.0, positive_weight=4.0
    ),
    epsilon=8.0,
)


class InventedLaboratory:
    """Plays the laboratory on a database, one call at a time."""

    def __init__(self, database: Path, *, workers: int = 2) -> None:
        self.store = LaboratoryStore(database)
        self.workers = workers
        self.store.open_laboratory(1)
        self.store.beat(workers=workers)

    def take(self) -> tuple[TaskId, Task] | None:
        """Takes the next task to work."""
        self.store.beat(workers=self.workers)
        return self.store.claim()

    def report(self, task: TaskId, settings: RunSettings, *, share: float) -> None:
        """Says that a training has come so far."""
        self.store.beat(workers=self.workers)
        self.store.report(task, invented_progress(settings, share=share))

    def finish(self, task: TaskId, work: Task) -> None:
        """Finishes a task with an invented result."""
        self.store.beat(workers=self.workers)
        self.store.finish(task, invented(work))

    def work_off(self) -> int:
        """Finishes everything that waits; returns how many tasks that was."""
        done = 0
        while taken := self.take():
            self.finish(*taken)
            done += 1
        return done


def invented(task: Task) -> dict[str, Any]:
    """Returns an invented result of any task."""
    if isinstance(task, ProbeTask):
        return to_json(invented_facts(task.dataset))
    return invented_profile(task) if isinstance(task, ProfileTask) else to_json(invented_outcome(task))


def invented_facts(dataset: str) -> DatasetFacts:
    """Returns an invented speed of this machine."""
    model = ModelFacts(num_parameters=5_000, private_seconds_per_view=2e-4, plain_seconds_per_view=1e-4)
    return DatasetFacts(
        dataset=dataset, num_train=num_train(dataset), num_validation=100, num_test=100, prevalence=0.2,
        attack_seconds=2.0, load_seconds=0.5, models=dict.fromkeys(models_for(datasets.spec(dataset)), model),
    )  # fmt: skip


def num_train(dataset: str) -> int:
    """Returns the number of training records."""
    return NUM_TRAIN.get(dataset, 7_500)


def invented_progress(settings: RunSettings, *, share: float) -> TaskProgress:
    """Returns an invented course of a training that has come so far."""
    training = settings.training
    steps = training.steps(num_train(settings.dataset))
    step = max(1, round(share * steps))
    epochs = range(math.floor(step * training.epochs / steps) + 1)
    target = _utility(settings)
    return TaskProgress(
        phase="training",
        step=step,
        steps=steps,
        epochs=training.epochs,
        epsilon=(settings.epsilon or 8.0) * math.sqrt(step / steps) if settings.is_private else None,
        losses=tuple((k, 0.2 + 0.5 * math.exp(-3 * k / steps)) for k in range(1, step + 1)),
        track=tuple((float(e), target * (1 - math.exp(-4 * e / training.epochs))) for e in epochs),
    )


def invented_outcome(settings: RunSettings) -> RunOutcome:
    """Returns an invented result of a training: useful only as far as its budget allows."""
    spec = datasets.spec(settings.dataset)
    n = num_train(settings.dataset)
    mechanism = settings.mechanism(n)
    noise = mechanism.noise_multiplier if isinstance(mechanism, DpSgdMechanism) else 0.0
    seen = 0 if settings.is_private else 290
    return RunOutcome(
        metric=spec.metrics[0],
        utility=_utility(settings),
        scores={name: _utility(settings) for name in spec.metrics},
        seconds=3.5,
        noise_multiplier=noise,
        sample_rate=settings.training.sample_rate(n),
        steps=settings.training.steps(n),
        num_train=n,
        num_test=1_500,
        epsilon_rdp=(settings.epsilon or 8.0) if settings.is_private else None,
        epsilon_tight=0.9 * (settings.epsilon or 8.0) if settings.is_private else None,
        progress=invented_progress(settings, share=1.0),
        attack=AttackOutcome(
            records=f"{settings.dataset}_128",
            attacked=300,
            candidates=300,
            looks=(
                LookOutcome(looks=1, rebuilt=seen, matched=seen + 3, median_error=0.98),
                LookOutcome(looks=settings.training.epochs, rebuilt=seen, matched=seen + 5, median_error=0.97),
            ),
        ),
        membership=MembershipOutcome(
            members=1_000, non_members=1_000, auc=0.521, at_001=(13, 10), fpr=(0.0, 0.01, 1.0), tpr=(0.0, 0.013, 1.0)
        ),
        pictures=_pictures(settings) if spec.kind == "image" else None,
        versions={"python": "invented"},
    )


def invented_profile(task: ProfileTask) -> dict[str, Any]:
    """Returns an invented look at gradient norms, in the fields of `dpcore.training.profile`."""
    counts = (40, 120, 240, 300, 180, 80, 30, 10)
    norms = {
        "epochs": 1, "records": sum(counts), "counts": counts, "edges": tuple(0.5 * k for k in range(len(counts) + 1)),
        "percentile_80": 2.28, "percentile_90": 2.75, "clipped_share": 0.1,
    }  # fmt: skip
    return {
        "dataset": task.dataset, "model": task.training.model, "max_grad_norm": task.training.max_grad_norm,
        "initial": {**norms, "epochs": 0}, "trained": norms,
        "warning": "" if datasets.spec(task.dataset).synthetic else "Nobody paid for this look.",
    }  # fmt: skip


def _utility(settings: RunSettings) -> float:
    epsilon = settings.epsilon or (8.0 if settings.noise_multiplier else math.inf)
    return 0.6 * (1 - math.exp(-math.sqrt(epsilon) / 2)) if math.isfinite(epsilon) else 0.6


def _pictures(settings: RunSettings) -> PictureOutcome:
    noise = np.random.default_rng(settings.training.seed).integers(0, 255, (32, 160, 3), dtype=np.uint8)
    grey = np.full((32, 160, 3), 128, dtype=np.uint8)
    return PictureOutcome(
        source="Invented squares.",
        stand_in=True,
        synthetic=True,
        originals=_webp(grey),
        one_look=_webp(noise),
        all_looks=_webp(noise // 2 + 64),
        errors_one_look=(0.95, 0.96, 0.97, 0.98, 0.99),
        errors_all_looks=(0.75, 0.76, 0.77, 0.78, 0.79),
    )


def _webp(pixels: np.ndarray[Any, Any]) -> str:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="WEBP")
    return base64.b64encode(out.getvalue()).decode("ascii")
