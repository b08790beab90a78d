"""What a privacy label says: odds, icons, every number, assumptions, sources, and the hash that repeats it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from dpcore import datasets
from dpcore.planner.answer import PlanAnswer, answer
from dpcore.planner.basis import NoBasis
from dpcore.planner.documents import to_json
from dpcore.planner.files import PlanFile, plan_document
from dpcore.planner.rows import Row, describe_odds, get_answers_hash, get_rows
from dpcore.planner.solve import Feasible, Infeasible, solve
from dpcore.planner.texts import describe_outcome
from dpcore.results.metrics import get_model_words_from_name
from dpcore.results.store import PrecomputedStore

TITLE = "Privacy label"
#: From this chance on, an array of 100 shows it; below, one of 1,000.
_COMMON = 0.1
SOURCES = (
    "Ziller et al., Nature Machine Intelligence 6, 764–774 (2024): the three attackers and the real attack.",
    "Hayes, Mahloujifar & Balle (2023) and Kaissis et al. (2023, arXiv 2307.03928): worst-case bound. "
    "Kaissis et al. (arXiv 2210.13028): relaxed bound.",
    "Dong, Roth & Su (2022), Theorem 2.14, and Vadhan (2017), Lemma 2.2: patients with several records.",
    "Mironov, Talwar & Zhang (arXiv 1908.10530) and Balle et al. (2020): RDP accountant, Opacus' orders.",
)
_ASSUMPTIONS = (
    "Each step draws every record independently (Poisson), clips each record's gradient and adds Gaussian noise to the "
    "sum. A program that does otherwise has other risks.",
    "Proven risks hold for one record, or for all records of a patient who has as many as any, whatever else the "
    "attacker knows. ε bounds odds, not probabilities.",
    "Only this training is counted. Tuning, other models and queries on the same patients add up: keep a ledger.",
)


@dataclass(frozen=True, kw_only=True)
class Icons:
    """`count` of `total` patients, rounded up, and what it means."""

    count: int
    total: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Label:
    """One page about one to four plans, one column each."""

    names: tuple[str, ...]
    icons: tuple[Icons, ...]
    rows: tuple[Row, ...]
    #: Warnings, what has no basis and why, and what the limits allow.
    notes: tuple[str, ...]
    assumptions: tuple[str, ...]
    sources: tuple[str, ...]
    #: Of the plans and limits, and of the answers.
    hash: str
    answers_hash: str
    command: str
    #: The plan file itself, JSON, which the label carries along.
    document: str


def make_label(file: PlanFile, answers: tuple[PlanAnswer, ...], outcomes: tuple[Feasible | Infeasible, ...]) -> Label:
    """Returns the label of answered plans; `outcomes` are those of the file's limits, one a plan or none."""
    return Label(
        names=tuple(a.plan.name for a in answers),
        icons=tuple(get_icons(a) for a in answers),
        rows=get_rows(answers),
        notes=tuple(dict.fromkeys(_notes(answers, outcomes))),
        assumptions=(*_ASSUMPTIONS, *dict.fromkeys(_measured_assumptions(answers))),
        sources=SOURCES,
        hash=file.hash,
        answers_hash=get_answers_hash(answers),
        command="python -m dpcore plan FILE",
        document=to_json(plan_document(sealed(file, answers))),
    )


def answer_file(
    file: PlanFile, store: PrecomputedStore
) -> tuple[tuple[PlanAnswer, ...], tuple[Feasible | Infeasible, ...]]:
    """Returns the answers of all plans, and what each can keep of the file's limits (empty without limits)."""
    answers = tuple(answer(plan, store) for plan in file.plans)
    outcomes = tuple(solve(plan, file.limits, store) for plan in file.plans) if file.limits else ()
    return answers, outcomes


def sealed(file: PlanFile, answers: tuple[PlanAnswer, ...]) -> PlanFile:
    """Returns the file with the hash of its answers, by which a later run can tell whether they are still the same."""
    return replace(file, answers_hash=get_answers_hash(answers))


def get_icons(of: PlanAnswer) -> Icons:
    """Returns the icon array of the worst case for a patient: γ of those who hold a patient's records."""
    risk = of.patient.worst_case
    total = 100 if risk >= _COMMON else 1000
    count = min(math.ceil(total * risk * (1 - 1e-9)), total)
    text = (
        "An attacker who holds a patient's records and only has to match them succeeds with at most "
        f"{describe_odds(risk)} (by guessing: {describe_odds(of.patient.kappa)})."
    )
    return Icons(count=count, total=total, text=text)


def _notes(answers: tuple[PlanAnswer, ...], outcomes: tuple[Feasible | Infeasible, ...]) -> list[str]:
    several = len(answers) > 1
    notes = []
    for i, a in enumerate(answers):
        start = f"{a.plan.name}: " if several else ""
        notes += [f"{start}{warning}" for warning in a.warnings]
        unknown = dict.fromkeys(p.reason for p in (a.utility, a.effort, a.realistic) if isinstance(p, NoBasis))
        notes += [f"{start}No basis: {reason}" for reason in unknown]
        if outcomes:
            notes.append(f"{start}{describe_outcome(outcomes[i])[0]}")
    return notes


def _measured_assumptions(answers: tuple[PlanAnswer, ...]) -> list[str]:
    found = []
    for a in answers:
        if not isinstance(a.utility, NoBasis):
            found.append(
                f"Utility is an estimate, by noise to signal, from trainings on “{_title(a.utility.dataset)}” with "
                f"{get_model_words_from_name(a.utility.model)}, not a measurement on these records."
            )
        if not isinstance(a.realistic, NoBasis):
            found.append(
                f"The real attack was measured on {a.realistic.rebuilt.trials} records of "
                f"“{_title(a.realistic.dataset)}” at no more noise than this; it is no guarantee, a better attack may "
                "exist."
            )
        if not isinstance(a.effort, NoBasis):
            whose = {"here": "this machine", "shipped": "the machine that made the shipped results"}[a.effort.speed_of]
            found.append(f"Time and energy: one core of {whose}, {a.effort.watts:g} W assumed.")
    return found


def _title(dataset: str) -> str:
    return datasets.spec(dataset).title
