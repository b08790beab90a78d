"""How long the training will take and what it uses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dpcore.planner.basis import NoBasis, get_basis
from dpcore.planner.setting import Setting
from dpcore.results.store import PrecomputedStore

if TYPE_CHECKING:
    from dpcore.jobs.forecast import DatasetFacts


@dataclass(frozen=True, kw_only=True)
class Effort:
    """An estimate for one core: views of a record × seconds a view; energy at an assumed power."""

    seconds: float
    watt_hours: float
    watts: float
    #: Whose speed it rests on: "here" (a probe of this machine) or "shipped" (that on which the results were made).
    speed_of: Literal["here", "shipped"]


def get_effort(setting: Setting, store: PrecomputedStore, facts: DatasetFacts | None = None) -> Effort | NoBasis:
    """Returns time and energy of a training of the setting's dataset and model on as many records.

    With `facts`, a probe of this machine, at its speed; else at that of the machine that made the shipped results.
    """
    basis = get_basis(store, setting)
    if isinstance(basis, NoBasis):
        return NoBasis(reason=basis.reason)
    if math.isnan(basis.watts):
        return NoBasis(
            reason="The shipped results of this model were made on a GPU, which says nothing about one core."
        )
    probed = facts.models.get(basis.model) if facts is not None and facts.dataset == basis.dataset else None
    speed = probed.private_seconds_per_view if probed else basis.seconds_per_view
    seconds = setting.num_train * setting.passes * speed
    return Effort(
        seconds=seconds,
        watt_hours=seconds * basis.watts / 3600,
        watts=basis.watts,
        speed_of="here" if probed else "shipped",
    )
