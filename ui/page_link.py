"""A page's own part of the URL, beside what the control bar puts there: kept in the session, hostile parts refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import streamlit as st

from ui.controls import control_bar
from ui.epsilon import quoted
from ui.finding import Finding
from ui.text import plain

Sent = Mapping[str, Sequence[str]]
View = TypeVar("View")


@dataclass(frozen=True, kw_only=True)
class PageLink(Generic[View]):
    """What a page shows beyond the control bar, as a view, in the session and in the URL."""

    #: Names the page's keys in the session.
    page: str
    parameters: tuple[str, ...]
    default: View

    def sent(self) -> dict[str, list[str]]:
        """Returns this page's part of the URL. Read it before the control bar, which may rewrite the URL."""
        return {name: st.query_params.get_all(name) for name in self.parameters if name in st.query_params}

    def shown(self) -> View:
        """Returns the view of the last run; for callbacks."""
        view: View = st.session_state.get(self._key("view"), self.default)
        return view

    def follow(self, sent: Sent, read: Callable[[Sent, View], tuple[View, list[str]]]) -> View:
        """Returns the session's view, after the URL if the visitor came by a link."""
        state, view = st.session_state, self.shown()
        # A widget moved just now knows better than the URL, which may be one move behind.
        if not state.pop(self._key("touched"), False) and sent and sent != state.get(self._key("link")):
            view, problems = read(sent, view)
            self.note(" ".join([*problems, "That part of the link was ignored."]) if problems else "")
        return self.keep(view)

    def keep(self, view: View) -> View:
        """Takes a view over as it is."""
        st.session_state[self._key("view")] = view
        return view

    def change(self, view: View) -> None:
        """Takes over a view that a widget asked for; for callbacks."""
        self.keep(view)
        self.refuse("")

    def refuse(self, sentence: str) -> None:
        """Keeps the last good view and says why; for callbacks."""
        self.note(sentence)
        st.session_state[self._key("touched")] = True

    def note(self, sentence: str) -> None:
        """Keeps a sentence for the next run to show."""
        st.session_state[self._key("notice")] = sentence

    def notice(self) -> str:
        """Returns the sentence about the last refused input, or nothing."""
        return str(st.session_state.get(self._key("notice"), ""))

    def write(self, wanted: Mapping[str, str]) -> None:
        """Puts the view's parameters into the URL beside those of others."""
        written = {name: [value] for name, value in wanted.items()}
        # As in `state.write_link`: an address sent before this one may still be on its way to the browser.
        on_its_way = st.session_state.get(self._key("link"), written) != written
        if on_its_way or self.sent() != written:
            others = {name: st.query_params.get_all(name) for name in st.query_params if name not in self.parameters}
            st.query_params.from_dict({**others, **written})
        st.session_state[self._key("link")] = written

    def _key(self, what: str) -> str:
        return f"{self.page}_{what}"


def linked_bar(
    link: PageLink[View],
    read: Callable[[Sent, View], tuple[View, list[str]]],
    write: Callable[[View], Mapping[str, str]],
) -> tuple[Finding, View]:
    """Shows the control bar and returns the finding and the page's own view; raises ResultsUnavailable."""
    sent = link.sent()
    finding = control_bar()
    view = link.follow(sent, read)
    if sentence := link.notice():
        st.warning(plain(sentence), icon=":material/info:")
    link.write(write(view))
    return finding, view


def read_choice(sent: Sent, name: str, choices: Mapping[str, Any], problems: list[str], *, rule: str = "") -> Any:
    """Returns what a parameter means; None where it is absent, or refused by a sentence added to `problems`."""
    values = sent.get(name, ())
    if len(values) > 1:
        problems.append(f"In the link: {name} must be given once, but is given {len(values)} times.")
    elif values and values[0] in choices:
        return choices[values[0]]
    elif values:
        rule = rule or f"one of {', '.join(choices)}"
        problems.append(f"In the link: {name} must be {rule}, but is {quoted(values[0])}.")
    return None
