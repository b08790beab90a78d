"""What a ledger adds up to: trainings and Gaussian queries composed exactly, Laplace queries by valid upper bounds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dpcore.planner.ledger import AnyRelease, LaplaceRelease, Ledger, Total
from dpcore.privacy import ACCOUNTANTS, Accountant, DpSgdMechanism, get_epsilon_from_mechanisms, get_group_epsilon
from dpcore.privacy.mechanism import MOST_STEPS
from dpcore.privacy.rdp import OPACUS_ORDERS, convert_rdp_to_epsilon, get_rdp_from_mechanism

FloatArray = NDArray[np.floating]

#: ε and times of each Laplace query.
_Laplace = tuple[tuple[float, int], ...]


@dataclass(frozen=True, kw_only=True)
class Addition:
    """A planned release, what it adds to all before it, and what is then left of the budget (below 0: overspent)."""

    release: AnyRelease
    adds: Total
    left: float


@dataclass(frozen=True, kw_only=True)
class Year:
    """One calendar year's releases counted alone, as if its budget were new, and everything released by its end."""

    year: int
    alone: Total
    so_far: Total


@dataclass(frozen=True, kw_only=True)
class LedgerAnswer:
    """What a ledger comes to, for one record and for a patient with the most records."""

    ledger: Ledger
    spent: Total
    with_planned: Total
    spent_of_patient: Total
    with_planned_of_patient: Total
    #: budget − spent by the ledger's accountant; below 0: overspent.
    left: float
    planned: tuple[Addition, ...]
    years: tuple[Year, ...]
    #: What starting a new budget each year does and does not do, with this ledger's numbers.
    refresh: str


def get_total(releases: Sequence[AnyRelease], *, delta: float, records: int = 1) -> Total:
    """Returns ε of all releases together by both accountants, for that many records of one patient.

    Trainings and Gaussian queries are composed exactly, to the accountant's own rounding up. With Laplace queries a
    total is an upper bound: the less of Rényi composition (Mironov 2017, Proposition 6) and of the rest's ε plus the
    Laplace queries' own (basic composition). Several records: the group bound of `privacy.get_group_epsilon`, or for
    full batches a shift as many times as large.
    """
    if not releases:
        return Total(epsilon_rdp=0.0, epsilon_tight=0.0)
    laplace = tuple(sorted((r.epsilon, r.times) for r in releases if isinstance(r, LaplaceRelease)))
    return _cached_total(_merged(releases), laplace, delta, records)


@lru_cache(maxsize=1024)
def _cached_total(mechanisms: tuple[DpSgdMechanism, ...], laplace: _Laplace, delta: float, records: int) -> Total:
    if not laplace and all(m.sample_rate == 1 for m in mechanisms):
        # Full batches: the shift of k records is k times as large.
        mechanisms, records = tuple(_shifted(m, records) for m in mechanisms), 1
    counters = (_counter(mechanisms, laplace, accountant) for accountant in ACCOUNTANTS)
    rdp, tight = (
        get_group_epsilon(counter, delta, records=records) if records > 1 else counter(delta) for counter in counters
    )
    return Total(epsilon_rdp=rdp, epsilon_tight=tight)


def answer_ledger(ledger: Ledger) -> LedgerAnswer:
    """Returns totals, what each planned release adds in the order of dates, what is left, and the years."""
    spent = get_total(ledger.past, delta=ledger.delta)
    additions, before = [], spent
    for i, release in enumerate(ledger.planned):
        after = get_total(ledger.past + ledger.planned[: i + 1], delta=ledger.delta)
        left = ledger.budget_epsilon - after.by(ledger.accountant)
        additions.append(Addition(release=release, adds=after.less(before), left=left))
        before = after
    years = tuple(_years(ledger))
    patient = ledger.images_per_patient
    return LedgerAnswer(
        ledger=ledger,
        spent=spent,
        with_planned=before,
        spent_of_patient=get_total(ledger.past, delta=ledger.delta, records=patient),
        with_planned_of_patient=get_total(ledger.past + ledger.planned, delta=ledger.delta, records=patient),
        left=ledger.budget_epsilon - spent.by(ledger.accountant),
        planned=tuple(additions),
        years=years,
        refresh=_refresh(ledger, years),
    )


def _years(ledger: Ledger) -> list[Year]:
    everything = ledger.past + ledger.planned
    years = []
    for year in sorted({release.date.year for release in everything}):
        alone = tuple(r for r in everything if r.date.year == year)
        so_far = tuple(r for r in everything if r.date.year <= year)
        years.append(
            Year(
                year=year,
                alone=get_total(alone, delta=ledger.delta),
                so_far=get_total(so_far, delta=ledger.delta),
            )
        )
    return years


