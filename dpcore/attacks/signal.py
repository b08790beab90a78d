"""How strongly one pixel stands out of the noise: an estimate of when pictures appear, not measured or proven.

Clipping spreads one norm over all pixels of a picture, so large pictures need less noise to hide.
"""

from __future__ import annotations

import math

from dpcore._validate import non_negative, positive, whole
from dpcore.privacy import Accountant, DpSgdMechanism, get_epsilon_from_mechanism


def get_pixel_snr(*, noise_multiplier: float, pixels: int, looks: int) -> float:
    """Returns a pixel's signal-to-noise ratio, √looks / (noise_multiplier · √pixels); infinite without noise.

    A picture's clipped gradient has length C, so each of its values is about C / √pixels; the noise of the mean of
    `looks` gradients has the standard deviation σC / √looks.

    Args:
        noise_multiplier: noise standard deviation / clipping norm, ≥ 0.
        pixels: values of a record, channels included, ≥ 1.
        looks: averaged noisy gradients of the same record, ≥ 1.

    Raises:
        InvalidValue: if an argument breaks its rule.
    """
    noise = non_negative(noise_multiplier=noise_multiplier) * math.sqrt(whole(pixels=pixels))
    return math.sqrt(whole(looks=looks)) / noise if noise > 0 else math.inf


def get_noise_multiplier_from_snr(snr: float, *, pixels: int, looks: int) -> float:
    """Returns the noise multiplier at which a pixel has that signal-to-noise ratio (> 0); see `get_pixel_snr`."""
    return math.sqrt(whole(looks=looks)) / (positive(snr=snr) * math.sqrt(whole(pixels=pixels)))


def get_epsilon_at_snr(
    snr: float, *, pixels: int, looks: int, sample_rate: float, steps: int, delta: float, accountant: Accountant
) -> float:
    """Returns the ε of the training whose noise leaves a pixel that signal-to-noise ratio.

    The other arguments are those of `get_pixel_snr`, `DpSgdMechanism` and `get_epsilon_from_mechanism`. Raises
    InvalidValue if one breaks its rule, or the noise lies outside what is accounted for.
    """
    noise_multiplier = get_noise_multiplier_from_snr(snr, pixels=pixels, looks=looks)
    mechanism = DpSgdMechanism(noise_multiplier=noise_multiplier, sample_rate=sample_rate, steps=steps)
    return get_epsilon_from_mechanism(mechanism, delta=delta, accountant=accountant)
