"""Errors whose message is one sentence fit for the person at the screen or the terminal."""

from __future__ import annotations


class DpcoreError(ValueError):
    """Base of all errors raised on purpose; its text names the thing, the rule and the value."""


class InvalidValue(DpcoreError):
    """A parameter breaks its rule."""


class DataUnavailable(DpcoreError):
    """A dataset's file is missing, truncated or not what it should be."""


class CalibrationError(DpcoreError):
    """No noise multiplier in the supported range meets the privacy target."""


class ResultsUnavailable(DpcoreError):
    """Precomputed results are missing, damaged or do not hold what was asked for."""


class ResultsDamaged(ResultsUnavailable):
    """A file of the precomputed results is not the one that was made."""


class NotMeasured(ResultsUnavailable):
    """The precomputed results are sound but hold nothing on this dataset or model."""
