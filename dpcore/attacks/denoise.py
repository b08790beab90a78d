"""Denoising a reconstruction: the attacker knows how strong the noise is, and what pictures look like."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.restoration import denoise_nl_means, denoise_wavelet, estimate_sigma

from dpcore.attacks._records import RecordKind
from dpcore.errors import InvalidValue

DENOISERS = ("none", "non-local means", "wavelet")
#: Pixels are cut to 0 … 255, and so is the spread of their noise.
_LARGEST_STD = 127.5


def check_denoiser(denoiser: str) -> str:
    """Returns the name if it is one of DENOISERS; raises InvalidValue otherwise."""
    if denoiser not in DENOISERS:
        raise InvalidValue(f"denoiser must be one of {', '.join(DENOISERS)}, but is {denoiser!r}.")
    return denoiser


def check_for_rows(denoiser: str, kind: RecordKind) -> None:
    """Raises InvalidValue for an unknown denoiser, and for one that is to denoise rows of a table."""
    if check_denoiser(denoiser) != "none" and not kind.is_picture:
        raise InvalidValue(f"denoiser must be 'none' for rows of a table, but is {denoiser!r}.")


def cleaned(records: NDArray[Any], denoiser: str, remaining: NDArray[np.float64]) -> NDArray[Any]:
    """Returns rebuilt records denoised; `remaining` (n,) is the noise of their values, with pixels in [0, 1]."""
    return records if denoiser == "none" else denoise(records, denoiser, 255 * remaining)


def denoise(pictures: NDArray[np.uint8], method: str, noise_std: ArrayLike | None = None) -> NDArray[np.uint8]:
    """Returns denoised pictures; unchanged by "none" and where noise_std is 0.

    Non-local means as by Buades et al. (2005), in its fast form; wavelet shrinkage as by Chang et al. (2000,
    BayesShrink). Both from scikit-image.

    Args:
        pictures: uint8 (n, side, side, channels), 1 or 3 channels.
        method: one of DENOISERS.
        noise_std: of a pixel in grey levels, one for all pictures or (n,); estimated from each picture if None.

    Raises:
        InvalidValue: for another method, dtype or shape, or a noise_std that is negative or no number.
    """
    check_denoiser(method)
    if pictures.dtype != np.uint8 or pictures.ndim != 4:
        raise InvalidValue(
            f"pictures must be uint8 of shape (n, side, side, channels), "
            f"but is {pictures.dtype} of shape {pictures.shape}."
        )
    if method == "none":
        return pictures
    given = _estimated(pictures) if noise_std is None else np.asarray(noise_std, dtype=np.float64)
    if np.isnan(given).any() or (given < 0).any():
        raise InvalidValue(f"noise_std must be at least 0, but is {given.min()!r}.")
    stds = np.broadcast_to(np.minimum(given, _LARGEST_STD), len(pictures))
    clean = [_one(p, method, float(s) / 255) if s > 0 else p for p, s in zip(pictures, stds, strict=True)]
    return np.stack(clean) if clean else pictures


def _estimated(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.array([estimate_sigma(p.astype(np.float64), channel_axis=-1, average_sigmas=True) for p in pictures])


def _one(picture: NDArray[np.uint8], method: str, noise_std: float) -> NDArray[np.uint8]:
    unit: NDArray[Any] = picture.astype(np.float32) / 255
    if method == "wavelet":
        clean = denoise_wavelet(unit, sigma=noise_std, method="BayesShrink", channel_axis=-1, rescale_sigma=True)
    else:
        # Small patches and a near search: the widest that keeps 16 pictures of 224 pixels within a page's patience.
        clean = denoise_nl_means(
            unit, patch_size=5, patch_distance=3, h=0.8 * noise_std, sigma=noise_std, fast_mode=True, channel_axis=-1
        )
    # scikit-image drops the one channel of grey pictures.
    return np.rint(np.clip(clean, 0, 1) * 255).astype(np.uint8).reshape(picture.shape)
