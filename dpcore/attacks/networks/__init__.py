"""Attacks that need a network, and so torch."""

from dpcore.attacks.networks.imprint import ImprintGradient, ImprintModel, clipped_imprint_gradient
from dpcore.attacks.networks.prepared import PreparedAttack, attack_records

__all__ = ["ImprintGradient", "ImprintModel", "PreparedAttack", "attack_records", "clipped_imprint_gradient"]
