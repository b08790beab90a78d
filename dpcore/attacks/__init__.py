"""Attacks on one record's noisy gradient: what a real attacker gets. Measured, never a guarantee."""

from dpcore.attacks.evaluate import AttackScores, PreparedAttack, attack_records
from dpcore.attacks.gallery import Gallery, StandIns, best_gallery, encode_strip, stand_in_pictures
from dpcore.attacks.imprint import ImprintGradient, ImprintModel, clipped_imprint_gradient

__all__ = [
    "AttackScores",
    "Gallery",
    "ImprintGradient",
    "ImprintModel",
    "PreparedAttack",
    "StandIns",
    "attack_records",
    "best_gallery",
    "clipped_imprint_gradient",
    "encode_strip",
    "stand_in_pictures",
]
