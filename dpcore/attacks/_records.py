"""The two kinds of record an attack takes, pictures and table rows, as the attacked model sees them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dpcore.errors import InvalidValue

MIN_SIDE, MAX_SIDE = 16, 256
PICTURE_RULE = "uint8 of shape (n, side, side, 3) or (n, side, side, 1)"
SIDE_RULE = f"with a side of {MIN_SIDE} to {MAX_SIDE}"
#: Pictures with a smaller share of non-zero pixels are left out, as Ziller et al. (2024) do.
MIN_NONZERO_SHARE = 0.1


@dataclass(frozen=True, kw_only=True)
class RecordKind:
    """What everyone, the attacker included, knows about records of one kind before seeing any."""

    model: str
    record_shape: tuple[int, ...]
    #: A typical value and a typical spread of one pixel or feature, as the model sees it.
    mean: float
    spread: float
    low: float = -math.inf
    high: float = math.inf

    @property
    def is_picture(self) -> bool:
        """Whether records are pictures rather than rows of a table."""
        return len(self.record_shape) == 3


def are_pictures(records: NDArray[Any]) -> bool:
    """Tells whether records are pictures: uint8, (n, side, side, 3) or (n, side, side, 1), with a side of 16 … 256."""
    if records.dtype != np.uint8 or records.ndim != 4:
        return False
    _, height, width, channels = records.shape
    return channels in (1, 3) and height == width and MIN_SIDE <= height <= MAX_SIDE


def kind_of(records: NDArray[Any]) -> RecordKind:
    """Returns the kind of valid records: pictures seen as (channels, side, side) in [0, 1], rows as they are.

    Args:
        records: n ≥ 1 records: pictures (`are_pictures`) or finite float32 (n, features).

    Raises:
        InvalidValue: for anything else.
    """
    if not isinstance(records, np.ndarray):
        raise InvalidValue(f"records must be a numpy array, but is {type(records).__name__}.")
    is_pictures = are_pictures(records)
    is_rows = records.dtype == np.float32 and records.ndim == 2
    if not (is_pictures or is_rows) or records.size == 0:
        raise InvalidValue(
            f"records must be {PICTURE_RULE} {SIDE_RULE}, or float32 of shape (n, features), and not empty, "
            f"but is {records.dtype} of shape {records.shape}."
        )
    if is_pictures:
        _, side, _, channels = records.shape
        return RecordKind(
            model="small_cnn", record_shape=(channels, side, side), mean=0.5, spread=0.25, low=0.0, high=1.0
        )
    if not np.isfinite(records).all():
        bad = int(np.count_nonzero(~np.isfinite(records)))
        raise InvalidValue(f"records must hold finite numbers only, but {bad} of {records.size} values are not.")
    return RecordKind(model="mlp", record_shape=records.shape[1:], mean=0.0, spread=1.0)


def worth_attacking(records: NDArray[Any]) -> NDArray[np.bool_]:
    """Returns (n,): False for pictures that are black but for less than 10 % of their pixels.

    Raises:
        InvalidValue: if that leaves no record.
    """
    if records.ndim == 2:
        return np.ones(len(records), dtype=bool)
    shares = (records != 0).any(axis=-1).mean(axis=(1, 2))
    worth: NDArray[np.bool_] = shares >= MIN_NONZERO_SHARE
    if not worth.any():
        raise InvalidValue(
            "records must hold a picture with at least 10 % non-zero pixels, "
            f"but the brightest of {len(worth)} has {shares.max():.1%}."
        )
    return worth


def to_model_input(records: NDArray[Any]) -> NDArray[np.float32]:
    """Returns (n, *record_shape): pictures with channels first and pixels in [0, 1], rows unchanged."""
    if records.ndim == 2:
        return records.astype(np.float32, copy=False)
    return np.ascontiguousarray(records.transpose(0, 3, 1, 2), dtype=np.float32) / np.float32(255)


def from_flat(flat: NDArray[np.float32], kind: RecordKind) -> NDArray[Any]:
    """Returns flat (n, d) model inputs as records: uint8 (n, side, side, channels) or float32 (n, features)."""
    if not kind.is_picture:
        return flat
    pictures = flat.reshape(-1, *kind.record_shape).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(np.rint(pictures * 255).astype(np.uint8))
