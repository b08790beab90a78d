"""Small runs for the tests of jobs: a table of 569 patients and a network of a few hundred weights."""

from __future__ import annotations

from typing import Any

from dpcore.jobs import RunSettings
from dpcore.settings import TrainingConfig


def settings(*, epsilon: float | None = 8.0, **training: Any) -> RunSettings:
    """Returns a run that takes less than a second unless `epochs` says otherwise."""
    fields: dict[str, Any] = {"model": "mlp", "epochs": 3, "expected_batch_size": 64, "max_grad_norm": 1.0, **training}
    return RunSettings(dataset="breast_cancer", training=TrainingConfig(**fields), epsilon=epsilon, delta=1e-5)
