"""The parts of a sweep, which may run apart: trainings, reconstruction, membership and audits."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from dpcore import datasets as registry
from dpcore.datasets.spec import DatasetSpec
from dpcore.errors import InvalidValue
from dpcore.sweep.cells import Cell
from dpcore.sweep.plan import DatasetPlan, SweepPlan


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one part of a sweep runs and which tables it makes."""

    kinds: tuple[str, ...]
    tables: tuple[str, ...]


PARTS = {
    "training": Part(kinds=("run",), tables=("runs", "points", "bounds")),
    "reconstruction": Part(
        kinds=("attack", "reconstruction", "optimisation"), tables=("attacks", "gallery", "reconstructions")
    ),
    "membership": Part(kinds=("shadow",), tables=("membership",)),
    "audit": Part(kinds=("audit",), tables=("audits",)),
}
#: Side of the pictures that are attacked by optimisation.
OPTIMISED_SIDE = 28


def check_parts(only: list[str] | None) -> tuple[str, ...]:
    """Returns the parts to run, all by default, in their own order; raises InvalidValue for an unknown one."""
    for name in only or ():
        if name not in PARTS:
            raise InvalidValue(f"part must be one of {', '.join(PARTS)}, but is {name!r}.")
    return tuple(name for name in PARTS if not only or name in only)


def tables_of(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the tables that those parts make."""
    return tuple(table for name in parts for table in PARTS[name].tables)


def plan_cells(
    plan: SweepPlan, datasets: list[DatasetPlan], data_path: str | None, parts: tuple[str, ...] = tuple(PARTS)
) -> list[Cell]:
    """Returns every cell of those parts of a plan for those datasets, attacks first.

    Of a dataset with several models the first one is attacked: the attacked records are the same.
    """
    kinds = {kind for name in parts for kind in PARTS[name].kinds}
    made = [cell for d in main_models(plan, datasets) for cell in _attacks(plan, d, data_path)]
    made += [
        _cell(plan, d, data_path, kind="run", target_epsilon=epsilon, seed=seed)
        for d in datasets
        for seed in range(plan.seeds_of(d))
        for epsilon in plan.budgets(d)
    ]
    return [cell for cell in made if cell.kind in kinds]


def main_models(plan: SweepPlan, datasets: list[DatasetPlan]) -> list[DatasetPlan]:
    """Returns those of `datasets` that are the plan's first entry of their name."""
    first: dict[str, DatasetPlan] = {}
    for dataset in plan.datasets:
        first.setdefault(dataset.name, dataset)
    return [dataset for dataset in datasets if first[dataset.name] == dataset]


def _attacks(plan: SweepPlan, dataset: DatasetPlan, data_path: str | None) -> Iterator[Cell]:
    spec, budgets = registry.spec(dataset.name), plan.budgets(dataset)
    for epsilon in budgets:
        yield _cell(plan, dataset, data_path, kind="attack", target_epsilon=epsilon)
    if plan.reconstruction and spec.kind == "image":
        for epsilon in budgets:
            yield _cell(
                plan, dataset, data_path, kind="reconstruction", target_epsilon=epsilon, detail=plan.reconstruction
            )
        if plan.reconstruction.optimised_epsilons and _can_be_optimised(spec):
            for epsilon in (*plan.reconstruction.optimised_epsilons, None):
                yield _cell(
                    plan, dataset, data_path, kind="optimisation", target_epsilon=epsilon, detail=plan.reconstruction
                )
    if plan.membership:
        for shadow in range(dataset.shadows or plan.membership.shadows):
            for epsilon in (*plan.membership.epsilons, None):
                yield _cell(plan, dataset, data_path, kind="shadow", target_epsilon=epsilon, seed=shadow)
    if plan.audit:
        for kind in plan.audit.kinds:
            # A whole outline has no other class that it could be mislabelled with.
            if not (kind == "mislabelled record" and spec.is_segmentation):
                detail = dataclasses.replace(plan.audit, kinds=(kind,), epsilons=())
                for epsilon in plan.audit.epsilons:
                    yield _cell(plan, dataset, data_path, kind="audit", target_epsilon=epsilon, detail=detail)


def _can_be_optimised(spec: DatasetSpec) -> bool:
    return not spec.is_segmentation and spec.record_shape[-1] == OPTIMISED_SIDE


def _cell(plan: SweepPlan, dataset: DatasetPlan, data_path: str | None, **own: object) -> Cell:
    return Cell(dataset=dataset, delta=plan.delta, data_path=data_path, **own)  # type: ignore[arg-type]
