"""How much work visitors may ask for; one small machine serves a whole workshop."""

from __future__ import annotations

import os
from dataclasses import dataclass

from dpcore import _validate
from dpcore.errors import InvalidValue
from dpcore.jobs.forecast import DatasetFacts, expected_seconds
from dpcore.jobs.tasks import RunSettings, Task

#: Set these in the environment to change a limit.
SECONDS_VARIABLE, PER_VISITOR_VARIABLE = "PINCH_LAB_SECONDS", "PINCH_LAB_PER_VISITOR"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one task, one visitor and the whole queue may take."""

    #: Wall-clock seconds of one task, after which it is stopped.
    seconds: float = 300.0
    #: Unfinished jobs of one visitor, and of all.
    per_visitor: int = 4
    in_total: int = 200
    epochs: int = 1000
    steps: int = 50_000
    multiplicity: int = 16

    @classmethod
    def from_environment(cls) -> Limits:
        """Returns the limits with those set in the environment; raises InvalidValue if one is no number above 0."""
        return cls(
            seconds=_number(SECONDS_VARIABLE, cls.seconds),
            per_visitor=int(_number(PER_VISITOR_VARIABLE, cls.per_visitor)),
        )

    def check(self, task: Task, facts: DatasetFacts | None) -> None:
        """Raises InvalidValue, in one sentence, for a task that is too large or belongs to no dataset of that size."""
        if not isinstance(task, RunSettings):
            return
        training = task.training
        _at_most(self.epochs, epochs=training.epochs)
        _at_most(self.multiplicity, multiplicity=training.multiplicity)
        if facts is None:
            return
        steps = training.steps(facts.num_train)  # Refuses a batch above the number of records.
        if steps > self.steps:
            raise InvalidValue(
                f"epochs · records / batch must be at most {self.steps:,} steps, but is {steps:,}: take fewer epochs "
                "or a larger batch."
            )
        task.mechanism(facts.num_train)
        if training.model not in facts.models:
            raise InvalidValue(
                f"model must be one of {', '.join(facts.models)} here, but is {training.model!r}: it is too large to "
                "train while someone waits. “python -m dpcore run” trains it."
            )
        seconds = expected_seconds(task, facts)
        if seconds is not None and seconds > self.seconds:
            raise InvalidValue(
                f"A training must take at most {self.seconds:g} s here, but this one needs about {seconds:,.0f} s: "
                "take fewer epochs, fewer views or a smaller model."
            )


def _at_most(most: int, **named: int) -> None:
    ((name, value),) = named.items()
    if value > most:
        raise InvalidValue(f"{name} must be at most {most:,} here, but is {value:,}.")


def _number(variable: str, default: float) -> float:
    text = os.environ.get(variable, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        raise InvalidValue(f"{variable} must be a number above 0, but is {text!r}.") from None
    return _validate.positive(**{variable: value})
