"""Attacks that need a network, and so torch."""
