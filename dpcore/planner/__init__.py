"""The planner: from a plan to its risks, utility and effort, from limits back to budgets, and a ledger of releases."""

from dpcore.planner.answer import LevelRisks, PlanAnswer, answer
from dpcore.planner.basis import NoBasis
from dpcore.planner.effort import Effort
from dpcore.planner.files import (
    MOST_PLANS,
    PlanFile,
    is_ledger,
    ledger_document,
    ledger_from_document,
    plan_document,
    plans_from_document,
)
from dpcore.planner.label import Label, answer_file, make_label, sealed
from dpcore.planner.ledger import (
    AnyRelease,
    GaussianRelease,
    LaplaceRelease,
    Ledger,
    Release,
    Total,
    TrainingRelease,
)
from dpcore.planner.limits import KINDS, Limit, LimitKind
from dpcore.planner.realistic import RealisticAttack
from dpcore.planner.remedies import Remedy, get_remedies
from dpcore.planner.rows import Row, describe_odds, get_answers_hash, get_rows, to_csv
from dpcore.planner.setting import LEVELS, Level, Plan, Setting
from dpcore.planner.solve import Allowed, Compromise, Feasible, Infeasible, solve
from dpcore.planner.texts import describe_outcome, describe_remedies
from dpcore.planner.totals import LedgerAnswer, answer_ledger, get_total
from dpcore.planner.utility import UtilityEstimate, get_utility

__all__ = [
    "KINDS",
    "LEVELS",
    "MOST_PLANS",
    "Allowed",
    "AnyRelease",
    "Compromise",
    "Effort",
    "Feasible",
    "GaussianRelease",
    "Infeasible",
    "Label",
    "LaplaceRelease",
    "Ledger",
    "LedgerAnswer",
    "Level",
    "LevelRisks",
    "Limit",
    "LimitKind",
    "NoBasis",
    "Plan",
    "PlanAnswer",
    "PlanFile",
    "RealisticAttack",
    "Release",
    "Remedy",
    "Row",
    "Setting",
    "Total",
    "TrainingRelease",
    "UtilityEstimate",
    "answer",
    "answer_file",
    "answer_ledger",
    "describe_odds",
    "describe_outcome",
    "describe_remedies",
    "get_answers_hash",
    "get_remedies",
    "get_rows",
    "get_total",
    "get_utility",
    "is_ledger",
    "ledger_document",
    "ledger_from_document",
    "make_label",
    "plan_document",
    "plans_from_document",
    "sealed",
    "solve",
    "to_csv",
]
