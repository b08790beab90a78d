"""What membership attacks and audits found on a dataset, by budget. No Streamlit here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dpcore.errors import NotMeasured
from dpcore.results.exposure import (
    FALSE_POSITIVE_RATES,
    Share,
    audit_rows,
    membership_partitions,
    membership_rows,
    proven_roc,
)
from dpcore.results.store import PrecomputedStore
from ui.epsilon import NO_DP
from ui.evidence import Counted, Evidence
from ui.finding import Finding

FloatArray = NDArray[np.float64]

#: False-positive rates at which attacks are judged: 1 and 10 of 1,000 wrongly accused.
STRICT, USUAL = FALSE_POSITIVE_RATES
#: Where the proven limit is drawn: down to where the charts begin, and evenly for plain axes.
RATES = np.unique(np.concatenate([np.geomspace(1e-4, 1, 73), np.linspace(0.025, 1, 40)]))
#: Two budgets this close are one; shown with four digits they must never look alike.
_SAME = 1.1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class AttackResult:
    """One attack on one group of records at one budget; scores of all shadow models pooled."""

    attack: str
    group: str
    shadows: int
    members: int
    non_members: int
    auc: float
    auc_interval: tuple[float, float]
    #: By false-positive rate: members found.
    found: Mapping[float, Share]
    #: Measured curve, each (n,), rising.
    fpr: FloatArray
    tpr: FloatArray

    @property
    def records(self) -> int:
        """How many records were attacked, each by every model."""
        return round((self.members + self.non_members) / self.shadows)

    @property
    def name(self) -> str:
        """The group's name without the explanation that a class carries behind a colon."""
        return self.group.split(":")[0]

    def found_at(self, rates: ArrayLike) -> FloatArray:
        """Returns the measured true-positive rates at false-positive rates, same shape.

        Straight between two points of the curve: what an attacker gets who draws lots between both thresholds.
        """
        return np.asarray(np.interp(np.asarray(rates, dtype=np.float64), self.fpr, self.tpr))


@dataclass(frozen=True, kw_only=True, eq=False)
class Exposure:
    """Who was found out at one measured budget, and what is proven of it."""

    #: Nominal (RDP); infinite without DP.
    target_epsilon: float
    epsilon_tight: float
    noise_multiplier: float
    #: On all records, one an attack.
    attacks: tuple[AttackResult, ...]
    #: By partition (“class”, “sex”, …): LiRA on each group.
    groups: Mapping[str, tuple[AttackResult, ...]]
    #: By false-positive rate: the true-positive rate that no attack exceeds.
    limit: Mapping[float, float]
    #: The same at `RATES`.
    limit_curve: FloatArray

    def epsilon(self, counted: Counted) -> float:
        """The budget as that accountant counts it."""
        return self.target_epsilon if counted == "rdp" else self.epsilon_tight

    def best(self, rate: float) -> AttackResult:
        """Returns the attack that finds most members at a false-positive rate."""
        return max(self.attacks, key=lambda tested: tested.found[rate].value)


@dataclass(frozen=True, kw_only=True)
class Audit:
    """One audited training: columns of `schema.AUDITS`."""

    target_epsilon: float
    epsilon_rdp: float
    epsilon_tight: float
    noise_multiplier: float
    canary: str
    canaries: int
    guesses: int
    correct: int
    floor: float
    cap: float

    def epsilon(self, counted: Counted) -> float:
        """The budget as that accountant counts it."""
        return self.target_epsilon if counted == "rdp" else self.epsilon_tight


