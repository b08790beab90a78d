"""What the live lab shows beyond the control bar: in the session and in the URL. Never who the visitor is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from dpcore.errors import InvalidValue
from dpcore.settings import models_for
from ui.epsilon import quoted
from ui.fields import link_fields, read_fields
from ui.lab_setting import FIELDS, Base, fitting, read_model
from ui.page_link import PageLink, Sent

#: As `JobStore.submit` makes them.
_JOB_ID = re.compile(r"[A-Za-z0-9_-]{8,40}")


@dataclass(frozen=True, kw_only=True)
class LabView:
    """What this page shows beyond the control bar."""

    overrides: Mapping[str, float] = field(default_factory=dict)
    #: Empty for the sweep's own.
    model: str = ""
    #: The job to look at; empty for the newest of one's own.
    run: str = ""


LINK = PageLink(page="lab", parameters=(*FIELDS, "model", "run"), default=LabView())


def link_parameters(view: LabView) -> dict[str, str]:
    """Returns the query parameters that lead back to the view; defaults are left out."""
    wanted = link_fields(view.overrides, FIELDS)
    for name in ("model", "run"):
        if value := getattr(view, name):
            wanted[name] = value
    return wanted


def read_link(sent: Sent, view: LabView, base: Base) -> tuple[LabView, list[str]]:
    """Returns the view a link asks for, and a sentence for each part that cannot be used."""
    overrides, problems = read_fields(sent, FIELDS)
    model, more = read_model(sent, base)
    kept, model, unfit = fitting(overrides, model, base)
    problems += more + [f"In the link: {sentence}" for sentence in unfit]
    if any(name in sent for name in (*FIELDS, "model")):
        view = replace(view, overrides=kept, model=model)
    runs = sent.get("run", ())
    if len(runs) == 1 and _JOB_ID.fullmatch(runs[0]):
        view = replace(view, run=runs[0])
    elif runs:
        said = quoted(runs[0]) if len(runs) == 1 else f"given {len(runs)} times"
        problems.append(f"In the link: run must be the address of one run as this page writes it, but is {said}.")
    return view, problems


def current(sent: Sent, base: Base) -> LabView:
    """Returns the session's view, after the URL if the visitor came by a link; what does not fit is dropped."""
    view = LINK.follow(sent, lambda sent, view: read_link(sent, view, base))
    kept, model, problems = fitting(view.overrides, view.model, base)
    if problems:
        LINK.note(f"{problems[0]} So your settings were set back to this dataset's.")
    return LINK.keep(replace(view, overrides=kept, model=model))


def take_number(name: str, text: str, base: Base) -> None:
    """Takes a typed number over, or keeps the last good one and says why; for callbacks."""
    view = LINK.shown()
    try:
        kept, model, problems = fitting({**view.overrides, name: FIELDS[name].parse(text)}, view.model, base)
        if problems:
            raise InvalidValue(problems[0])
    except InvalidValue as error:
        LINK.refuse(f"{error} Nothing was changed.")
        return
    LINK.change(replace(view, overrides=kept, model=model))


def take_model(model: str, base: Base) -> None:
    """Takes a model over, if it can learn this dataset's task; for callbacks."""
    view = LINK.shown()
    if model in models_for(base.spec):
        LINK.change(replace(view, model="" if model == base.training.model else model))


def reset() -> None:
    """Goes back to the sweep's training; for callbacks."""
    LINK.change(replace(LINK.shown(), overrides={}, model=""))


def show_run(job: str) -> None:
    """Looks at a job; for callbacks."""
    LINK.change(replace(LINK.shown(), run=job))
