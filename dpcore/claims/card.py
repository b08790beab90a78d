"""What a claim that a calculation settles looks like."""

from __future__ import annotations

from dataclasses import dataclass

from dpcore.claims.verdict import Outcome


@dataclass(frozen=True, kw_only=True)
class Card:
    """One claim, the calculation and what it shows."""

    name: str
    claim: str
    outcome: Outcome
    #: What the calculation shows, one or two sentences for people who calculate nothing.
    finding: str
    #: The calculation: what, and its value.
    lines: tuple[tuple[str, str], ...]
    #: The same for specialists, in formulas; empty where there is nothing to add.
    exact: str = ""
