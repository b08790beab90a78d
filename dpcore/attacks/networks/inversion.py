"""Optimisation attacks: an honest server plants nothing and looks for the picture whose gradient fits the one it got.

Threat model: it knows architecture, weights, clipping norm and the records' shape, and sees one noisy, clipped gradient
of one record or of a few. Both attacks start from random pixels; of records with one label, which comes out where is
chance. A batch of two is rebuilt in part only with these numbers of iterations.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from dpcore._validate import positive, whole
from dpcore.attacks.networks.objectives import (
    GradientDistance,
    MatchingObjective,
    Regulariser,
    cosine_distance,
    no_prior,
    squared_distance,
    total_variation,
)
from dpcore.attacks.networks.observed import flat_gradient, infer_label
from dpcore.errors import InvalidValue

OptimisationAttack = Literal["dlg", "inverting gradients"]
ATTACKS: tuple[OptimisationAttack, ...] = get_args(OptimisationAttack)

Objective = Callable[[Tensor], Tensor]

_LBFGS_ROUNDS, _LBFGS_ITERATIONS = 12, 10
# Squared distances of clipped gradients are tiny; L-BFGS would take the first one for converged.
_LBFGS_SCALE = 1e3
_ADAM_ITERATIONS = 300
_ADAM_STEP = 0.1
#: Where Geiping et al. divide the step by 10, as shares of all iterations.
_ADAM_DECAYS = (3 / 8, 5 / 8, 7 / 8)
_TOTAL_VARIATION_WEIGHT = 1e-5


@dataclass(frozen=True, kw_only=True)
class Inversion:
    """Records that fit a gradient; how well they resemble the true ones only their owner can tell."""

    #: float32 (n, c, h, w) in [0, 1].
    records: Tensor
    #: (n,) as given, or as read off the gradient.
    labels: Tensor
    #: Of the attack's own objective; small = the gradient is explained, infinite = the optimiser diverged.
    loss: float
    #: Of the best start.
    iterations: int
    #: CPU time of this process, all starts.
    seconds: float
    #: Whether the time limit, rather than the number of iterations, ended it; then a rerun may differ.
    out_of_time: bool


@dataclass(frozen=True, kw_only=True)
class _Found:
    records: Tensor
    loss: float
    iterations: int


class _Clock:
    """CPU seconds of this process, so that a busy machine does not weaken the attack."""

    def __init__(self, limit: float) -> None:
        self._start, self._limit = time.process_time(), limit
        self.has_run_out = False

    def seconds(self) -> float:
        return time.process_time() - self._start

    def runs_out(self) -> bool:
        self.has_run_out = self.has_run_out or self.seconds() >= self._limit
        return self.has_run_out


@dataclass(frozen=True, kw_only=True)
class _Recipe:
    distance: GradientDistance
    regulariser: Regulariser
    regulariser_weight: float
    search: Callable[[Objective, Tensor, _Clock], _Found]


def invert_gradient(
    network: nn.Module,
    gradient: dict[str, Tensor],
    *,
    record_shape: tuple[int, int, int],
    attack: OptimisationAttack,
    seed: int,
    max_grad_norm: float = 1.0,
    label: int | Tensor | None = None,
    starts: int = 1,
    time_limit: float = 5.0,
) -> Inversion:
    """Returns the records whose clipped gradient fits the observed one best.

    - "dlg": least squared distance by L-BFGS, nothing known of pictures (Zhu, Liu & Han 2019, algorithm 1).
    - "inverting gradients": least 1 − cosine plus total variation by Adam on signs of the gradient, with a decaying
      step, pixels kept in [0, 1] (Geiping et al. 2020, section 4 and equation 4).

    The same arguments give the same records unless time runs out.

    Args:
        network: as the record's owner had it.
        gradient: of every trained parameter, by name.
        record_shape: (c, h, w).
        attack: which of the two.
        seed: of the random pixels to start from, ≥ 0.
        max_grad_norm: clipping norm under which the gradient was made.
        label: one, or (n,) for a batch of n; None = one record, whose label is read off (`infer_label`).
        starts: random starts, of which the one of least loss counts.
        time_limit: CPU seconds for all starts.

    Raises:
        InvalidValue: if an argument breaks its rule.
    """
    recipe, shape = _recipe(attack), _checked_shape(record_shape)
    clock = _Clock(positive(time_limit=time_limit))
    labels = infer_label(network, gradient) if label is None else torch.as_tensor(label, dtype=torch.int64).reshape(-1)
    objective = MatchingObjective(
        network=network,
        observed=flat_gradient(network, gradient),
        labels=labels,
        max_grad_norm=positive(max_grad_norm=max_grad_norm),
        distance=recipe.distance,
        regulariser=recipe.regulariser,
        regulariser_weight=recipe.regulariser_weight,
    )
    generator = torch.Generator().manual_seed(whole(0, seed=seed))
    found = []
    for _ in range(whole(starts=starts)):
        found.append(recipe.search(objective, torch.rand((len(labels), *shape), generator=generator), clock))
        if clock.has_run_out:
            break
    best = min(found, key=lambda f: f.loss)
    return Inversion(
        records=best.records,
        labels=labels,
        loss=best.loss,
        iterations=best.iterations,
        seconds=clock.seconds(),
        out_of_time=clock.has_run_out,
    )


def _lbfgs(objective: Objective, start: Tensor, clock: _Clock) -> _Found:
    records = start.clone().requires_grad_()
    optimiser = torch.optim.LBFGS(
        [records],
        max_iter=_LBFGS_ITERATIONS,
        history_size=_LBFGS_ROUNDS * _LBFGS_ITERATIONS,
        line_search_fn="strong_wolfe",
        tolerance_grad=1e-12,
        tolerance_change=1e-14,
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = _LBFGS_SCALE * objective(records)
        loss.backward()
        return loss.detach()

    iterations = 0
    for _ in range(_LBFGS_ROUNDS):
        optimiser.step(closure)
        iterations += _LBFGS_ITERATIONS
        if clock.runs_out():
            break
    return _finished(objective, records, iterations)


def _signed_adam(objective: Objective, start: Tensor, clock: _Clock) -> _Found:
    records = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([records], lr=_ADAM_STEP)
    decays = [int(_ADAM_ITERATIONS * share) for share in _ADAM_DECAYS]
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, decays, gamma=0.1)
    iterations = 0
    while iterations < _ADAM_ITERATIONS and not clock.runs_out():
        (slope,) = torch.autograd.grad(objective(records), records)
        records.grad = slope.sign()
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            records.clamp_(0, 1)
        iterations += 1
    return _finished(objective, records, iterations)


def _finished(objective: Objective, records: Tensor, iterations: int) -> _Found:
    """Pixels in [0, 1]; what diverged becomes grey and counts as the worst."""
    loss = float(objective(records.detach()))
    shown = records.detach().nan_to_num(0.5).clamp(0, 1)
    return _Found(records=shown, loss=loss if math.isfinite(loss) else math.inf, iterations=iterations)


_RECIPES: dict[OptimisationAttack, _Recipe] = {
    "dlg": _Recipe(distance=squared_distance, regulariser=no_prior, regulariser_weight=0.0, search=_lbfgs),
    "inverting gradients": _Recipe(
        distance=cosine_distance,
        regulariser=total_variation,
        regulariser_weight=_TOTAL_VARIATION_WEIGHT,
        search=_signed_adam,
    ),
}


def _recipe(attack: OptimisationAttack) -> _Recipe:
    if attack not in _RECIPES:
        raise InvalidValue(f"attack must be one of {', '.join(ATTACKS)}, but is {attack!r}.")
    return _RECIPES[attack]


def _checked_shape(record_shape: tuple[int, int, int]) -> tuple[int, ...]:
    if len(record_shape) != 3:
        raise InvalidValue(f"record_shape must be (channels, height, width), but is {record_shape!r}.")
    return tuple(whole(record_shape=side) for side in record_shape)
