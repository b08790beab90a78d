"""What would make limits possible that are not: more patients, fewer steps, larger batches, fewer images of a patient.

Each is tried in steps; the first that suffices is named, with the noise and ε it would have, or what is missed even at
the last. Everything is computed anew for the changed setting.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from dpcore.planner.basis import NoBasis
from dpcore.planner.limits import CURVE_KINDS, Limit
from dpcore.planner.setting import MOST_RECORDS, Setting
from dpcore.planner.solve import Infeasible, epsilon_at, get_noise_guess, keeps, value_at
from dpcore.planner.utility import get_near_basis, get_noise_at_share
from dpcore.privacy.composed import TOLERANCE as CURVE_TOLERANCE
from dpcore.privacy.mechanism import MOST_STEPS
from dpcore.privacy.solver import first_that_holds
from dpcore.results.store import PrecomputedStore

RemedyKind = Literal["more patients", "fewer steps", "larger batch", "fewer images per patient"]

#: Factors that are tried, rising.
_FACTORS = (1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 32.0, 64.0)
#: Relative error of the risks compared here, which are raised by it: they are shown in three digits.
_TOLERANCE = 1e-4
#: Stands for endless noise.
_ENDLESS = 1e9


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """One change and what comes of it."""

    kind: RemedyKind
    helps: bool
    #: The changed setting: the first that suffices, or the last that was tried.
    setting: Setting
    #: Where it helps: the most noise that keeps the utility (∞ without such a limit) and its ε; else where it misses.
    noise_multiplier: float
    epsilon: float
    #: Where it does not help: the limit that is missed, and the value it has (NaN where it helps).
    missed: Limit | None
    value: float
    #: One sentence.
    text: str


@dataclass(frozen=True, kw_only=True)
class _Trial:
    setting: Setting
    noise: float
    missed: Limit | None
    value: float


def get_remedies(infeasible: Infeasible, store: PrecomputedStore) -> tuple[Remedy, ...]:
    """Returns what becomes of each kind of change, those that help first.

    Kinds that cannot be tried, or of which nothing is known, are left out.
    """
    now = _attempt(infeasible.setting, infeasible.limits, store, tolerance=CURVE_TOLERANCE)  # As `solve` did.
    remedies: list[Remedy] = []
    for kind, change in _CHANGES.items():
        changed = list(change(infeasible))
        if changed:
            remedy = _try(kind, changed, now, infeasible.limits, store)
            remedies += [remedy] if remedy.helps or not math.isnan(remedy.value) else []
    return tuple(sorted(remedies, key=lambda remedy: not remedy.helps))


def _try(
    kind: RemedyKind, changed: list[Setting], now: _Trial, limits: tuple[Limit, ...], store: PrecomputedStore
) -> Remedy:
    known: dict[int, _Trial] = {}

    def suffices(index: int) -> bool:
        known[index] = _attempt(changed[index], limits, store)
        return known[index].missed is None

    # Within what is measured a larger change helps more; where it is not, `_attempt` says so.
    reach = _last_with_basis(changed, limits, store)
    guess = next((i for i in range(reach) if _seems_to_suffice(changed[i], limits, store)), reach)
    index = min(first_that_holds(suffices, reach + 1, guess=guess), reach)
    trial = known[index]
    epsilon = epsilon_at(trial.setting, trial.noise)
    return Remedy(
        kind=kind,
        helps=trial.missed is None,
        setting=trial.setting,
        noise_multiplier=trial.noise,
        epsilon=epsilon,
        missed=trial.missed,
        value=trial.value,
        text=_text(kind, now, trial, epsilon),
    )


def _last_with_basis(changed: list[Setting], limits: tuple[Limit, ...], store: PrecomputedStore) -> int:
    """Index of the last change for which utility is still estimated, where it is limited; at least 0."""
    if all(limit.kind != "utility" for limit in limits):
        return len(changed) - 1
    near = [i for i, setting in enumerate(changed) if not isinstance(get_near_basis(setting, store), NoBasis)]
    return max(near, default=0)


def _seems_to_suffice(setting: Setting, limits: tuple[Limit, ...], store: PrecomputedStore) -> bool:
    """Whether all limits would hold by the central limit: a guess at where to look, which composes nothing."""
    noise = _most_noise(setting, limits, store)[0]
    return all(noise >= get_noise_guess(setting, limit) for limit in limits if limit.kind in CURVE_KINDS)


def _attempt(
    setting: Setting, limits: tuple[Limit, ...], store: PrecomputedStore, *, tolerance: float = _TOLERANCE
) -> _Trial:
    """Whether all limits hold at the most noise that utility allows; if not, the first that does not."""
    noise, missed = _most_noise(setting, limits, store)
    if missed:
        return _Trial(setting=setting, noise=math.inf, missed=missed, value=math.nan)
    for limit in limits:
        if limit.kind != "utility":
            value = value_at(setting, limit, min(noise, _ENDLESS), store, tolerance=tolerance)
            if not keeps(limit, value):
                return _Trial(setting=setting, noise=noise, missed=limit, value=value)
    return _Trial(setting=setting, noise=noise, missed=None, value=math.nan)


def _most_noise(setting: Setting, limits: tuple[Limit, ...], store: PrecomputedStore) -> tuple[float, Limit | None]:
    """The most noise that keeps the utility, ∞ if none is limited; or 0 and the limit that no noise keeps."""
    noise = math.inf
    for limit in limits:
        if limit.kind == "utility":
            basis = get_near_basis(setting, store)
            most = None if isinstance(basis, NoBasis) else get_noise_at_share(setting, basis, limit.value)
            if most is None:
                return 0.0, limit
            noise = min(noise, most)
    return noise, None


def _more_patients(infeasible: Infeasible) -> Iterator[Setting]:
    """Same batch and steps."""
    setting = infeasible.setting
    for factor in _FACTORS:
        records = round(setting.num_train * factor)
        if records <= MOST_RECORDS:
            patients = setting.num_patients and round(setting.num_patients * factor)
            yield replace(setting, num_train=records, num_patients=patients, epochs=None, steps=setting.num_steps)


def _fewer_steps(infeasible: Infeasible) -> Iterator[Setting]:
    """Same batch."""
    setting = infeasible.setting
    steps = dict.fromkeys(max(1, round(setting.num_steps / factor)) for factor in _FACTORS)
    return (replace(setting, epochs=None, steps=n) for n in steps if n < setting.num_steps)


def _larger_batch(infeasible: Infeasible) -> Iterator[Setting]:
    """As many passes over the records, so fewer steps."""
    setting = infeasible.setting
    batches = (min(round(setting.expected_batch_size * factor), setting.num_train) for factor in _FACTORS)
    for batch in dict.fromkeys(batches):
        steps = max(1, round(setting.passes * setting.num_train / batch))
        if batch > setting.expected_batch_size and steps <= MOST_STEPS:
            yield replace(setting, expected_batch_size=batch, epochs=None, steps=steps)


def _fewer_images(infeasible: Infeasible) -> Iterator[Setting]:
    """The same number of records, from more patients."""
    setting = infeasible.setting
    if all(limit.level != "patient" for limit in infeasible.limits):
        return
    for most in (20, 10, 5, 4, 3, 2, 1):
        if most < setting.images_per_patient:
            fewest = math.ceil(setting.num_train / most)
            patients = setting.num_patients and max(setting.num_patients, fewest)
            yield replace(setting, images_per_patient=most, num_patients=patients)


_CHANGES: dict[RemedyKind, Callable[[Infeasible], Iterator[Setting]]] = {
    "more patients": _more_patients,
    "fewer steps": _fewer_steps,
    "larger batch": _larger_batch,
    "fewer images per patient": _fewer_images,
}


def _text(kind: RemedyKind, now: _Trial, trial: _Trial, epsilon: float) -> str:
    before, after = now.setting, trial.setting
    change = {
        "more patients": f"{after.num_train:,} records instead of {before.num_train:,}, same batch and steps",
        "fewer steps": f"{after.num_steps:,} steps instead of {before.num_steps:,}, same batch",
        "larger batch": f"batch {after.expected_batch_size:,} instead of {before.expected_batch_size:,}, "
        f"{after.num_steps:,} steps instead of {before.num_steps:,}",
        "fewer images per patient": f"at most {after.images_per_patient:,} instead of {before.images_per_patient:,}",
    }[kind]
    start = f"{kind[0].upper()}{kind[1:]} ({change})"
    if trial.missed is None:
        at = f" at ε = {epsilon:.3g}, σ = {trial.noise:.3g}" if math.isfinite(trial.noise) else ""
        return f"{start}: possible{at}."
    verdict = "not enough"
    if trial.missed == now.missed and trial.value >= now.value:
        verdict = "no help"
    before_it = f" (now {trial.missed.show(now.value)})" if trial.missed == now.missed else ""
    return f"{start}: {verdict}, {trial.missed.misses(trial.value)} then{before_it}."
