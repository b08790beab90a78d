"""The curves of the lower panel: proven limits and measured attacks, as per cent of patients over log₁₀ ε."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ui import text
from ui.evidence import Counted, Evidence

#: “no DP” stands behind a break of the axis.
NO_DP_POSITION = 18.0


@dataclass(frozen=True, kw_only=True)
class Series:
    """One curve of the lower panel. Colour says who attacks, dots say measured, a filled marker says all looks."""

    label: str
    short: str
    attacker: Literal["holds", "lacks"]
    proven: bool
    filled: bool
    #: log₁₀ ε, (n,), and per cent of patients, (n,); without “no DP”.
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    #: Per cent without DP; None for a bound, which says nothing there.
    no_dp: float | None = None

    @property
    def is_square(self) -> bool:
        """Circle for recognising, square for rebuilding."""
        return self.attacker == "lacks"

    @property
    def dash(self) -> str:
        """Line style."""
        if not self.proven:
            return "dot"
        return "solid" if self.attacker == "holds" else "dash"


def position(epsilon: float) -> float:
    """Returns where a budget stands on the horizontal axis."""
    return NO_DP_POSITION if math.isinf(epsilon) else math.log10(epsilon)


def risk_series(evidence: Evidence, counted: Counted) -> list[Series]:
    """Returns the curves of the lower panel, proven first, in the order in which they rise."""
    tiers = () if evidence.bounds_problem else ("worst_case", "relaxed")
    return [
        *(_bound_series(evidence, counted, tier) for tier in tiers),
        *(series for which in ("matched", "rebuilt") for series in _attack_series(evidence, counted, which)),
    ]


def _bound_series(evidence: Evidence, counted: Counted, tier: str) -> Series:
    epsilon, bound = evidence.curves[f"epsilon_{counted}"], evidence.curves[tier]
    known = np.isfinite(bound) & np.isfinite(epsilon)
    holds = tier == "worst_case"
    who = "holds" if holds else "does not hold"
    return Series(
        label=f"proven limit, attacker {who} the {text.noun(evidence)}",
        short=f"proven: holds<br>the {text.noun(evidence)}" if holds else "proven: does<br>not hold it",
        attacker="holds" if holds else "lacks",
        proven=True,
        filled=True,
        x=np.log10(epsilon[known]),
        y=100 * bound[known],
    )


def _attack_series(evidence: Evidence, counted: Counted, which: Literal["matched", "rebuilt"]) -> list[Series]:
    """One look last, because it rises last."""
    looks = sorted({attack.looks for point in evidence.points for attack in point.attacks}, reverse=True)
    verb = "recognised" if which == "matched" else "rebuilt"
    made = []
    for count in looks:
        seen = text.name_looks(count)
        found = [(p, a) for p in evidence.measured for a in p.attacks if a.looks == count]
        bare = [a for a in evidence.no_dp.attacks if a.looks == count]
        made.append(
            Series(
                label=f"measured, {verb} from {seen}",
                short=f"{verb},<br>{seen}",
                attacker="holds" if which == "matched" else "lacks",
                proven=False,
                filled=count > 1,
                x=np.array([position(p.epsilon(counted)) for p, _ in found]),
                y=np.array([100 * getattr(a, which) / a.records for _, a in found]),
                no_dp=100 * getattr(bare[0], which) / bare[0].records if bare else None,
            )
        )
    return made
