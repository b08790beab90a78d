"""What a visitor chooses on the membership page beyond the control bar: in the session and in the URL."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ui.page_link import PageLink, Sent, read_choice

#: The attacker's belief beforehand, as “1 in so many”.
BEFORE = (1000, 500, 200, 100, 50, 20, 10, 5, 3, 2)
#: What the URL may say; the first is the default and left out.
CHOICES: dict[str, tuple[str, ...]] = {
    "axes": ("log", "linear"),
    "alarm": ("1", "0.1"),
    "before": ("10", *(str(n) for n in BEFORE if n != 10)),
}


@dataclass(frozen=True, kw_only=True)
class MemberView:
    """What this page shows beyond the control bar, spelled as in the URL."""

    axes: str = "log"
    #: False-positive rate of the alarm, per cent.
    alarm: str = "1"
    #: One in so many was the belief beforehand.
    before: str = "10"


LINK = PageLink(page="member", parameters=tuple(CHOICES), default=MemberView())


def link_parameters(view: MemberView) -> dict[str, str]:
    """Returns the query parameters that lead back to the view; defaults are left out."""
    wanted = {name: str(getattr(view, name)) for name in CHOICES}
    return {name: value for name, value in wanted.items() if value != CHOICES[name][0]}


def read_link(sent: Sent, view: MemberView) -> tuple[MemberView, list[str]]:
    """Returns the view a link asks for, and a sentence for each part that cannot be used."""
    problems: list[str] = []
    for name, allowed in CHOICES.items():
        word = read_choice(sent, name, {word: word for word in allowed}, problems)
        if word is not None:
            view = replace(view, **{name: word})
    return view, problems


def change(name: str, value: object) -> None:
    """Takes a choice over if it is one; for callbacks, whose values come from the client."""
    view = LINK.shown()
    if isinstance(value, str) and value in CHOICES[name]:
        view = replace(view, **{name: value})
    LINK.change(view)
