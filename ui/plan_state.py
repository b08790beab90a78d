"""What the planner shows beyond the control bar: in the session and in the URL."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from dpcore.errors import InvalidValue
from dpcore.planner import MOST_PLANS, Plan, PlanFile, Setting, plans_from_document
from dpcore.planner.documents import parse_document, plain
from ui import loaders, state
from ui.fields import link_fields, read_fields
from ui.page_link import PageLink, Sent
from ui.plan_limits import DEFAULT_LIMITS, LIMITS
from ui.plan_setting import FIELDS, Base, base_of, fitting, in_words, make_plan, make_setting, read_overrides

#: A longer list of plans is left out of the URL: some browsers and mail programs cut longer ones.
LONGEST_PLANS = 2000
PLAN_NAME = "This plan"


@dataclass(frozen=True, kw_only=True)
class PlanView:
    """What this page shows beyond the control bar."""

    overrides: Mapping[str, float] = field(default_factory=dict)
    #: Limits that are set, by name.
    limits: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_LIMITS))
    #: Plans side by side.
    compared: tuple[Plan, ...] = ()


LINK = PageLink(page="plan", parameters=(*FIELDS, *LIMITS, "limits", "plans"), default=PlanView())


def link_parameters(view: PlanView) -> dict[str, str]:
    """Returns the query parameters that lead back to the view; defaults are left out."""
    wanted = link_fields(view.overrides, FIELDS)
    if dict(view.limits) != dict(DEFAULT_LIMITS):
        wanted.update({name: repr(view.limits[name]) for name in LIMITS if name in view.limits})
        if not view.limits:
            wanted["limits"] = "none"
    if view.compared and len(text := plans_text(view.compared)) <= LONGEST_PLANS:
        wanted["plans"] = text
    return wanted


def plans_text(plans: tuple[Plan, ...]) -> str:
    """Returns plans as one line of JSON."""
    return json.dumps([plain(plan) for plan in plans], separators=(",", ":"), ensure_ascii=False)


def read_link(sent: Sent, view: PlanView, base: Base) -> tuple[PlanView, list[str]]:
    """Returns the view a link asks for, and a sentence for each part that cannot be used."""
    overrides, problems = read_overrides(sent)
    kept, unfit = fitting(overrides, base)
    problems += [f"In the link: {sentence}" for sentence in unfit]
    if any(name in sent for name in FIELDS):
        view = replace(view, overrides=kept)
    limits, more = read_fields(sent, LIMITS)
    problems += more
    none = list(sent.get("limits", ()))
    if limits or none == ["none"]:
        view = replace(view, limits=limits)
    if none not in ([], ["none"]):
        problems.append("In the link: limits must be “none”, but is not.")
    if "plans" in sent:
        try:
            view = replace(view, compared=_read_plans(sent["plans"]))
        except InvalidValue as error:
            problems.append(f"In the link: {in_words(str(error))}")
    return view, problems


def _read_plans(given: object) -> tuple[Plan, ...]:
    texts = list(given) if isinstance(given, list | tuple) else []
    if len(texts) != 1 or len(texts[0]) > 2 * LONGEST_PLANS:
        raise InvalidValue(f"plans must be given once, in at most {2 * LONGEST_PLANS:,} characters, but is not.")
    return plans_from_document(parse_document(f'{{"plans":{texts[0]}}}'.encode("utf-8", "replace"))).plans


def current(sent: Sent, base: Base) -> PlanView:
    """Returns the session's view, after the URL if the visitor came by a link; numbers that do not fit are dropped."""
    view = LINK.follow(sent, lambda sent, view: read_link(sent, view, base))
    kept, problems = fitting(view.overrides, base)
    if problems:
        LINK.note(f"{problems[0]} So your numbers were set back to this dataset's.")
    return LINK.keep(replace(view, overrides=kept))


def current_base() -> Base:
    """Returns the sweep's training on the chosen data; for callbacks. Raises ResultsUnavailable."""
    return base_of(loaders.evidence(state.shown().dataset))


def current_plan(name: str = PLAN_NAME) -> Plan | None:
    """Returns the visitor's plan, None without DP; for callbacks. Raises DpcoreError."""
    bar = state.shown()
    overrides = LINK.shown().overrides
    return make_plan(overrides, current_base(), epsilon=bar.epsilon, counted=bar.counted, name=name)


def current_setting() -> Setting:
    """Returns the visitor's plan without its budget. Raises DpcoreError."""
    return make_setting(LINK.shown().overrides, current_base(), state.shown().counted)


def take_number(name: str, text: str) -> None:
    """Takes a typed number over, or keeps the last good one and says why; for callbacks."""
    view = LINK.shown()
    try:
        wanted = {**view.overrides, name: FIELDS[name].parse(text)}
        for one, other in (("epochs", "steps"), ("steps", "epochs")):
            if name == one and text.strip():
                wanted.pop(other, None)
        kept, problems = fitting(wanted, current_base())
        if problems:
            raise InvalidValue(problems[0])
    except InvalidValue as error:
        LINK.refuse(f"{error} Nothing was changed.")
        return
    LINK.change(replace(view, overrides=kept))


def add_plan(name: str) -> None:
    """Puts the visitor's plan beside the others; raises DpcoreError."""
    view = LINK.shown()
    plan = current_plan(name)
    if plan is None:
        raise InvalidValue("ε must be a number for a plan to compare, but is “no DP”.")
    if len(view.compared) >= MOST_PLANS:
        raise InvalidValue(f"Plans must be at most {MOST_PLANS} side by side: remove one first.")
    take_plans((*view.compared, plan))


def take_plans(plans: tuple[Plan, ...]) -> None:
    """Shows plans side by side; raises InvalidValue for too many or two of the same name."""
    if plans:
        PlanFile(plans=plans)
    LINK.change(replace(LINK.shown(), compared=plans))
