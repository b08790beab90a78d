"""Attacks on noisy gradients: what a real attacker gets. Measured, never a guarantee. Needs no torch, so pages use it.

What needs a real network, and with it torch, lives in `dpcore.attacks.networks`.
"""

from dpcore.attacks.evaluate import AttackScores, ImprintAttack
from dpcore.attacks.gallery import Gallery, StandIns, best_gallery, encode_strip, stand_in_pictures

__all__ = [
    "AttackScores",
    "Gallery",
    "ImprintAttack",
    "StandIns",
    "best_gallery",
    "encode_strip",
    "stand_in_pictures",
]
