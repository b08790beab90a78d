"""What is shown of a task while it runs: its phase, and of a training the loss, the utility and the ε spent."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable

import numpy as np

from dpcore.jobs.outcomes import TaskProgress
from dpcore.jobs.tasks import RunSettings
from dpcore.privacy import DpSgdMechanism, get_epsilon_from_mechanism
from dpcore.training import Progress, Training

_MOST_LOSSES, _MOST_LOOKS = 200, 12
_SECONDS_BETWEEN_REPORTS = 0.2
#: An ε that takes longer to compute is computed at the ends of epochs only.
_SLOW_EPSILON = 0.02


class Reporter:
    """Hands progress on at every change of phase, and in between at most every 0.2 s."""

    def __init__(self, report: Callable[[TaskProgress], None]) -> None:
        self._report, self._last = report, -math.inf

    def change(self, progress: TaskProgress) -> None:
        """Reports at once."""
        self._last = time.monotonic()
        self._report(progress)

    def show(self, progress: Callable[[], TaskProgress]) -> None:
        """Reports if it is time; only then is the progress asked for."""
        if time.monotonic() - self._last >= _SECONDS_BETWEEN_REPORTS:
            self.change(progress())


class Watch:
    """Collects what is shown of a training.

    Utility along the way is that on the validation records, with which no weight is ever fitted; with DP they are not
    protected by the budget, so nothing may be decided by it.
    """

    def __init__(self, settings: RunSettings, training: Training) -> None:
        self._training, self._spent = training, _Spent(settings, training)
        self._epochs, self._stride = settings.training.epochs, math.ceil(training.steps / _MOST_LOSSES)
        self._epoch_ends = {math.ceil(e * training.steps / self._epochs): e for e in range(1, self._epochs + 1)}
        looks = np.linspace(self._epochs / _MOST_LOOKS, self._epochs, _MOST_LOOKS).round()
        self._looks = {int(e) for e in looks} if self._epochs > _MOST_LOOKS else set(range(1, self._epochs + 1))
        self._step, self._epoch_end = 0, 0
        self._losses, self._track = list[tuple[int, float]](), list[tuple[float, float]]()
        self._look(0)

    def add(self, taken: Progress) -> None:
        """Takes note of a step; raises InvalidValue if the model's scores are no longer finite numbers."""
        self._step = taken.step
        if (taken.step - 1) % self._stride == 0 and not math.isnan(taken.loss):
            self._losses.append((taken.step, taken.loss))
        epoch = self._epoch_ends.get(taken.step)
        if epoch is not None:
            self._epoch_end = taken.step
            if epoch in self._looks:
                self._look(epoch)

    def progress(self, phase: str = "training") -> TaskProgress:
        """Returns where the training stands."""
        return TaskProgress(
            phase=phase,
            step=self._step,
            steps=self._training.steps,
            epochs=self._epochs,
            epsilon=self._spent.after(self._step, epoch_end=self._epoch_end),
            losses=tuple(self._losses),
            track=tuple(self._track),
        )

    def _look(self, epoch: int) -> None:
        scores = self._training.scores(self._training.dataset.split.validation)
        self._track.append((float(epoch), float(next(iter(scores.values())))))


class _Spent:
    """The budget spent so far, None without DP; computed when it is asked for."""

    def __init__(self, settings: RunSettings, training: Training) -> None:
        self._settings, self._mechanism = settings, training.privacy
        self._slow, self._known = False, (0, 0.0)

    def after(self, step: int, *, epoch_end: int) -> float | None:
        """Returns ε after that step; where it takes long, after the last one that it was counted for."""
        if not isinstance(self._mechanism, DpSgdMechanism):
            return None
        # Not less than what was counted already: the first count may be the slow one, before any epoch has ended.
        counted = max(epoch_end, self._known[0]) if self._slow else step
        if counted != self._known[0]:
            start = time.perf_counter()
            mechanism = dataclasses.replace(self._mechanism, steps=counted)
            epsilon = get_epsilon_from_mechanism(
                mechanism, delta=self._settings.delta, accountant=self._settings.accountant
            )
            self._slow |= time.perf_counter() - start > _SLOW_EPSILON
            self._known = (counted, epsilon)
        return self._known[1]
