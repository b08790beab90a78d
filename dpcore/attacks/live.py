"""The imprint attack on a few pictures while a visitor waits."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dpcore._validate import whole
from dpcore.attacks._records import are_pictures
from dpcore.attacks.batch import BatchAttack
from dpcore.attacks.evaluate import AttackScores, ImprintAttack
from dpcore.attacks.reading import NUM_BINS
from dpcore.errors import InvalidValue

_SEED = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class LiveAttack:
    """What an attack on a few pictures got, and how long it took."""

    #: uint8 (m, side, side, channels): the attacked pictures and what was rebuilt of each.
    originals: NDArray[np.uint8]
    rebuilt: NDArray[np.uint8]
    scores: AttackScores
    seconds: float


def resize_pictures(pictures: NDArray[np.uint8], *, side: int) -> NDArray[np.uint8]:
    """Returns pictures (n, side, side, channels): averaged over boxes when smaller, interpolated when larger.

    Raises InvalidValue for anything but uint8 pictures (n, s, s, 1 or 3).
    """
    if not are_pictures(pictures):
        raise InvalidValue(f"pictures must be square, uint8, grey or colour, but are {pictures.shape}.")
    if pictures.shape[1] == whole(side=side):
        return pictures
    how = Image.Resampling.BOX if side < pictures.shape[1] else Image.Resampling.BICUBIC
    grey = pictures.shape[-1] == 1
    resized = [np.asarray(Image.fromarray(p[..., 0] if grey else p).resize((side, side), how)) for p in pictures]
    stacked = np.stack(resized)
    return stacked[..., None] if grey else stacked


def attack_pictures(
    pictures: NDArray[np.uint8],
    *,
    noise_multiplier: float,
    looks: int = 1,
    side: int = 128,
    batch_size: int = 1,
    num_bins: int = NUM_BINS,
    denoiser: str = "none",
) -> LiveAttack:
    """Returns the imprint attack on pictures at that side, one at a time or in batches.

    Args:
        pictures: uint8 (n, s, s, 1 or 3).
        noise_multiplier: noise standard deviation / clipping norm; 0 = no DP.
        looks: averaged gradients of the same record or batch, ≥ 1.
        side: of the attacked pictures, 16 … 256 pixels.
        batch_size: records whose gradients are added up before the noise, at most those that are not mostly black.
        num_bins: bins of the planted layer in a batch.
        denoiser: one of `denoise.DENOISERS`.

    Raises:
        InvalidValue: if an argument breaks its rule.
    """
    start = time.perf_counter()
    attacked: NDArray[Any] = resize_pictures(pictures, side=side)
    attack: ImprintAttack | BatchAttack = (
        ImprintAttack(attacked, _SEED)
        if whole(batch_size=batch_size) == 1
        else BatchAttack(attacked, _SEED, batch_size=batch_size, num_bins=num_bins)
    )
    rebuilt, scores = attack.rebuild_and_score(noise_multiplier=noise_multiplier, looks=looks, denoiser=denoiser)
    return LiveAttack(
        originals=attacked[attack.attacked],
        rebuilt=rebuilt.astype(np.uint8, copy=False),
        scores=scores,
        seconds=time.perf_counter() - start,
    )
