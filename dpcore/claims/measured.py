"""The paper's measured numbers beside those of our sweep, where there is one."""

from __future__ import annotations

import math

import pandas as pd

from dpcore.claims import published
from dpcore.claims.published import PublishedAttack, PublishedUtility
from dpcore.claims.rows import budget_words, short, unchecked
from dpcore.claims.verdict import ClaimRow
from dpcore.errors import ResultsUnavailable
from dpcore.results.schema import ETA
from dpcore.results.store import PrecomputedStore

#: The only dataset of the paper that our sweep trains on.
OUR_NAME = {"HAM10000": "ham10000"}
_DEPENDS = "depends on model, image size, split and training: ours is {model} at {size}"


def measured_rows(store: PrecomputedStore) -> tuple[ClaimRow, ...]:
    """Returns utility and real attacks; "unchecked" where the store has no such point.

    Raises ResultsUnavailable if the store itself is missing or damaged.
    """
    model = store.models("ham10000")[0]
    points, attacks = store.table("points", "ham10000", model), store.table("attacks", "ham10000", model)
    return (
        *(_utility_row(claim, points) for claim in published.UTILITIES),
        *(_attack_row(claim, attacks) for claim in published.ATTACKS),
    )


def rows_without_results() -> tuple[ClaimRow, ...]:
    """Returns the same rows when there are no results to compare with."""
    empty = pd.DataFrame({"target_epsilon": [], "looks": []})
    return (
        *(_utility_row(claim, empty) for claim in published.UTILITIES),
        *(_attack_row(claim, empty) for claim in published.ATTACKS),
    )


def _at(table: pd.DataFrame, epsilon: float) -> pd.DataFrame:
    if math.isinf(epsilon):
        return table[table["target_epsilon"].isna()]
    return table[(table["target_epsilon"] / epsilon - 1).abs() < 1e-6]


def _utility_row(claim: PublishedUtility, points: pd.DataFrame) -> ClaimRow:
    is_p = claim.what.endswith(("p", "p against no DP"))
    what = f"{claim.what}, {budget_words(claim.epsilon)}"
    printed = f"{'p = ' if is_p else ''}{claim.printed}{'' if is_p else ' %'}"
    found = _at(points, claim.epsilon)
    if claim.dataset not in OUR_NAME or found.empty:
        return unchecked("utility", claim.dataset, what, printed)
    point = found.iloc[0]
    depends = _DEPENDS.format(model=str(point["model"]).replace("_", " "), size="28 px")
    note = f"; {claim.note}" if claim.note else ""
    if is_p:
        value = float(point["p_ttest"])
        equivalence = f"p = {short(float(point['p_tost']))} for equivalence within ±{point['tost_margin']:g} (TOST)"
        reason = f"{depends}; no difference found is not equality: {equivalence}"
        ours = f"p = {short(value)}"
    else:
        value = 100 * float(point["utility_mean"])
        reason = f"{depends}{note}"
        ours = f"{value:.2f} ± {100 * point['utility_sd']:.2f} %"
    return ClaimRow(
        group="utility",
        dataset=claim.dataset,
        what=what,
        published=printed,
        ours=ours,
        value=value if math.isfinite(value) else None,
        outcome="depends",
        reason=reason,
    )


def _attack_row(claim: PublishedAttack, attacks: pd.DataFrame) -> ClaimRow:
    what = f"images rebuilt, {budget_words(claim.epsilon)}"
    printed = f"{claim.printed} %" + (f" ({claim.note})" if claim.note else "")
    found = _at(attacks, claim.epsilon)
    if claim.dataset not in OUR_NAME or found.empty:
        return unchecked("attack", claim.dataset, what, printed)
    shares = {int(looks): float((rows["error"] < ETA).mean()) for looks, rows in found.groupby("looks")}
    if not shares:
        raise ResultsUnavailable("The table “attacks” of the precomputed results has no looks for ham10000.")
    words = [f"{100 * share:.3g} % from {looks} look{'s' if looks > 1 else ''}" for looks, share in shares.items()]
    records = int((found["looks"] == min(shares)).sum())
    return ClaimRow(
        group="attack",
        dataset=claim.dataset,
        what=what,
        published=printed,
        ours=", ".join(words),
        value=100 * shares[min(shares)],
        outcome="depends",
        reason=f"depends on how often the attacker looks and on the image size: {records} images at 128 px here",
    )
