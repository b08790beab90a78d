"""The measured attack on every record, as the page of reconstruction needs it. No Streamlit here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dpcore.errors import ResultsUnavailable
from dpcore.results.exposure import Share, rebuilt
from dpcore.results.schema import ETA
from dpcore.results.store import PrecomputedStore
from ui.epsilon import NO_DP

#: From (nominal budget, looks) to what the attack got there.
Outcomes = Mapping[tuple[float, int], "Outcome"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """The attack on all records at one budget and number of looks."""

    #: (n,) 1 − SSIM, or relative distance for rows of a table; rising.
    errors: NDArray[np.float64]
    #: Medians; psnr in dB is NaN for rows of a table.
    psnr: float
    correlation: float
    matched: Share
    candidates: int

    def below(self, eta: float) -> Share:
        """The share of records whose error is below the threshold."""
        return rebuilt(self.errors, eta=eta)

    @property
    def median_error(self) -> float:
        """Half of the records came back better than this."""
        return float(np.median(self.errors))


def collect_outcomes(store: PrecomputedStore, dataset: str, model: str) -> Outcomes:
    """Returns the paper's attack under that model's noise; raises ResultsUnavailable."""
    table = store.table("attacks", dataset, model)
    if table[["error", "matched"]].isna().to_numpy().any():
        raise ResultsUnavailable(f"The table “attacks” of the precomputed results has gaps for “{dataset}”.")
    found: dict[tuple[float, int], Outcome] = {}
    for (target, looks), rows in table.groupby(["target_epsilon", "looks"], dropna=False):
        budget = NO_DP if math.isnan(target) else float(target)
        found[budget, int(looks)] = Outcome(
            errors=np.sort(rows["error"].to_numpy(float)),
            psnr=float(rows["psnr"].median()),
            correlation=float(rows["correlation"].median()),
            matched=Share(successes=int(rows["matched"].sum()), trials=len(rows)),
            candidates=int(rows["candidates"].iloc[0]),
        )
    return found


def budgets(outcomes: Outcomes) -> list[float]:
    """Returns the attacked budgets, rising; without DP comes last."""
    return sorted({budget for budget, _ in outcomes})


def looks_of(outcomes: Outcomes) -> list[int]:
    """Returns the numbers of looks, rising."""
    return sorted({looks for _, looks in outcomes})


def first_rebuilt(outcomes: Outcomes, looks: int) -> float:
    """Returns the smallest budget at which any record is rebuilt; NaN if none ever is."""
    reached = [b for (b, k), outcome in outcomes.items() if k == looks and outcome.below(ETA).successes]
    return min(reached, default=math.nan)
