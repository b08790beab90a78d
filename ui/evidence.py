"""What the precomputed results say about a dataset, and about one budget of it. No Streamlit here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from dpcore.datasets import DatasetSpec
from dpcore.errors import NotMeasured, ResultsUnavailable
from dpcore.results.intervals import clopper_pearson
from dpcore.results.metrics import Metric, get_metric_from_name
from dpcore.results.schema import ETA
from dpcore.results.store import PrecomputedStore
from ui.epsilon import LARGEST, NO_DP, SMALLEST, refuse_epsilon

#: How ε is counted: as in the paper (RDP, Opacus' orders) or tightly.
Counted = Literal["rdp", "tight"]

Table = TypeVar("Table")

_CURVES = ("epsilon_rdp", "epsilon_tight", "worst_case", "relaxed")
_OF_ATTACK = ("records", "target_epsilon", "looks", "error", "matched", "candidates")

#: Budgets this close are the same point: shown with four digits, two points must never look alike.
_SAME = 1.1e-3


@dataclass(frozen=True, kw_only=True)
class Attack:
    """The real attack on every record, after averaging `looks` noisy gradients of each."""

    looks: int
    records: int
    candidates: int
    #: Records whose reconstruction error is below ETA.
    rebuilt: int
    #: Records picked out correctly among `candidates`.
    matched: int

    @property
    def rebuilt_interval(self) -> tuple[float, float]:
        """Exact 95 % interval of the share rebuilt."""
        return clopper_pearson(self.rebuilt, self.records)

    @property
    def matched_interval(self) -> tuple[float, float]:
        """Exact 95 % interval of the share picked out."""
        return clopper_pearson(self.matched, self.records)


@dataclass(frozen=True, kw_only=True)
class Point:
    """One budget of the sweep: columns of `schema.POINTS`, and the attack at one look and at all looks."""

    #: The nominal budget (RDP); infinite without DP.
    target_epsilon: float
    epsilon_tight: float
    noise_multiplier: float
    delta: float
    sample_rate: float
    steps: int
    num_train: int
    kappa: float
    seeds: int
    utility_mean: float
    utility_sd: float
    #: NaN where not measured, like the Dice of the tumour.
    auc_mean: float
    dice_tumour_mean: float
    share_of_no_dp: float
    p_ttest: float
    p_tost: float
    tost_margin: float
    #: Proven bounds; NaN when they could not be computed.
    worst_case: float
    relaxed: float
    #: In order of looks; empty when the dataset was not attacked at this budget.
    attacks: tuple[Attack, ...] = ()

    def epsilon(self, counted: Counted) -> float:
        """The budget as that accountant counts it."""
        return self.target_epsilon if counted == "rdp" else self.epsilon_tight


@dataclass(frozen=True, kw_only=True)
class Strip:
    """Five pictures side by side in one file."""

    target_epsilon: float
    looks: int
    file: str
    errors: tuple[float, ...]
    source: str
    stand_in: bool
    #: How the five were chosen: "best" or "middle".
    choice: str = "best"


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """Everything measured and proven about one model of a dataset."""

    spec: DatasetSpec
    model: str
    #: The score that stands for utility.
    metric: Metric
    #: In order of ε; without DP comes last.
    points: tuple[Point, ...]
    #: Proven bounds on a fine grid, each (n,): epsilon_rdp, epsilon_tight, worst_case, relaxed.
    curves: dict[str, NDArray[np.float64]]
    #: What was attacked, by its name in the table; empty if nothing was.
    attacked: str
    strips: tuple[Strip, ...]
    #: Why curves, attacks or strips are missing, if their table cannot be read; everything else stands all the same.
    bounds_problem: str = ""
    attacks_problem: str = ""
    pictures_problem: str = ""

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each table that cannot be read."""
        return tuple(filter(None, (self.bounds_problem, self.attacks_problem, self.pictures_problem)))

    @property
    def measured(self) -> tuple[Point, ...]:
        """The points with DP."""
        return tuple(point for point in self.points if point.target_epsilon != NO_DP)

    @property
    def no_dp(self) -> Point:
        """The point without DP; raises ResultsUnavailable if the sweep has none."""
        for point in self.points:
            if point.target_epsilon == NO_DP:
                return point
        raise ResultsUnavailable(f"The precomputed results of “{self.spec.name}” lack the training without DP.")

    def point_at(self, epsilon: float, counted: Counted) -> Point | None:
        """Returns the sweep's point at this budget, or None between points."""
        same = [p for p in self.points if math.isclose(p.epsilon(counted), epsilon, rel_tol=_SAME)]
        return same[0] if same else None

    def nearest(self, epsilon: float, counted: Counted) -> Point:
        """Returns the measured point nearest in log ε; only “no DP” itself is nearest to no DP."""
        if math.isinf(epsilon):
            return self.no_dp
        return min(self.measured, key=lambda p: abs(math.log(p.epsilon(counted) / epsilon)))

    def settle(self, epsilon: float, counted: Counted) -> float:
        """Returns the sweep's own budget if this is one, else the budget; raises InvalidValue outside the range."""
        if point := self.point_at(epsilon, counted):
            return point.epsilon(counted)
        if not SMALLEST <= epsilon <= LARGEST:
            raise refuse_epsilon(epsilon)
        return epsilon