def collect_exposures(store: PrecomputedStore, evidence: Evidence) -> tuple[Exposure, ...]:
    """Returns every budget at which the main model's members were hunted, by rising ε; raises ResultsUnavailable."""
    name = evidence.spec.name
    everybody: dict[float, list[dict[str, Any]]] = {}
    groups: dict[float, dict[str, list[AttackResult]]] = {}
    for partition in membership_partitions(store, name):
        for row in membership_rows(store, name, partition=partition):
            if row["model"] != evidence.model:
                continue
            target = _budget(row["target_epsilon"])
            if partition == "all":
                everybody.setdefault(target, []).append(row)
            elif row["attack"] == "LiRA":
                groups.setdefault(target, {}).setdefault(partition, []).append(_tested(row))
    if not everybody:
        raise NotMeasured(f"The table “membership” of the precomputed results has no rows for “{name}”.")
    tight = {point.target_epsilon: point.epsilon_tight for point in evidence.points}
    return tuple(
        _exposure(target, tight.get(target, math.nan), everybody[target], groups.get(target, {}))
        for target in sorted(everybody)
    )


def collect_audits(store: PrecomputedStore, evidence: Evidence) -> tuple[Audit, ...]:
    """Returns the main model's audits by rising ε; raises ResultsUnavailable."""
    rows = [row for row in audit_rows(store, evidence.spec.name) if row["model"] == evidence.model]
    if not rows:
        raise NotMeasured(f"The table “audits” has no rows for the main model of “{evidence.spec.name}”.")
    budgets = ("target_epsilon", "epsilon_rdp", "epsilon_tight", "noise_multiplier")
    return tuple(
        Audit(
            canary=str(row["canary"]),
            canaries=int(row["canaries"]),
            guesses=int(row["guesses"]),
            correct=int(row["correct"]),
            floor=float(row["floor"]),
            cap=float(row["cap"]),
            **{name: float(row[name]) for name in budgets},
        )
        for row in rows
    )


def nearest_exposure(exposures: Sequence[Exposure], finding: Finding) -> Exposure:
    """Returns the measured budget nearest in log ε; only “no DP” is nearest to no DP. Raises NotMeasured."""
    fitting = [e for e in exposures if math.isinf(e.target_epsilon) == finding.is_no_dp]
    if not fitting:
        which = "without DP" if finding.is_no_dp else "with DP"
        raise NotMeasured(f"Membership was not measured {which} on “{finding.evidence.spec.name}”.")
    return (
        fitting[0] if finding.is_no_dp else min(fitting, key=lambda e: _distance(e.epsilon(finding.counted), finding))
    )


def nearest_audits(audits: Sequence[Audit], finding: Finding) -> tuple[Audit, ...]:
    """Returns the audits, one a kind of canary, at the audited budget nearest in log ε; none without DP."""
    if finding.is_no_dp:
        return ()
    target = min(audits, key=lambda a: _distance(a.epsilon(finding.counted), finding)).target_epsilon
    return tuple(audit for audit in audits if audit.target_epsilon == target)


def is_same(epsilon: float, other: float) -> bool:
    """Whether two budgets are one."""
    return epsilon == other or math.isclose(epsilon, other, rel_tol=_SAME)


def _distance(epsilon: float, finding: Finding) -> float:
    return math.inf if math.isnan(epsilon) else abs(math.log(epsilon / finding.epsilon))


def _budget(target_epsilon: float) -> float:
    return NO_DP if math.isnan(target_epsilon) else float(target_epsilon)


def _exposure(
    target: float, tight: float, rows: list[dict[str, Any]], groups: Mapping[str, list[AttackResult]]
) -> Exposure:
    return Exposure(
        target_epsilon=target,
        epsilon_tight=tight,
        noise_multiplier=float(rows[0]["noise_multiplier"]),
        attacks=tuple(_tested(row) for row in rows),
        groups={name: tuple(tested) for name, tested in groups.items()},
        limit=rows[0]["limit"],
        limit_curve=proven_roc(rows[0], RATES),
    )


def _tested(row: Mapping[str, Any]) -> AttackResult:
    return AttackResult(
        attack=str(row["attack"]),
        group=str(row["group"]),
        shadows=int(row["shadows"]),
        members=int(row["members"]),
        non_members=int(row["non_members"]),
        auc=float(row["auc"]),
        auc_interval=(float(row["auc_low"]), float(row["auc_high"])),
        found=row["tpr"],
        fpr=np.asarray(row["roc_fpr"], dtype=np.float64),
        tpr=np.asarray(row["roc_tpr"], dtype=np.float64),
    )
