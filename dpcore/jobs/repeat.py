"""The command line that repeats a training of the live lab."""

from __future__ import annotations

import dataclasses
import shlex

from dpcore.jobs.tasks import RunSettings
from dpcore.settings import TrainingConfig

#: Options by the field they set; those of a training stand first. Without a default they are always written.
_TRAINING = {
    "model": "--model",
    "epochs": "--epochs",
    "expected_batch_size": "--batch",
    "max_grad_norm": "--max-grad-norm",
    "learning_rate": "--learning-rate",
    "positive_weight": "--positive-weight",
    "multiplicity": "--multiplicity",
    "seed": "--seed",
}
_PRIVACY = {
    "epsilon": "--epsilon",
    "noise_multiplier": "--noise-multiplier",
    "delta": "--delta",
    "accountant": "--accountant",
}


def command_line(settings: RunSettings) -> str:
    """Returns the shell command that trains with these settings and attacks the model; defaults are left out."""
    words = ["python", "-m", "dpcore", "run", "--dataset", settings.dataset]
    words += _options(settings.training, _TRAINING)
    words += ["--flips"] if settings.training.flips else []
    words += _options(settings, _PRIVACY) + ([] if settings.is_private else ["--no-dp"])
    return shlex.join(words)


def _options(settings: RunSettings | TrainingConfig, options: dict[str, str]) -> list[str]:
    defaults = {field.name: field.default for field in dataclasses.fields(settings)}
    values = {name: getattr(settings, name) for name in options}
    given = {name: value for name, value in values.items() if value != defaults[name]}
    return [word for name, value in given.items() for word in (options[name], _written(value))]


def _written(value: object) -> str:
    """All digits, so that the command gives exactly the same number."""
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
