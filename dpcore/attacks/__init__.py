"""Attacks on noisy gradients: what a real attacker gets. Measured, never a guarantee. Needs no torch, so pages use it.

What needs a real network, and with it torch, lives in `dpcore.attacks.networks`.
"""

from dpcore.attacks.batch import BatchAttack, get_brightness_from_pictures
from dpcore.attacks.denoise import DENOISERS, denoise
from dpcore.attacks.evaluate import ImprintAttack
from dpcore.attacks.gallery import Gallery, StandIns, best_gallery, encode_strip, middle_gallery, stand_in_pictures
from dpcore.attacks.live import LiveAttack, attack_pictures
from dpcore.attacks.scores import AttackScores
from dpcore.attacks.signal import get_epsilon_at_snr, get_noise_multiplier_from_snr, get_pixel_snr

__all__ = [
    "DENOISERS",
    "AttackScores",
    "BatchAttack",
    "Gallery",
    "ImprintAttack",
    "LiveAttack",
    "StandIns",
    "attack_pictures",
    "best_gallery",
    "denoise",
    "encode_strip",
    "get_brightness_from_pictures",
    "get_epsilon_at_snr",
    "get_noise_multiplier_from_snr",
    "get_pixel_snr",
    "middle_gallery",
    "stand_in_pictures",
]
