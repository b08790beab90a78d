"""Results, drawings, pictures, live proofs: read or made once, read-only, shared by all visitors (`ui/kept.py`)."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import streamlit as st

from dpcore import datasets
from dpcore.errors import DpcoreError, ResultsUnavailable
from dpcore.results.store import DEFAULT_FOLDER, PrecomputedStore, picture_name
from ui import tables
from ui.charts import Theme
from ui.evidence import Counted, Evidence, Point, collect_evidence
from ui.finding import Finding, Proof, find_at_point, find_between_points
from ui.kept import Kept, Memory, kept
from ui.overlay import Drawing, draw_trade_off
from ui.pictures import PLACE

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from ui.member_evidence import Audit, Exposure

Value = TypeVar("Value")

#: Names a folder to read instead of `precomputed/`: another sweep, or a test's.
FOLDER_VARIABLE = "PINCH_PRECOMPUTED"
_DEFAULT = str(DEFAULT_FOLDER)


def store() -> PrecomputedStore:
    """Returns the store of precomputed results, unopened."""
    return PrecomputedStore(folder=Path(os.environ.get(FOLDER_VARIABLE) or _DEFAULT))


def manifest() -> dict[str, object]:
    """Returns how the results were made; raises ResultsUnavailable."""
    return _manifest(version())


def dataset_names() -> Sequence[str]:
    """Returns the datasets with results, in the order visitors see them; raises ResultsUnavailable if none."""
    return _dataset_names(version())


def evidence(dataset: str) -> Evidence:
    """Returns all results of a dataset's main model; raises ResultsUnavailable."""
    return _evidence(dataset, None, version())


def all_models(dataset: str) -> Sequence[Evidence]:
    """Returns the results of every model of a dataset, the main one first; raises ResultsUnavailable."""
    current = version()
    others = _models(dataset, current)[1:]
    return (_evidence(dataset, None, current), *(_evidence(dataset, model, current) for model in others))


def settle(dataset: str, epsilon: float, counted: Counted) -> float:
    """Returns a budget as the dataset's sweep knows it; raises InvalidValue outside the range."""
    return evidence(dataset).settle(epsilon, counted)


def finding(dataset: str, epsilon: float, counted: Counted) -> Finding:
    """Returns what is known at a budget; a bound that cannot be computed is named as a problem, never shown as 0."""
    found = evidence(dataset)
    if point := found.point_at(epsilon, counted):
        return find_at_point(found, point, counted)
    try:
        proof = _live_proof(epsilon, counted, _setting(found.nearest(epsilon, counted)))
    except DpcoreError as error:
        nan = float("nan")
        proof = Proof(noise_multiplier=nan, worst_case=nan, relaxed=nan, problem=str(error))
    return find_between_points(found, epsilon, counted, proof)


def recount(dataset: str, epsilon: float, *, old: Counted, new: Counted) -> float:
    """Returns the same mechanism's ε under the other accountant; raises DpcoreError if it cannot be counted."""
    found = evidence(dataset)
    if point := found.point_at(epsilon, old):
        return point.epsilon(new)
    return _recount(epsilon, old, new, _setting(found.nearest(epsilon, old)))


def drawing(dataset: str, counted: Counted, theme: Theme) -> Drawing:
    """Returns the trade-off chart with its legend; the same object until the results change."""
    return _while_whole(_drawing, dataset, counted, theme)


def zoomable_chart(dataset: str, counted: Counted, theme: Theme) -> Figure:
    """Returns the chart with all models of a dataset; raises ResultsUnavailable."""
    return _while_whole(_zoomable_chart, dataset, counted, theme)


def tables_html(dataset: str, counted: Counted) -> tuple[str, str]:
    """Returns the table of a dataset's main model and those of its others, as HTML; raises ResultsUnavailable."""
    return _while_whole(_tables_html, dataset, counted)


def _while_whole(make: Kept[..., Value], dataset: str, *rest: Hashable) -> Value:
    """What is kept of a dataset; made anew at the next look as long as any of its results are damaged."""
    key = (dataset, *rest, version())
    found = make(*key)
    if evidence(dataset).problems:
        make.clear(*key)
    return found


def facts_html() -> str:
    """Returns how the results were made, as HTML; raises ResultsUnavailable."""
    return _facts_html(version())


def picture_address(file: str) -> str:
    """Returns where the server gives out a gallery picture; raises ResultsUnavailable if it is missing or damaged."""
    return _picture_address(file, version())


def picture_named(name: str) -> bytes | None:
    """Returns the gallery picture of that name; None if there is none, or not byte for byte."""
    current = version()
    try:
        files = _picture_files(current).get(name, ())
    except ResultsUnavailable:
        return None
    for file in files:
        with suppress(ResultsUnavailable):
            picture = _picture(file, current)
            # A sweep may have put another picture into the file since; browsers keep what they get under a name.
            if picture_name(picture) == name:
                return picture
    return None


def pictures_are_whole(dataset: str) -> bool:
    """Whether every gallery picture of a dataset is there; one that is restored is seen at the next look."""
    key, shown = (dataset, version()), evidence(dataset)
    if shown.pictures_problem:
        return False
    if not (found := _PICTURES_ARE_WHOLE.get(key, lambda: all(_is_whole(strip.file) for strip in shown.strips))):
        _PICTURES_ARE_WHOLE.forget(key)
    return found


def _is_whole(file: str) -> bool:
    try:
        picture_address(file)
    except ResultsUnavailable:
        return False
    return True


@st.cache_resource(ttl=60, max_entries=16, show_spinner=False)
def data_status(dataset: str) -> str:
    """Returns one sentence on the visitor's own copy of the data."""
    return datasets.status(dataset).message


