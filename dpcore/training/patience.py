"""Early stopping, for training without DP only: with DP every look at validation records would have to be paid for."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

from torch import nn


class Patience:
    """Ends a training after so many epochs without a better validation score, and keeps the best weights.

    Args:
        epochs: 0 = never ends it.
        validate: returns the present score; higher = better.
    """

    def __init__(self, epochs: int, *, validate: Callable[[], float]) -> None:
        self._epochs, self._validate = epochs, validate
        self._best_score, self._best_weights = -math.inf, dict[str, Any]()
        self._without_gain = 0

    @property
    def is_over(self) -> bool:
        """Whether the training should end."""
        return 0 < self._epochs <= self._without_gain

    def after_epoch(self, model: nn.Module) -> None:
        """Looks at the validation score."""
        if not self._epochs:
            return
        score = self._validate()
        self._without_gain += 1
        if score > self._best_score:
            self._best_score, self._without_gain = score, 0
            self._best_weights = copy.deepcopy(model.state_dict())

    def restore(self, model: nn.Module) -> None:
        """Brings back the weights of the best epoch, if any was looked at."""
        if self._best_weights:
            model.load_state_dict(self._best_weights)
