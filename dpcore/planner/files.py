"""Plans and ledgers as files: what is written is read back the same, and a hash names it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dpcore.errors import InvalidValue
from dpcore.planner import documents
from dpcore.planner.ledger import (
    MOST_RELEASES,
    AnyRelease,
    GaussianRelease,
    LaplaceRelease,
    Ledger,
    TrainingRelease,
)
from dpcore.planner.limits import MOST_LIMITS, Limit, check_limits
from dpcore.planner.setting import Plan
from dpcore.settings.digest import settings_hash

MOST_PLANS = 4
#: Stands at the head of a file, so that a later format can be told apart.
PLAN_FORMAT, LEDGER_FORMAT = "pinch plan 1", "pinch ledger 1"
_DIGEST = re.compile("[0-9a-f]{16}")
_HEAD = ("format", "limits", "hash", "answers_hash")
#: What the JSON of answered plans holds beside them; computed anew when it is read.
_ANSWERED = ("answers", "notes", "limits_allow")
_RELEASES: dict[str, type[TrainingRelease] | type[GaussianRelease] | type[LaplaceRelease]] = {
    "training": TrainingRelease,
    "gaussian": GaussianRelease,
    "laplace": LaplaceRelease,
}


@dataclass(frozen=True, kw_only=True)
class PlanFile:
    """One to four plans with different names, and limits on them."""

    plans: tuple[Plan, ...]
    limits: tuple[Limit, ...] = ()
    #: Of the answers on a label that the file repeats; None if it has none.
    answers_hash: str | None = None

    def __post_init__(self) -> None:
        """Raises InvalidValue for no plans, too many, or two of the same name."""
        if not 1 <= len(self.plans) <= MOST_PLANS:
            raise InvalidValue(f"plans must be 1 to {MOST_PLANS}, but are {len(self.plans)}.")
        names = [plan.name for plan in self.plans]
        for name in names:
            if names.count(name) > 1:
                raise InvalidValue(f"plans must have different names, but two are called {name!r}.")
        if self.limits:
            check_limits(self.limits)

    @property
    def hash(self) -> str:
        """16 hexadecimal digits that change with any plan or limit."""
        return settings_hash(_contents(self))


def _contents(file: PlanFile) -> dict[str, Any]:
    document: dict[str, Any] = {"plans": [documents.plain(plan) for plan in file.plans]}
    if file.limits:
        document["limits"] = [documents.plain(limit) for limit in file.limits]
    return document


def plan_document(file: PlanFile) -> dict[str, Any]:
    """Returns plans and limits as a document for `documents.to_json` or `to_toml`, with their hash."""
    head = {"format": PLAN_FORMAT, "hash": file.hash}
    if file.answers_hash is not None:
        head["answers_hash"] = file.answers_hash
    return {**head, **_contents(file)}


def plans_from_document(document: Mapping[str, Any]) -> PlanFile:
    """Returns the plans and limits of a document; raises InvalidValue for what breaks a rule, or a hash that differs.

    The plans stand in a list `plans`; a single one may stand at the top by itself.
    """
    _check_format(document, PLAN_FORMAT)
    if "plans" in document:
        documents.check_fields(document, (*_HEAD, "plans", *_ANSWERED), where="The file")
        found = documents.tables(document, "plans", most=MOST_PLANS)
    else:
        found = [{name: value for name, value in document.items() if name not in _HEAD}]
    wanted = documents.tables(document, "limits", most=MOST_LIMITS)
    file = PlanFile(
        plans=tuple(documents.make(Plan, p, where=f"plan {i}") for i, p in enumerate(found, start=1)),
        limits=tuple(documents.make(Limit, t, where=f"limit {i}") for i, t in enumerate(wanted, start=1)),
        answers_hash=_digest(document, "answers_hash"),
    )
    stated = _digest(document, "hash")
    if stated is not None and stated != file.hash:
        raise InvalidValue(f"hash must be that of the plans and limits, {file.hash}, but is {stated!r}.")
    return file


def is_ledger(document: Mapping[str, Any]) -> bool:
    """Returns whether a document is meant as a ledger rather than as plans."""
    return document.get("format") == LEDGER_FORMAT or "releases" in document


def ledger_document(ledger: Ledger) -> dict[str, Any]:
    """Returns a ledger as a document for `documents.to_json` or `to_toml`."""
    kinds = {kind: name for name, kind in _RELEASES.items()}
    releases = [{"kind": kinds[type(r)], **documents.plain(r)} for r in ledger.releases]
    return {"format": LEDGER_FORMAT, **documents.plain(ledger), "releases": releases}


def ledger_from_document(document: Mapping[str, Any]) -> Ledger:
    """Returns the ledger of a document; raises InvalidValue for what breaks a rule."""
    _check_format(document, LEDGER_FORMAT)
    found = documents.tables(document, "releases", most=MOST_RELEASES)
    releases = tuple(_release(table, f"release {i}") for i, table in enumerate(found, start=1))
    head = {name: value for name, value in document.items() if name != "format"}
    return documents.make(Ledger, {**head, "releases": releases}, where="ledger")


def _release(table: dict[str, Any], where: str) -> AnyRelease:
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in _RELEASES:
        raise InvalidValue(f"{where}: kind must be one of {', '.join(_RELEASES)}, but is {documents.shorten(kind)}.")
    fields = {name: value for name, value in table.items() if name != "kind"}
    if isinstance(fields.get("date"), str):
        fields["date"] = _day(fields["date"], where)
    return documents.make(_RELEASES[kind], fields, where=where)


def _day(text: str, where: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise InvalidValue(
            f"{where}: date must be a day such as 2026-11-24, but is {documents.shorten(text)}."
        ) from None


def _check_format(document: Mapping[str, Any], known: str) -> None:
    stated = document.get("format", known)
    if stated != known:
        raise InvalidValue(f"format must be {known!r}, but is {documents.shorten(stated)}.")


def _digest(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    if value is not None and (not isinstance(value, str) or not _DIGEST.fullmatch(value)):
        raise InvalidValue(f"{name} must be 16 hexadecimal digits, but is {documents.shorten(value)}.")
    return value
