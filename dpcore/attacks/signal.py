"""The simple signal-to-noise formula of the imprint attack: at which noise, and which ε, pictures appear. An estimate.

A clipped gradient of length C is spread over d values, so each has about C/√d, under noise σC: a ratio of 1/(σ√d), and
√looks times that after averaging.
"""

from __future__ import annotations

import math

from dpcore._validate import positive, whole
from dpcore.privacy import Accountant, DpSgdMechanism, get_epsilon_from_mechanism


def get_pixel_snr(*, noise_multiplier: float, pixels: int, looks: int = 1) -> float:
    """Returns the signal-to-noise ratio of one value: √looks / (σ√pixels); `pixels` counts every channel."""
    return math.sqrt(whole(looks=looks)) / (
        positive(noise_multiplier=noise_multiplier) * math.sqrt(whole(pixels=pixels))
    )


def get_noise_multiplier_from_snr(snr: float, *, pixels: int, looks: int = 1) -> float:
    """Returns the noise multiplier at which each value has that signal-to-noise ratio."""
    return math.sqrt(whole(looks=looks)) / (positive(snr=snr) * math.sqrt(whole(pixels=pixels)))


def get_epsilon_from_snr(
    snr: float, *, pixels: int, looks: int, sample_rate: float, steps: int, delta: float, accountant: Accountant
) -> float:
    """Returns the ε of a training at whose noise each value has that signal-to-noise ratio."""
    mechanism = DpSgdMechanism(
        noise_multiplier=get_noise_multiplier_from_snr(snr, pixels=pixels, looks=looks),
        sample_rate=sample_rate,
        steps=steps,
    )
    return get_epsilon_from_mechanism(mechanism, delta=delta, accountant=accountant)
