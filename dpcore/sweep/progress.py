"""How long work reports how far it is, and how it knows how long the rest takes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dpcore.errors import ResultsUnavailable
from dpcore.results.store import PrecomputedStore
from dpcore.sweep.cells import Cell


@dataclass(frozen=True, kw_only=True)
class SweepProgress:
    """How far the work is."""

    done: int
    total: int
    what: str
    #: From the measured seconds of units like those left; None until some were measured.
    seconds_left: float | None = None


#: Called whenever a unit of work is finished.
OnProgress = Callable[[SweepProgress], None]


@dataclass(frozen=True)
class Group:
    """Cells that take about equally long: of one kind, data set and model, all with DP or all without."""

    kind: str
    dataset: str
    model: str
    private: bool

    @classmethod
    def of(cls, cell: Cell) -> Group:
        """Returns the group of a cell."""
        return cls(cell.kind, cell.dataset.name, cell.dataset.model, cell.target_epsilon is not None)


class CellTimes:
    """Seconds of cells by group: those measured in this sweep, else those of earlier results."""

    def __init__(self, earlier: dict[Group, float] | None = None) -> None:
        self._earlier = earlier or {}
        self._measured: dict[Group, list[float]] = defaultdict(list)

    def add(self, cell: Cell, seconds: float | None) -> None:
        """Notes the seconds a cell took on one thread; None and 0 say nothing."""
        if seconds:
            self._measured[Group.of(cell)].append(seconds)

    def expected(self, group: Group) -> float | None:
        """Returns the mean seconds of such a cell, or None if none was ever measured."""
        measured = self._measured.get(group)
        return sum(measured) / len(measured) if measured else self._earlier.get(group)

    def sum(self, groups: Counter[Group]) -> float | None:
        """Returns the expected seconds of so many cells of each group on one thread; None if any is unknown."""
        total = 0.0
        for group, count in groups.items():
            expected = self.expected(group)
            if count and expected is None:
                return None
            total += count * (expected or 0.0)
        return total


def probes_first(cells: Iterable[Cell]) -> list[Cell]:
    """Returns the cells with one of each group in front, so that the time left is soon known."""
    probes: dict[Group, Cell] = {}
    rest = [cell for cell in cells if probes.setdefault(Group.of(cell), cell) is not cell]
    return [*probes.values(), *rest]


def earlier_times(store: PrecomputedStore, cells: Iterable[Cell]) -> dict[Group, float]:
    """Returns the mean seconds that the same dataset and model took in earlier results, scaled to the epochs now.

    Only of trainings on a CPU: those on a GPU say nothing about other machines.
    """
    try:
        runs = store.table("runs")
    except ResultsUnavailable:
        return {}
    runs = runs[runs["device"] == "cpu"]
    per_epoch = (
        (runs["seconds"] / runs["epochs"])
        .groupby([runs["dataset"], runs["model"], runs["target_epsilon"].notna()])
        .mean()
        .to_dict()
    )
    times = {}
    for cell in cells:
        group = Group.of(cell)
        seconds = per_epoch.get((group.dataset, group.model, group.private))
        if cell.kind == "run" and seconds is not None:
            times[group] = float(seconds) * cell.dataset.epochs
    return times