def _refresh(ledger: Ledger, years: tuple[Year, ...]) -> str:
    start = (
        "A budget that is new each year only begins a new count: nothing that was released is taken back, and what the "
        "years let an attacker learn adds up"
    )
    if len(years) < 2:
        return f"{start}."
    largest = max(year.alone.by(ledger.accountant) for year in years)
    total = years[-1].so_far.by(ledger.accountant)
    return (
        f"{start}. Here the dearest year alone counts ε = {largest:.4g}, all {len(years)} together ε = {total:.4g}. "
        "It does help patients who are in the data of one year only."
    )


def _merged(releases: Sequence[AnyRelease]) -> tuple[DpSgdMechanism, ...]:
    """The mechanisms; equal steps are counted together, which changes nothing but the time it takes."""
    counts: Counter[tuple[float, float]] = Counter()
    for release in releases:
        if not isinstance(release, LaplaceRelease):
            m = release.mechanism()
            counts[m.noise_multiplier, m.sample_rate] += m.steps
    parts = []
    for (noise, rate), steps in sorted(counts.items()):
        for start in range(0, steps, MOST_STEPS):
            size = min(MOST_STEPS, steps - start)
            parts.append(DpSgdMechanism(noise_multiplier=noise, sample_rate=rate, steps=size))
    return tuple(parts)


def _shifted(mechanism: DpSgdMechanism, records: int) -> DpSgdMechanism:
    return DpSgdMechanism(noise_multiplier=mechanism.noise_multiplier / records, sample_rate=1.0, steps=mechanism.steps)


def _counter(
    mechanisms: tuple[DpSgdMechanism, ...], laplace: _Laplace, accountant: Accountant
) -> Callable[[float], float]:
    """Returns ε of everything as a function of δ."""
    pure = sum(epsilon * times for epsilon, times in laplace)

    def epsilon(delta: float) -> float:
        basic = pure
        if mechanisms:
            basic += get_epsilon_from_mechanisms(mechanisms, delta=delta, accountant=accountant)
        return min(basic, _renyi_epsilon(mechanisms, laplace, delta)) if laplace else basic

    return epsilon


def _renyi_epsilon(mechanisms: tuple[DpSgdMechanism, ...], laplace: _Laplace, delta: float) -> float:
    rdp = np.zeros(len(OPACUS_ORDERS))
    for mechanism in mechanisms:
        rdp += get_rdp_from_mechanism(mechanism)
    for epsilon, times in laplace:
        rdp += times * get_rdp_from_laplace(epsilon)
    return max(float(convert_rdp_to_epsilon(rdp, OPACUS_ORDERS, delta).min()), 0.0)


def get_rdp_from_laplace(epsilon: float) -> FloatArray:
    """Returns the Rényi divergence of a Laplace query at each of OPACUS_ORDERS, in nats.

    1/(α−1)·log(α/(2α−1)·e^{(α−1)ε} + (α−1)/(2α−1)·e^{−αε}). Mironov (2017), Proposition 6.
    """
    alpha = OPACUS_ORDERS
    up = np.log(alpha / (2 * alpha - 1)) + (alpha - 1) * epsilon
    down = np.log((alpha - 1) / (2 * alpha - 1)) - alpha * epsilon
    # Never above the pure ε, and not below 0 by rounding.
    return np.clip(np.logaddexp(up, down) / (alpha - 1), 0.0, epsilon)


def to_plain(found: LedgerAnswer) -> dict[str, Any]:
    """Returns the totals as a table for JSON; infinite numbers as the text "infinite"."""
    return {
        "spent": _plain_total(found.spent),
        "with_planned": _plain_total(found.with_planned),
        "spent_of_patient": _plain_total(found.spent_of_patient),
        "with_planned_of_patient": _plain_total(found.with_planned_of_patient),
        "left": found.left if math.isfinite(found.left) else "overspent",
        "planned": [{"label": a.release.label, "adds": _plain_total(a.adds)} for a in found.planned],
        "years": [
            {"year": y.year, "alone": _plain_total(y.alone), "so_far": _plain_total(y.so_far)} for y in found.years
        ],
        "refresh": found.refresh,
    }


def _plain_total(total: Total) -> dict[str, float | str]:
    return {name: value if math.isfinite(value) else "infinite" for name, value in asdict(total).items()}
