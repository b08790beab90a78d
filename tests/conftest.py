"""Fixtures for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every machine, and no deadline: several test runs may share a core.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The file or folder named by DPCORE_DATA; skips the test where there is none."""
    named = os.environ.get("DPCORE_DATA", "").strip()
    if not named:
        pytest.skip("needs real data: DPCORE_DATA is not set")
    path = Path(named)
    if not path.exists():
        pytest.skip(f"needs real data: DPCORE_DATA names {path.name!r}, which does not exist")
    return path
