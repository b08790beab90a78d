"""Caches of the live lab, and its door to the jobs' database: what never changes is kept, shared by all visitors."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

import streamlit as st

from dpcore import datasets
from dpcore.errors import DpcoreError
from dpcore.jobs import JobStore, JobsUnavailable, Laboratory, Limits, RunOutcome, RunSettings
from dpcore.jobs.launch import Launcher, database_path

if TYPE_CHECKING:
    from dpcore.jobs import DatasetFacts
    from dpcore.settings.advice import Advice

Arguments = ParamSpec("Arguments")

#: Points on the line of ε over the steps.
_SPENT_POINTS = 12


def or_a_sentence(block: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Makes a block say in a sentence that the jobs' database failed while it was drawn."""

    @functools.wraps(block)
    def drawn(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            block(*args, **kwargs)
        except JobsUnavailable as error:
            st.warning(str(error), icon=":material/info:")

    return drawn


def store() -> JobStore:
    """Returns the jobs of this installation."""
    return _store(database_path())


def start_laboratory() -> str:
    """Sees to it that a laboratory is at work; returns why none is, or nothing."""
    try:
        _launcher(database_path()).ensure()
    except JobsUnavailable as error:
        return str(error)
    return ""


def laboratory() -> Laboratory | None:
    """Returns what the laboratory last said; None before the first. Raises JobsUnavailable."""
    return store().laboratory()


def facts(dataset: str) -> DatasetFacts | None:
    """Returns a dataset's size and this machine's speed, asking for a look where they are unknown.

    Raises JobsUnavailable.
    """
    found = store().laboratory()
    if not data_missing(dataset):
        store().probe(dataset, since=found.started if found else 0.0)
    return store().facts(dataset)


@st.cache_resource(ttl=60, max_entries=16, show_spinner=False)
def data_missing(dataset: str) -> str:
    """Returns why a training would find no records here, or nothing."""
    found = datasets.status(dataset)
    return "" if found.available else found.message


def run_outcome(key: str) -> RunOutcome | None:
    """Returns the result of a training; None while there is none. Raises JobsUnavailable."""
    return _found(str(store().path), key, profile=False)


def profile_outcome(key: str) -> dict[str, Any] | None:
    """Returns the result of a look at gradient norms; None while there is none. Raises JobsUnavailable."""
    return _found(str(store().path), key, profile=True)


def _found(path: str, key: str, *, profile: bool) -> Any:
    """Kept only once it is there: nothing is no result."""
    try:
        return _outcome(path, key, profile)
    except _NotYetError:
        return None


class _NotYetError(Exception):
    """Keeps a missing result out of the cache."""


@st.cache_resource(max_entries=256, show_spinner=False)
def _outcome(path: str, key: str, profile: bool) -> Any:
    opened = _store(Path(path))
    found = opened.outcome(key) if profile else opened.run_outcome(key)
    if found is None:
        raise _NotYetError
    return found


@st.cache_resource(max_entries=256, show_spinner=False)
def advice(
    settings: RunSettings, num_train: int, num_parameters: int, prevalence: float | None
) -> tuple[Sequence[Advice], str]:
    """Returns what the sources would say about a training, warnings first, or why that could not be computed."""
    from dpcore.settings.advice import get_advice

    try:
        said = get_advice(
            settings.training,
            num_train=num_train,
            mechanism=settings.mechanism(num_train),
            num_parameters=num_parameters,
            delta=settings.delta,
            accountant=settings.accountant,
            prevalence=prevalence,
            pictures=datasets.spec(settings.dataset).kind == "image",
        )
    except DpcoreError as error:
        return (), str(error)
    return said, ""


@st.cache_resource(max_entries=256, show_spinner=False)
def spent(settings: RunSettings, num_train: int) -> tuple[tuple[float, float], ...]:
    """Returns (epoch, ε spent by then) over a training, as its own accountant counts; empty if that cannot be done."""
    from dpcore.privacy import DpSgdMechanism, get_epsilon_from_mechanism

    try:
        whole = settings.mechanism(num_train)
        if not isinstance(whole, DpSgdMechanism):
            return ()
        evenly = {max(1, round(whole.steps * k / _SPENT_POINTS)) for k in range(1, _SPENT_POINTS + 1)}
        # ε rises steepest over the first steps.
        points = sorted(evenly | {steps for steps in (1, 2, 4) if steps < whole.steps})
        made = [(0.0, 0.0)]
        for steps in points:
            part = DpSgdMechanism(noise_multiplier=whole.noise_multiplier, sample_rate=whole.sample_rate, steps=steps)
            epsilon = get_epsilon_from_mechanism(part, delta=settings.delta, accountant=settings.accountant)
            made.append((steps * settings.training.epochs / whole.steps, epsilon))
    except DpcoreError:
        return ()
    return tuple(made)


@st.cache_resource(max_entries=4, show_spinner=False)
def _store(path: Path) -> JobStore:
    return JobStore(path, limits=Limits.from_environment())


@st.cache_resource(max_entries=4, show_spinner=False)
def _launcher(path: Path) -> Launcher:
    return Launcher(path)
