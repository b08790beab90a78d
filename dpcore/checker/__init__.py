"""Is this really DP? Reads a training's configuration, finds what voids or weakens its claim, and counts ε anew."""

from __future__ import annotations

from dpcore.checker.claim import DIALECTS, Assumption, Claim, Dialect
from dpcore.checker.composed import get_composed_epsilon
from dpcore.checker.finding import SEVERITIES, Finding, Severity
from dpcore.checker.reading import DEEPEST, LARGEST_FILE, MOST_VALUES, read_configuration
from dpcore.checker.recognition import recognise
from dpcore.checker.statements import Missing, Statement
from dpcore.checker.verdict import OUTCOMES, Outcome, Verdict, check

__all__ = [
    "DEEPEST",
    "DIALECTS",
    "LARGEST_FILE",
    "MOST_VALUES",
    "OUTCOMES",
    "SEVERITIES",
    "Assumption",
    "Claim",
    "Dialect",
    "Finding",
    "Missing",
    "Outcome",
    "Severity",
    "Statement",
    "Verdict",
    "check",
    "get_composed_epsilon",
    "read_configuration",
    "recognise",
]
