"""How close a rebuilt record is to the original; several measures, since SSIM alone understates what people see."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from dpcore.errors import InvalidValue

# Mean squared error of rounding to whole grey levels: a smaller one cannot be told from 0 in a uint8 picture.
_ROUNDING_MSE = 1 / 12


def _same_shape(original: NDArray[Any], rebuilt: NDArray[Any]) -> None:
    if original.shape != rebuilt.shape:
        raise InvalidValue(f"rebuilt must have the shape {original.shape} of the original, but has {rebuilt.shape}.")


def ssim_error(original: NDArray[np.uint8], rebuilt: NDArray[np.uint8]) -> float:
    """Returns 1 − SSIM of two RGB pictures, 0 (identical) … 2; smaller = better attack.

    SSIM as in scikit-image: 7 × 7 windows, averaged over windows and channels (Wang et al., 2004).
    """
    _same_shape(original, rebuilt)
    return float(1 - structural_similarity(original, rebuilt, channel_axis=-1, data_range=255))


def psnr(original: NDArray[np.uint8], rebuilt: NDArray[np.uint8]) -> float:
    """Returns the peak signal-to-noise ratio in dB; larger = better attack.

    10·log₁₀(255²/MSE), with the MSE of rounding (1/12) as its least value: identical pictures have 58.9 dB, not ∞.
    """
    _same_shape(original, rebuilt)
    mse = float(np.square(original.astype(np.float64) - rebuilt).mean())
    return 10 * math.log10(255**2 / max(mse, _ROUNDING_MSE))


def correlation(original: NDArray[Any], rebuilt: NDArray[Any]) -> float:
    """Returns Pearson's correlation over all values of two records, −1 … 1; larger = better attack.

    0 if only the rebuilt record is constant (it then tells nothing), NaN if the original is.
    """
    _same_shape(original, rebuilt)
    a, b = (x.astype(np.float64).ravel() - x.mean(dtype=np.float64) for x in (original, rebuilt))
    if not a.any():
        return math.nan
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b))) if b.any() else 0.0


def relative_error(original: NDArray[np.float32], rebuilt: NDArray[np.float32]) -> float:
    """Returns ‖rebuilt − original‖₂ / ‖original‖₂, 0 … ∞, NaN for an original of zeros; smaller = better attack."""
    _same_shape(original, rebuilt)
    length = float(np.linalg.norm(original.astype(np.float64)))
    distance = float(np.linalg.norm(rebuilt.astype(np.float64) - original))
    return distance / length if length > 0 else math.nan
