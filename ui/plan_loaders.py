"""Caches of the planner: answers by plan and version of the results, read-only, shared by all visitors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import streamlit as st

from dpcore import planner
from dpcore.errors import DpcoreError
from dpcore.planner import Feasible, Infeasible, Ledger, LedgerAnswer, Limit, Plan, PlanAnswer, Remedy, Setting
from dpcore.planner.effort import get_effort
from dpcore.results.store import PrecomputedStore
from ui import lab_loaders, loaders

#: A plan's name changes no number.
_NAMELESS = "plan"


def answer(plan: Plan) -> PlanAnswer:
    """Returns all that is known about a plan, at this machine's speed if it was timed; raises DpcoreError."""
    found = replace(_answer(replace(plan, name=_NAMELESS), loaders.version()), plan=plan)
    try:
        facts = lab_loaders.store().facts(plan.dataset) if plan.dataset else None
    except DpcoreError:
        facts = None
    return replace(found, effort=get_effort(plan, loaders.store(), facts)) if facts else found


def outcome(setting: Setting, limits: tuple[Limit, ...]) -> Feasible | Infeasible:
    """Returns what the limits allow; raises DpcoreError."""
    return _outcome(setting, limits, loaders.version())


def remedies(infeasible: Infeasible) -> tuple[Remedy, ...]:
    """Returns what would make the limits possible; raises DpcoreError."""
    return _remedies(infeasible.setting, infeasible.limits, loaders.version())


@st.cache_resource(max_entries=256, show_spinner=False)
def ledger(of: Ledger) -> LedgerAnswer:
    """Returns what a ledger adds up to; raises DpcoreError."""
    return planner.answer_ledger(of)


@st.cache_resource(max_entries=512, show_spinner=False)
def _answer(plan: Plan, version: loaders.Version) -> PlanAnswer:
    return planner.answer(plan, _open(version))


@st.cache_resource(max_entries=256, show_spinner=False)
def _outcome(setting: Setting, limits: tuple[Limit, ...], version: loaders.Version) -> Feasible | Infeasible:
    return planner.solve(setting, limits, _open(version))


@st.cache_resource(max_entries=256, show_spinner=False)
def _remedies(setting: Setting, limits: tuple[Limit, ...], version: loaders.Version) -> tuple[Remedy, ...]:
    found = _outcome(setting, limits, version)
    return planner.get_remedies(found, _open(version)) if isinstance(found, Infeasible) else ()


def _open(version: loaders.Version) -> PrecomputedStore:
    return PrecomputedStore(folder=Path(version[0]))
