"""The visitor's own numbers and attacker on the page of risk bounds: in the session and in the URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dpcore.errors import InvalidValue
from ui.evidence import Point
from ui.fields import link_fields
from ui.page_link import PageLink, Sent, read_choice
from ui.risk_setting import FIELDS, Setting, apply, fitting, read_overrides

#: How the URL spells who attacks.
ATTACKERS = ("worst", "relaxed", "real")
#: Limits of the prior belief in per cent.
PRIOR_LIMITS = (1, 99)
DEFAULT_PRIOR = 50


@dataclass(frozen=True, kw_only=True)
class RiskView:
    """What this page shows beyond the control bar."""

    overrides: Mapping[str, float] = field(default_factory=dict)
    attacker: str = "worst"
    prior: int = DEFAULT_PRIOR


LINK = PageLink(page="risk", parameters=(*FIELDS, "attacker", "prior"), default=RiskView())


def link_parameters(view: RiskView) -> dict[str, str]:
    """Returns the query parameters that lead back to the view; defaults are left out."""
    wanted = link_fields(view.overrides, FIELDS)
    if view.attacker != RiskView.attacker:
        wanted["attacker"] = view.attacker
    if view.prior != DEFAULT_PRIOR:
        wanted["prior"] = str(view.prior)
    return wanted


def read_link(sent: Sent, view: RiskView, point: Point) -> tuple[RiskView, list[str]]:
    """Returns the view a link asks for, and a sentence for each part that cannot be used."""
    overrides, problems = read_overrides(sent, point)
    if any(name in sent for name in FIELDS):
        view = replace(view, overrides=overrides)
    low, high = PRIOR_LIMITS
    choices: dict[str, dict[str, Any]] = {
        "attacker": {who: who for who in ATTACKERS},
        "prior": {str(percent): percent for percent in range(low, high + 1)},
    }
    for name, allowed in choices.items():
        rule = f"a whole number from {low} to {high}" if name == "prior" else ""
        value = read_choice(sent, name, allowed, problems, rule=rule)
        if value is not None:
            view = replace(view, **{name: value})
    return view, problems


def current(sent: Sent, point: Point) -> RiskView:
    """Returns the session's view, after the URL if the visitor came by a link; numbers that do not fit are dropped."""
    view = LINK.follow(sent, lambda sent, view: read_link(sent, view, point))
    kept, problems = fitting(view.overrides, point)
    if problems:
        LINK.note(f"{problems[0]} So your numbers were set back to this dataset's.")
    return LINK.keep(replace(view, overrides=kept))


def setting(view: RiskView, point: Point) -> Setting:
    """Returns the training that the view describes."""
    return apply(view.overrides, point)


def take_number(name: str, text: str, point: Point) -> None:
    """Takes a typed number over, or keeps the last good one and says why; for callbacks."""
    view = LINK.shown()
    try:
        value = FIELDS[name].parse(text)
        kept, problems = fitting({**view.overrides, name: value}, point)
        if problems:
            raise InvalidValue(problems[0])
    except InvalidValue as error:
        LINK.refuse(f"{error} Nothing was changed.")
        return
    LINK.change(replace(view, overrides=kept))
