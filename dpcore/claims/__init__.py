"""Published claims: the paper's numbers and ours, and the calculations behind claims made around it. No torch."""

from __future__ import annotations

from dpcore.claims.calculations import ADJUSTABLE, CARDS, cards
from dpcore.claims.card import Card
from dpcore.claims.edgeworth import get_edgeworth_gamma_from_mechanism
from dpcore.claims.measured import measured_rows, rows_without_results
from dpcore.claims.rows import (
    EXPANSION_NOTE,
    UNRESOLVED,
    Recount,
    Variant,
    bound_rows,
    mechanism_of,
    radimagenet_variants,
    recounts,
    step_rows,
)
from dpcore.claims.verdict import OUTCOMES, ClaimRow, Outcome, agrees, verdict
from dpcore.errors import ResultsUnavailable
from dpcore.results.store import PrecomputedStore

__all__ = [
    "ADJUSTABLE",
    "CARDS",
    "EXPANSION_NOTE",
    "OUTCOMES",
    "UNRESOLVED",
    "Card",
    "ClaimRow",
    "Outcome",
    "Recount",
    "Variant",
    "agrees",
    "all_rows",
    "bound_rows",
    "cards",
    "get_edgeworth_gamma_from_mechanism",
    "measured_rows",
    "mechanism_of",
    "radimagenet_variants",
    "recounts",
    "results_problem",
    "rows_without_results",
    "step_rows",
    "verdict",
]


def results_problem(store: PrecomputedStore) -> str:
    """Returns the sentence that says why nothing measured can be compared; empty if it can."""
    try:
        measured_rows(store)
    except ResultsUnavailable as error:
        return str(error)
    return ""


def all_rows(store: PrecomputedStore | None = None) -> tuple[ClaimRow, ...]:
    """Returns every published number beside ours; measured ones are "unchecked" where there are no results."""
    try:
        measured = measured_rows(store) if store else rows_without_results()
    except ResultsUnavailable:
        measured = rows_without_results()
    return (*bound_rows(), *step_rows(), *measured)
