"""Ctrl-C at a moment at which Python would drop it."""

from __future__ import annotations

import signal
import sys
import time

import pytest

from dpcore.cli.interrupts import interrupts_kept


class _InterruptedWhileDestroyed:
    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.01)


class _FailsWhileDestroyed:
    def __del__(self) -> None:
        raise ValueError("dropped")


def _destroy_and_go_on() -> None:
    with interrupts_kept():
        _InterruptedWhileDestroyed()
        time.sleep(10)


def test_an_interrupt_inside_a_destructor_comes_again() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # Ignored where tests run in the background.
    try:
        with pytest.raises(KeyboardInterrupt):
            _destroy_and_go_on()
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_dropped_exceptions_are_reported_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[type[BaseException]] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: reported.append(dropped.exc_type))
    with interrupts_kept():
        _FailsWhileDestroyed()
        time.sleep(0.2)
    assert reported == [ValueError]
