"""Caches for the pages of risk bounds and published claims; read-only, shared by all visitors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from ui import loaders

if TYPE_CHECKING:
    from dpcore.claims import Card, ClaimRow, Recount, Variant
    from ui.evidence import Counted
    from ui.risk_proof import Recounted, RiskCurve, RiskProof, Scheme


@st.cache_resource(max_entries=512, show_spinner=False)
def proof(scheme: Scheme, epsilon: float, counted: Counted, noise_multiplier: float | None) -> RiskProof:
    """Returns what is proven at a budget."""
    # Imported on first use, like all science: another page may open without it.
    from ui.risk_proof import prove

    return prove(scheme, epsilon, counted, noise_multiplier)


@st.cache_resource(max_entries=128, show_spinner=False)
def curve(scheme: Scheme, kappa: float, counted: Counted) -> RiskCurve:
    """Returns the bounds over all budgets; raises DpcoreError."""
    from ui.risk_proof import trace_curve

    return trace_curve(scheme, kappa, counted)


@st.cache_resource(max_entries=128, show_spinner=False)
def recounted(scheme: Scheme) -> tuple[Recounted, ...]:
    """Returns nominal budgets and their tight count; raises DpcoreError."""
    from ui.risk_proof import recount

    return recount(scheme)


@st.cache_resource(max_entries=1, show_spinner=False)
def paper_recounts() -> tuple[Recount, ...]:
    """Returns what the paper's largest nominal budgets really were."""
    from dpcore.claims import recounts

    return recounts()


def claim_rows() -> Sequence[ClaimRow]:
    """Returns every published number beside ours."""
    return _claims(*loaders.version())[0]


def claim_cards() -> Sequence[Card]:
    """Returns the claims that a calculation settles."""
    return _claims(*loaders.version())[1]


def claims_problem() -> str:
    """Returns the sentence that says why nothing measured can be compared; empty if it can."""
    key = loaders.version()
    if problem := _claims(*key)[2]:
        _claims.clear(*key)  # A file that is restored is seen at the next look.
    return problem


@st.cache_resource(max_entries=256, show_spinner=False)
def adjusted_card(name: str, numbers: tuple[tuple[str, float], ...]) -> Card:
    """Returns a card calculated with a visitor's numbers; raises DpcoreError."""
    from dpcore import claims

    return claims.ADJUSTABLE[name](**dict(numbers))


@st.cache_resource(max_entries=1, show_spinner=False)
def claim_variants() -> Sequence[Variant]:
    """Returns the readings of the one bound that differs."""
    from dpcore.claims import radimagenet_variants

    return radimagenet_variants()


@st.cache_resource(max_entries=1, show_spinner=False)
def bounds_held_when_counted_tightly() -> tuple[int, int]:
    """Returns how many of the paper's bounds would hold under the tight accountant, and how many there are."""
    from dpcore.claims import bound_rows

    rows = bound_rows(accountant="tight")
    return sum(row.outcome == "holds" for row in rows), len(rows)


@st.cache_resource(max_entries=2, show_spinner=False)
def _claims(folder: str, _changed: int) -> tuple[Sequence[ClaimRow], Sequence[Card], str]:
    from dpcore import claims
    from dpcore.results.store import PrecomputedStore

    store = PrecomputedStore(folder=Path(folder))
    return claims.all_rows(store), claims.cards(store), claims.results_problem(store)