def collect_evidence(store: PrecomputedStore, spec: DatasetSpec, model: str | None = None) -> Evidence:
    """Returns what the store holds about a dataset's model, by default its main one.

    Raises ResultsUnavailable if the table of budgets is missing or damaged; another one that is leaves a problem.
    """
    model = model or store.models(spec.name)[0]
    attacks, attacks_problem = _readable(lambda: _attacks(store, spec.name, model))
    attacked, by_budget = attacks or ("", {})
    rows = store.rows("points", spec.name, model)
    points = [_to_point(row, by_budget) for row in rows]
    curves, bounds_problem = _readable(lambda: _curves(store, spec.name, model))
    strips, pictures_problem = _readable(lambda: _strips(store, spec))
    evidence = Evidence(
        spec=spec,
        model=model,
        metric=get_metric_from_name(str(rows[0]["metric"])),
        points=tuple(sorted(points, key=lambda point: point.target_epsilon)),
        curves=curves or {},
        attacked=attacked,
        strips=strips or (),
        bounds_problem=bounds_problem,
        attacks_problem=attacks_problem,
        pictures_problem=pictures_problem,
    )
    if not evidence.measured or evidence.no_dp.seeds < 1:
        raise ResultsUnavailable(f"The table “points” of the precomputed results lacks runs of “{spec.name}”.")
    return evidence


def _readable(read: Callable[[], Table]) -> tuple[Table | None, str]:
    """What a table says, or None and the sentence that says why."""
    try:
        return read(), ""
    except ResultsUnavailable as error:
        return None, str(error)


def _curves(store: PrecomputedStore, dataset: str, model: str) -> dict[str, NDArray[np.float64]]:
    bounds = store.rows("bounds", dataset, model, columns=_CURVES)
    curves = {name: np.array([row[name] for row in bounds], dtype=float) for name in _CURVES}
    rising = np.argsort(curves["epsilon_rdp"], kind="stable")
    return {name: curve[rising] for name, curve in curves.items()}


def _attacks(store: PrecomputedStore, dataset: str, model: str) -> tuple[str, dict[float, tuple[Attack, ...]]]:
    """What was attacked, and the attack by budget; empty if this model's noise was not attacked."""
    try:
        rows = store.rows("attacks", dataset, model, columns=_OF_ATTACK)
    except NotMeasured:
        return "", {}
    if any(row["error"] is None or row["matched"] is None for row in rows):
        raise ResultsUnavailable(f"The table “attacks” of the precomputed results has gaps for “{dataset}”.")
    attacked = str(rows[0]["records"])
    return attacked, _summarise([row for row in rows if row["records"] == attacked])


def _budget(target_epsilon: float | None) -> float:
    return NO_DP if target_epsilon is None else float(target_epsilon)


def _summarise(rows: Sequence[Mapping[str, Any]]) -> dict[float, tuple[Attack, ...]]:
    together: dict[tuple[float, int], list[Mapping[str, Any]]] = {}
    for row in rows:
        together.setdefault((_budget(row["target_epsilon"]), int(row["looks"])), []).append(row)
    found: dict[float, list[Attack]] = {}
    for (target, looks), same in together.items():
        attack = Attack(
            looks=looks,
            records=len(same),
            candidates=int(same[0]["candidates"]),
            rebuilt=sum(row["error"] < ETA for row in same),
            matched=sum(bool(row["matched"]) for row in same),
        )
        found.setdefault(target, []).append(attack)
    return {target: tuple(sorted(many, key=lambda attack: attack.looks)) for target, many in found.items()}


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _to_point(row: Mapping[str, Any], attacks: dict[float, tuple[Attack, ...]]) -> Point:
    counts = ("steps", "num_train", "seeds")
    known = {"target_epsilon", "epsilon_tight", "attacks"}
    columns: dict[str, Any] = {name: _number(row[name]) for name in Point.__dataclass_fields__ if name not in known}
    columns |= {name: int(row[name]) for name in counts}
    target = _budget(row["target_epsilon"])
    tight = NO_DP if target == NO_DP else _number(row["epsilon_tight"])
    return Point(target_epsilon=target, epsilon_tight=tight, attacks=attacks.get(target, ()), **columns)


def _strips(store: PrecomputedStore, spec: DatasetSpec) -> tuple[Strip, ...]:
    try:
        rows = store.rows("gallery", spec.name)
    except NotMeasured:
        return ()
    return tuple(
        Strip(
            target_epsilon=_budget(row["target_epsilon"]),
            looks=int(row["looks"]),
            file=str(row["file"]),
            errors=tuple(float(error) for error in row["errors"]),
            source=str(row["source"]),
            stand_in=bool(row["stand_in"]),
            choice=str(row["choice"]),
        )
        for row in rows
    )
