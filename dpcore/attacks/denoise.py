"""Denoisers that an attacker may run over reconstructions: from scikit-image, none of our own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dpcore.errors import InvalidValue

DENOISERS = ("none", "non-local means", "wavelet")
_PATCH, _DISTANCE = 5, 6


def check_denoiser(denoiser: str) -> str:
    """Returns the name of a denoiser; raises InvalidValue for an unknown one."""
    if denoiser not in DENOISERS:
        raise InvalidValue(f"denoiser must be one of {', '.join(DENOISERS)}, but is {denoiser!r}.")
    return denoiser


def denoise(records: NDArray[Any], denoiser: str) -> NDArray[Any]:
    """Returns pictures, uint8 (n, side, side, channels), denoised one by one; the noise is estimated from each.

    Non-local means (Buades et al. 2005), fast mode, or wavelet shrinkage (BayesShrink, Chang et al. 2000) as in
    scikit-image. Table rows come back as they are.

    Raises:
        InvalidValue: for an unknown denoiser.
    """
    if check_denoiser(denoiser) == "none" or records.ndim != 4:
        return records
    # Only when asked for: a page shows its first picture before any of this is loaded.
    from skimage.restoration import denoise_nl_means, denoise_wavelet, estimate_sigma

    cleaned = []
    for picture in records.astype(np.float32) / np.float32(255):
        sigma = float(np.mean(estimate_sigma(picture, channel_axis=-1)))
        if denoiser == "wavelet":
            cleaned.append(denoise_wavelet(picture, channel_axis=-1, rescale_sigma=True))
        else:
            options = {"patch_size": _PATCH, "patch_distance": _DISTANCE, "fast_mode": True, "channel_axis": -1}
            cleaned.append(denoise_nl_means(picture, h=0.8 * sigma, sigma=sigma, **options))
    return np.rint(np.clip(np.stack(cleaned), 0, 1) * 255).astype(np.uint8)
