"""Fixtures for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every machine, and no deadline: several test runs may share a core.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


#: The files that take longest, minutes to half a minute each: begun first, so that all workers end together.
LONGEST = (
    "test_laboratory.py",
    "test_interruptions.py",
    "test_everyone.py",
    "test_sweep.py",
    "test_drag_browser.py",
    "test_tradeoff_journey.py",
    "test_lab_browser.py",
    "test_imprint_ham10000.py",
    "test_readme.py",
    "test_safety_browser.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest files first; pytest-xdist would begin with those of many tests, and end with a long one."""
    first = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: first.get(item.path.name, len(first)))


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
