"""Versions that decide a training's numbers besides its settings."""

from __future__ import annotations

import importlib.metadata
from functools import cache

import dpcore

#: Packages that must be the same everywhere: others would change the numbers.
DECISIVE = ("torch", "numpy", "opacus")


@cache
def decisive_versions() -> dict[str, str]:
    """Returns the versions, in this process, of the packages that must be the same everywhere."""
    return {name: importlib.metadata.version(name) for name in DECISIVE}


def all_versions() -> dict[str, str]:
    """Returns those, and this program's own."""
    return {**decisive_versions(), "dpcore": dpcore.__version__}
