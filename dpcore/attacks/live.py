"""An attack while someone waits: a few pictures, resized, in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dpcore._validate import whole
from dpcore.attacks._records import MAX_SIDE, MIN_SIDE, PICTURE_RULE, kind_of
from dpcore.attacks.batch import BatchAttack
from dpcore.attacks.evaluate import ImprintAttack
from dpcore.attacks.scores import AttackScores
from dpcore.errors import InvalidValue

MAX_PICTURES = 24


@dataclass(frozen=True, kw_only=True)
class LiveAttack:
    """What came back of the m attacked pictures, in their order, at the side that was asked for."""

    #: (m,) places in the pictures given; mostly black ones are left out.
    index: NDArray[np.int64]
    #: uint8 (m, side, side, channels) each.
    originals: NDArray[np.uint8]
    rebuilt: NDArray[np.uint8]
    #: Of all n pictures given.
    scores: AttackScores


def attack_pictures(
    pictures: NDArray[np.uint8],
    *,
    noise_multiplier: float,
    looks: int,
    side: int,
    batch_size: int = 1,
    num_bins: int = 10,
    denoiser: str = "none",
    typical_brightness: tuple[float, float] | None = None,
    seed: int = 0,
) -> LiveAttack:
    """Returns scores and reconstructions of at most 24 pictures; `ImprintAttack` for batches of 1, else `BatchAttack`.

    Args:
        pictures: uint8 (n, any side 16 … 256, the same, 1 or 3).
        noise_multiplier: noise standard deviation / clipping norm, ≥ 0; 0 = no DP.
        looks: averaged noisy gradients of the same records, ≥ 1.
        side: to which the pictures are resized before they are attacked, 16 … 256.
        batch_size: records a gradient, at most the number of attacked pictures.
        num_bins: bins of the imprint layer; without effect in batches of 1, where all bins are alike.
        denoiser: one of `DENOISERS`.
        typical_brightness: as for `BatchAttack`; without effect in batches of 1.
        seed: of labels and noise.

    Raises:
        InvalidValue: if an argument breaks its rule.
    """
    if not kind_of(pictures).is_picture or len(pictures) > MAX_PICTURES:
        raise InvalidValue(f"pictures must be at most {MAX_PICTURES}, {PICTURE_RULE}, but has shape {pictures.shape}.")
    if not MIN_SIDE <= whole(side=side) <= MAX_SIDE:
        raise InvalidValue(f"side must be {MIN_SIDE} to {MAX_SIDE}, but is {side!r}.")
    resized = resize(pictures, side)
    attack: ImprintAttack | BatchAttack
    if whole(batch_size=batch_size) == 1:
        attack = ImprintAttack(resized, seed)
    else:
        attack = BatchAttack(
            resized, seed, batch_size=batch_size, num_bins=num_bins, typical_brightness=typical_brightness
        )
    rebuilt = attack.reconstruct(noise_multiplier=noise_multiplier, looks=looks, denoiser=denoiser)
    return LiveAttack(
        index=np.flatnonzero(attack.attacked),
        originals=resized[attack.attacked],
        rebuilt=rebuilt,
        scores=attack.scores_of(rebuilt, noise_multiplier=noise_multiplier, looks=looks),
    )


def resize(pictures: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Returns uint8 (n, side, side, channels): area averages when smaller, bicubic when larger."""
    if pictures.shape[1] == side:
        return pictures
    method = Image.Resampling.BOX if side < pictures.shape[1] else Image.Resampling.BICUBIC
    shape = (len(pictures), side, side, pictures.shape[-1])
    images = [Image.fromarray(p[..., 0] if p.shape[-1] == 1 else p) for p in pictures]
    return np.stack([np.asarray(image.resize((side, side), method)) for image in images]).reshape(shape)