#: (sample_rate, steps, delta, kappa): what a mechanism of this dataset shares with its neighbours.
_Setting = tuple[float, int, float, float]


def _setting(point: Point) -> _Setting:
    return point.sample_rate, point.steps, point.delta, point.kappa


_PICTURES_ARE_WHOLE: Memory[bool] = Memory(max_entries=16)
#: Part of every cache key; see `version`.
Version = tuple[str, int]
#: When each folder was last looked at, and when its manifest had changed then.
_SEEN: dict[str, tuple[float, int]] = {}
_SEEN_SECONDS = 1.0


def version() -> Version:
    """Returns the folder of the results and when its manifest changed: a new sweep is seen without a restart."""
    # Text, not a Path: a page asks a dozen times.
    folder, now = os.environ.get(FOLDER_VARIABLE) or _DEFAULT, time.monotonic()
    seen, changed = _SEEN.get(folder, (-math.inf, 0))
    # Each question to the disk lets other visitors' pages go first.
    if now - seen > _SEEN_SECONDS:
        try:
            changed = Path(folder, "manifest.json").stat().st_mtime_ns
        except OSError:
            changed = 0
        _SEEN[folder] = now, changed
    return folder, changed


def _open(version: Version) -> PrecomputedStore:
    return PrecomputedStore(folder=Path(version[0]))


@kept(max_entries=2)
def _manifest(version: Version) -> dict[str, object]:
    return _open(version).manifest()


@kept(max_entries=2)
def _dataset_names(version: Version) -> Sequence[str]:
    present = {row["dataset"] for row in _open(version).rows("points", columns=["dataset"])}
    names = tuple(name for name in datasets.names() if name in present)
    if not names:
        raise ResultsUnavailable("The precomputed results hold no dataset that this version knows.")
    return names


# A file that is restored is seen at the next look.
@kept(max_entries=16, unless=lambda found: found.problems)
def _evidence(dataset: str, model: str | None, version: Version) -> Evidence:
    return collect_evidence(_open(version), datasets.spec(dataset), model)


@kept(max_entries=16)
def _models(dataset: str, version: Version) -> Sequence[str]:
    return _open(version).models(dataset)


@kept(max_entries=32)
def _drawing(dataset: str, counted: Counted, theme: Theme, version: Version) -> Drawing:
    return draw_trade_off(_evidence(dataset, None, version), counted, theme)


@kept(max_entries=16)
def _zoomable_chart(dataset: str, counted: Counted, theme: Theme, version: Version) -> Figure:
    from ui.zoom import zoomable_chart

    models = (None, *_models(dataset, version)[1:])
    return zoomable_chart([_evidence(dataset, model, version) for model in models], counted=counted, theme=theme)


@kept(max_entries=32)
def _tables_html(dataset: str, counted: Counted, version: Version) -> tuple[str, str]:
    main, *others = (
        tables.table_html(_evidence(dataset, model, version), counted)
        for model in (None, *_models(dataset, version)[1:])
    )
    return main, "".join(others)


@kept(max_entries=2)
def _facts_html(version: Version) -> str:
    return tables.facts_html(_manifest(version))


@kept(max_entries=512)
def _picture(file: str, version: Version) -> bytes:
    return _open(version).picture(file)


@kept(max_entries=512)
def _picture_address(file: str, version: Version) -> str:
    return PLACE + picture_name(_picture(file, version))


@kept(max_entries=2)
def _picture_files(version: Version) -> Mapping[str, Sequence[str]]:
    return _open(version).pictures()


@kept(max_entries=512)
def _live_proof(epsilon: float, counted: Counted, setting: _Setting) -> Proof:
    # Imported on first use: only a typed budget between two points needs scipy.
    from dpcore import privacy

    sample_rate, steps, delta, kappa = setting
    target = privacy.PrivacyTarget(epsilon=epsilon, delta=delta, accountant=counted)
    mechanism = privacy.calibrate(target, sample_rate=sample_rate, steps=steps)
    worst_case, relaxed = (
        float(privacy.get_trade_off_from_mechanism(mechanism, tier=tier).gamma(kappa))
        for tier in ("worst_case", "relaxed")
    )
    return Proof(noise_multiplier=mechanism.noise_multiplier, worst_case=worst_case, relaxed=relaxed)


@kept(max_entries=512)
def _recount(epsilon: float, old: Counted, new: Counted, setting: _Setting) -> float:
    from dpcore import privacy

    sample_rate, steps, delta, _ = setting
    target = privacy.PrivacyTarget(epsilon=epsilon, delta=delta, accountant=old)
    mechanism = privacy.calibrate(target, sample_rate=sample_rate, steps=steps)
    return float(f"{privacy.get_epsilon_from_mechanism(mechanism, delta=delta, accountant=new):.6g}")


def exposures(dataset: str) -> Sequence[Exposure]:
    """Returns what membership attacks got on a dataset's main model, by budget; raises ResultsUnavailable."""
    return _exposures(dataset, version())


def audits(dataset: str) -> Sequence[Audit]:
    """Returns the audits of a dataset's main model; raises ResultsUnavailable."""
    return _audits(dataset, version())


@kept(max_entries=16)
def _exposures(dataset: str, version: Version) -> Sequence[Exposure]:
    # Imported on first use, like all science.
    from ui.member_evidence import collect_exposures

    return collect_exposures(_open(version), _evidence(dataset, None, version))


@kept(max_entries=16)
def _audits(dataset: str, version: Version) -> Sequence[Audit]:
    from ui.member_evidence import collect_audits

    return collect_audits(_open(version), _evidence(dataset, None, version))
