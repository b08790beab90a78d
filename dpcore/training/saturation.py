"""From which epoch on a training hardly learns any more."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dpcore import _validate
from dpcore.errors import InvalidValue

#: Improvement an epoch below which a training counts as saturated.
SLOW = 0.01


def get_saturation_epoch(
    losses: Sequence[float], *, steps_per_epoch: float, window: int = 4, slow: float = SLOW
) -> int | None:
    """Returns the epoch, from 1, after which the smoothed loss improves by less than `slow` an epoch.

    None if it still improves faster when the training ends.
    The loss of an epoch is the mean of its steps. Smoothing: from each epoch on, a line through the logarithms of
    `window` + 1 epochs; the loss saturates at the first epoch from which on all these lines are flatter than
    log(1 − slow).

    Args:
        losses: above 0, one a step, as `TrainedRun.losses`; NaN where a Poisson batch was empty.
        steps_per_epoch: 1 / sample rate, above 0; a last epoch that is cut short counts if it has half the steps.
        window: epochs that a line spans, at least 1: more for noisier losses.
        slow: relative improvement an epoch, above 0 and below 1.

    Raises:
        InvalidValue: for a number that breaks its rule, fewer than `window` + 1 epochs, or losses that are not finite
            and above 0.
    """
    _validate.positive(steps_per_epoch=steps_per_epoch)
    _validate.whole(window=window)
    _validate.open_unit(slow=slow)
    logs = np.log(_epoch_losses(np.asarray(losses, dtype=np.float64), steps_per_epoch))
    if len(logs) <= window:
        raise InvalidValue(f"losses must span more than {window} epochs, but span {len(logs)}.")
    distance = np.arange(window + 1) - window / 2
    slopes = np.lib.stride_tricks.sliding_window_view(logs, window + 1) @ distance / (distance @ distance)
    falling = np.flatnonzero(slopes <= math.log1p(-slow))
    first_slow = int(falling[-1]) + 1 if len(falling) else 0
    return first_slow + 1 if first_slow < len(slopes) else None


def _epoch_losses(losses: NDArray[np.float64], steps_per_epoch: float) -> NDArray[np.float64]:
    """Mean loss of each epoch; one whose batches were all empty lies between its neighbours."""
    known = ~np.isnan(losses)
    if losses.ndim != 1 or not known.any() or not (np.isfinite(losses[known]) & (losses[known] > 0)).all():
        raise InvalidValue("losses must be finite numbers above 0, one a step, but are not.")
    epochs = max(1, round(len(losses) / steps_per_epoch))
    epoch_of = np.minimum(np.arange(len(losses)) // steps_per_epoch, epochs - 1).astype(np.int64)[known]
    counts = np.bincount(epoch_of, minlength=epochs)
    totals = np.bincount(epoch_of, weights=losses[known], minlength=epochs)
    seen = np.flatnonzero(counts)
    return np.interp(np.arange(epochs), seen, totals[seen] / counts[seen])
