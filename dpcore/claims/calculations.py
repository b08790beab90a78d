"""Claims found around the paper that a calculation settles, in the order in which visitors see them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from dpcore.claims.budgets import (
    delta_card,
    group_card,
    nominal_card,
    odds_card,
    persistence_card,
    refresh_card,
)
from dpcore.claims.card import Card
from dpcore.claims.practice import (
    clipping_card,
    energy_card,
    equivalence_card,
    gradients_card,
    measurement_card,
    microbatches_card,
    opacus_card,
    profiling_card,
)
from dpcore.errors import DpcoreError
from dpcore.results.store import PrecomputedStore

CARDS: tuple[Callable[[], Card], ...] = (
    odds_card,
    nominal_card,
    delta_card,
    refresh_card,
    group_card,
    persistence_card,
    measurement_card,
    clipping_card,
    profiling_card,
    gradients_card,
    microbatches_card,
    energy_card,
    opacus_card,
)


#: Cards whose numbers may be changed, by name: keyword arguments, all with a default, are the numbers.
ADJUSTABLE: dict[str, Callable[..., Card]] = {
    "odds": odds_card,
    "delta": delta_card,
    "refresh": refresh_card,
    "group": group_card,
}


@lru_cache(maxsize=1)
def _settled_cards() -> tuple[Card, ...]:
    return tuple(make() for make in CARDS)


def cards(store: PrecomputedStore | None = None) -> tuple[Card, ...]:
    """Returns all cards; the one on equivalence says so where there are no runs to test."""
    if store is None:
        return _settled_cards()
    try:
        return (*_settled_cards(), equivalence_card(store))
    except DpcoreError as error:
        missing = Card(
            name="equivalence",
            claim="p > 0.05 on five seeds: as good as without DP.",
            outcome="unchecked",
            finding=f"Not tested here. {error}",
            lines=(),
        )
        return (*_settled_cards(), missing)
