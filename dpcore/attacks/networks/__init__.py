"""Attacks that need a real network, and with it torch; all the rest of `dpcore.attacks` does without."""

from dpcore.attacks.networks.imprint import ImprintGradient, ImprintModel, clipped_imprint_gradient
from dpcore.attacks.networks.prepared import PreparedAttack, attack_records

__all__ = [
    "ImprintGradient",
    "ImprintModel",
    "PreparedAttack",
    "attack_records",
    "clipped_imprint_gradient",
]
