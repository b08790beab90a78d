"""Pictures of the attack: the five best reconstructions beside their originals, and pictures that may be shown."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from dpcore.attacks._records import PICTURE_RULE, SIDE_RULE, are_pictures
from dpcore.attacks.evaluate import ImprintAttack
from dpcore.errors import InvalidValue

TOP = 5
#: Side of the stand-ins in pixels: the attack's published setting.
STAND_IN_SIDE = 128
#: A strip of pure noise must stay small enough for a page that swaps strips as the slider moves.
MAX_STRIP_BYTES = 45_000
_QUALITIES = (90, 80, 70, 60, 50, 40, 30, 20)


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """Five reconstructions chosen by one-look error at one setting, best first; the same five for all looks."""

    #: (5,) places in the attacked records.
    index: NDArray[np.int64]
    #: uint8 (5, side, side, channels) each.
    originals: NDArray[np.uint8]
    one_look: NDArray[np.uint8]
    all_looks: NDArray[np.uint8]
    #: (5,) 1 − SSIM each.
    errors_one_look: NDArray[np.float64]
    errors_all_looks: NDArray[np.float64]


#: (n,) errors of all records after one look and after all looks, as `AttackScores.error`.
Errors = tuple[NDArray[np.float64], NDArray[np.float64]]


def best_gallery(
    attack: ImprintAttack, *, noise_multiplier: float, looks: int, errors: Errors | None = None
) -> Gallery:
    """Returns the five pictures that one look rebuilds best, as one look and `looks` looks show them.

    Args:
        attack: prepared on at least five pictures that are not mostly black.
        noise_multiplier: noise standard deviation / clipping norm, ≥ 0.
        looks: all the looks the attacker has, ≥ 1.
        errors: of this attack at this setting, where they are known already.

    Raises:
        InvalidValue: if an argument breaks its rule.
    """
    return _gallery(attack, slice(0, TOP), noise_multiplier=noise_multiplier, looks=looks, errors=errors)


def middle_gallery(attack: ImprintAttack, *, noise_multiplier: float, looks: int) -> Gallery:
    """Returns the five pictures around the median one-look error: what usually comes back, not what comes back best.

    Arguments and errors as `best_gallery`.
    """
    first = (attack.candidates - TOP) // 2
    return _gallery(attack, slice(first, first + TOP), noise_multiplier=noise_multiplier, looks=looks)


def _gallery(
    attack: ImprintAttack, places: slice, *, noise_multiplier: float, looks: int, errors: Errors | None = None
) -> Gallery:
    """The pictures at these places of the order by one-look error."""
    if attack.records.ndim != 4 or attack.candidates < TOP:
        raise InvalidValue(f"attack must hold at least {TOP} pictures, but holds {attack.candidates} attacked records.")
    one, every = errors or (attack.scores(noise_multiplier=noise_multiplier, looks=k).error for k in (1, looks))
    index = np.argsort(one, kind="stable")[places]  # NaN, left out, sorts last
    chosen = [int(i) for i in index]
    return Gallery(
        index=index,
        originals=attack.records[index].astype(np.uint8, copy=False),
        one_look=attack.reconstruct(noise_multiplier=noise_multiplier, looks=1, index=chosen).astype(np.uint8),
        all_looks=attack.reconstruct(noise_multiplier=noise_multiplier, looks=looks, index=chosen).astype(np.uint8),
        errors_one_look=one[index],
        errors_all_looks=every[index],
    )


def encode_strip(pictures: NDArray[np.uint8]) -> bytes:
    """Returns pictures side by side as one WebP file, at the best quality that keeps five of them below 45 kB.

    Args:
        pictures: uint8 (n, side, side, 1 or 3), side 16 … 256, n ≥ 1; five of 128 make 640 × 128 pixels.

    Raises:
        InvalidValue: for another dtype or shape.
    """
    if not are_pictures(pictures) or len(pictures) == 0:
        raise InvalidValue(
            f"pictures must be {PICTURE_RULE} {SIDE_RULE}, and not empty, "
            f"but is {pictures.dtype} of shape {pictures.shape}."
        )
    # Grey pictures become grey colours: WebP knows nothing else.
    strip = Image.fromarray(np.hstack([np.broadcast_to(picture, (*picture.shape[:2], 3)) for picture in pictures]))
    encoded = b""
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        strip.save(buffer, "WEBP", quality=quality, method=4)
        encoded = buffer.getvalue()
        if len(encoded) <= MAX_STRIP_BYTES * len(pictures) / TOP:
            break
    return encoded


@dataclass(frozen=True, kw_only=True)
class StandIns:
    """Medical pictures that scikit-image ships, to show in place of a dataset whose images may not be shown."""

    #: uint8 (n, 128, 128, 3).
    records: NDArray[np.uint8]
    #: (n,) what each picture shows and where it is from.
    captions: tuple[str, ...]
    #: One line for all of them.
    source: str


_RETINA = "Human retina, M. Häggström 2014 (CC0), from scikit-image"
_TISSUE = "Colon tissue, FHL2 staining, CMMI (no known copyright restrictions), from scikit-image"
_VESSELS = "Retina with microaneurysms, A. Maier, HRF database (CC0), from scikit-image"
_CELL = "Cell in saline, phase image, P. Müller 2018 (CC0), from scikit-image"


def stand_in_pictures() -> StandIns:
    """Returns 8 distinct pictures at 128 px cut from four images inside the scikit-image package; no download.

    Few of each kind, so that the five best are not five times the kind whose texture hides noise best.
    """
    retina = Image.fromarray(data.retina())
    captioned = [
        (
            _RETINA,
            [_resized(retina, STAND_IN_SIDE), *_tiles(_resized(retina, 4 * STAND_IN_SIDE), [(1, 0), (0, 1), (2, 2)])],
        ),
        (_TISSUE, _tiles(np.asarray(data.immunohistochemistry()), [(0, 1), (3, 2)])),
        (_VESSELS, [_resized(Image.fromarray(data.microaneurysms()), STAND_IN_SIDE)]),
        (_CELL, [_resized(Image.fromarray(data.cell()[200:520, 290:]), STAND_IN_SIDE)]),
    ]
    return StandIns(
        records=np.stack([picture for _, pictures in captioned for picture in pictures]),
        captions=tuple(caption for caption, pictures in captioned for _ in pictures),
        source="the best five of eight pictures that come with scikit-image: retina, colon tissue, a cell",
    )


def _resized(image: Image.Image, side: int) -> NDArray[np.uint8]:
    return np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.LANCZOS))


def _tiles(picture: NDArray[np.uint8], places: list[tuple[int, int]]) -> list[NDArray[np.uint8]]:
    """Cuts tiles of 128 × 128 pixels out of a picture; a place is (row, column) in tiles."""
    side = STAND_IN_SIDE
    return [picture[r * side : (r + 1) * side, c * side : (c + 1) * side] for r, c in places]
