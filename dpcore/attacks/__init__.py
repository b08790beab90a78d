"""Attacks: what a real attacker gets. Measured, never a guarantee. Without torch, which only `networks` needs."""

from dpcore.attacks.batch import BatchAttack
from dpcore.attacks.evaluate import AttackScores, ImprintAttack
from dpcore.attacks.gallery import Gallery, StandIns, best_gallery, encode_strip, middle_gallery, stand_in_pictures
from dpcore.attacks.live import LiveAttack, attack_pictures, resize_pictures

__all__ = [
    "AttackScores",
    "BatchAttack",
    "Gallery",
    "ImprintAttack",
    "LiveAttack",
    "StandIns",
    "attack_pictures",
    "best_gallery",
    "encode_strip",
    "middle_gallery",
    "resize_pictures",
    "stand_in_pictures",
]
