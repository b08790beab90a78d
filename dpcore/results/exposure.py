"""What the attacks got, summarised from the tables of `precomputed/`: for the command line, documents and pages."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dpcore.errors import NotMeasured
from dpcore.privacy import DpSgdMechanism, get_trade_off_from_mechanism
from dpcore.results.intervals import clopper_pearson
from dpcore.results.schema import ETA
from dpcore.results.store import PrecomputedStore

#: False-positive rates at which membership attacks are judged, and their columns in the table.
FALSE_POSITIVE_RATES = {0.001: "0001", 0.01: "001"}
#: Pictures “appear” where at least this share of them is rebuilt.
APPEAR = 0.5


@dataclass(frozen=True, kw_only=True)
class Share:
    """A measured share with its exact 95 % interval (Clopper and Pearson 1934)."""

    successes: int
    trials: int

    @property
    def value(self) -> float:
        """The share, 0 … 1."""
        return self.successes / self.trials

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end."""
        return clopper_pearson(self.successes, self.trials)


def rebuilt(errors: Any, *, eta: float = ETA) -> Share:
    """Returns the share of reconstructions whose error is below the threshold `eta`."""
    values = np.asarray(errors, dtype=np.float64)
    return Share(successes=int((values < eta).sum()), trials=len(values))


def reconstruction_rows(store: PrecomputedStore, dataset: str) -> list[dict[str, Any]]:
    """Returns one row a budget and number of looks of the paper's attack; raises ResultsUnavailable.

    Keys: target_epsilon (NaN without DP), noise_multiplier, looks, rebuilt and matched (`Share`), candidates, and
    the medians error, psnr, correlation.
    """
    table = store.table("attacks", dataset)
    rows = []
    for (epsilon, looks), part in table.groupby(["target_epsilon", "looks"], dropna=False, sort=True):
        rows.append(
            {
                "target_epsilon": float(epsilon),
                "noise_multiplier": float(part["noise_multiplier"].iloc[0]),
                "looks": int(looks),
                "rebuilt": rebuilt(part["error"]),
                "matched": Share(successes=int(part["matched"].sum()), trials=len(part)),
                "candidates": int(part["candidates"].iloc[0]),
                **{name: float(part[name].median()) for name in ("error", "psnr", "correlation")},
            }
        )
    return rows


#: What makes a setting of `schema.RECONSTRUCTIONS`.
SETTING = ("records", "attack", "side", "batch_size", "num_bins", "looks", "denoiser")


def variation_rows(store: PrecomputedStore, dataset: str) -> list[dict[str, Any]]:
    """Returns one row a setting of the attack: the smallest measured budgets at which half of the pictures fall.

    Keys: those of `SETTING`, attacked, candidates, and rebuilt_from, matched_from (nominal ε; infinite if only without
    DP, NaN if not even then), rebuilt_no_dp (`Share`). Raises ResultsUnavailable.
    """
    table = store.table("reconstructions", dataset)
    rows = []
    for key, part in table.groupby(list(SETTING), sort=False):
        shares = [rebuilt(errors) for errors in part["errors"]]
        matched = part["matched"] / part["attacked"]
        bare = [share for share, epsilon in zip(shares, part["target_epsilon"], strict=True) if math.isnan(epsilon)]
        rows.append(
            {
                **dict(zip(SETTING, key, strict=True)),
                "attacked": int(part["attacked"].iloc[0]),
                "candidates": int(part["candidates"].iloc[0]),
                "rebuilt_from": _first_budget(part["target_epsilon"], [share.value for share in shares]),
                "matched_from": _first_budget(part["target_epsilon"], matched),
                "rebuilt_no_dp": bare[0] if bare else None,
            }
        )
    return rows


def _first_budget(epsilons: Any, shares: Any) -> float:
    reached = [
        math.inf if math.isnan(epsilon) else float(epsilon)
        for epsilon, share in zip(epsilons, shares, strict=True)
        if share >= APPEAR
    ]
    return min(reached, default=math.nan)


def proven_roc(row: Any, rates: Any) -> np.ndarray[Any, Any]:
    """Returns the true-positive rates that no membership attack exceeds at those false-positive rates.

    `row` has noise_multiplier, sample_rate and steps; without noise nothing is proven: all are 1.
    """
    if row["noise_multiplier"] == 0:
        return np.ones(len(rates))
    mechanism = DpSgdMechanism(
        noise_multiplier=float(row["noise_multiplier"]), sample_rate=float(row["sample_rate"]), steps=int(row["steps"])
    )
    return get_trade_off_from_mechanism(mechanism).roc(rates)


def membership_rows(store: PrecomputedStore, dataset: str, *, partition: str = "all") -> list[dict[str, Any]]:
    """Returns one row a budget, attack and group: `schema.MEMBERSHIP` with shares and proven limits.

    Adds tpr and limit, dictionaries by false-positive rate: `Share` of members found, and the proven bound on it.
    Raises ResultsUnavailable.
    """
    table = store.table("membership", dataset)
    table = table[table["partition"] == partition]
    if table.empty:
        raise NotMeasured(f"There are no membership results of “{dataset}” by {partition}.")
    rows = []
    for row in table.to_dict("records"):
        limits = proven_roc(row, list(FALSE_POSITIVE_RATES))
        found = {
            rate: Share(successes=int(row[f"true_at_{name}"]), trials=int(row["members"]))
            for rate, name in FALSE_POSITIVE_RATES.items()
        }
        rows.append({**row, "tpr": found, "limit": dict(zip(FALSE_POSITIVE_RATES, map(float, limits), strict=True))})
    return rows


def membership_partitions(store: PrecomputedStore, dataset: str) -> tuple[str, ...]:
    """Returns how the attacked records were grouped, 'all' among them; raises ResultsUnavailable."""
    return tuple(map(str, dict.fromkeys(store.table("membership", dataset)["partition"])))


def audit_rows(store: PrecomputedStore, dataset: str) -> list[dict[str, Any]]:
    """Returns the rows of `schema.AUDITS`, by rising ε; raises ResultsUnavailable."""
    table: pd.DataFrame = store.table("audits", dataset).sort_values(["target_epsilon", "canary"])
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
