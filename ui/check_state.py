"""The configuration a visitor looks at, and what was made of it. In the session only: it may be confidential."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from dpcore.checker import LARGEST_FILE, Verdict, check, read_configuration, recognise
from dpcore.checker.examples import EXAMPLES
from dpcore.checker.lines import Line, find_lines
from dpcore.errors import DpcoreError, InvalidValue

#: The text area; it forgets on other pages, so what it held is kept beside it.
TEXT = "check_text"
_KEPT, _NAME, _NOTICE, _READING, _UPLOADS = "check_kept", "check_name", "check_notice", "check_reading", "check_uploads"


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """A text and what was found in it: a verdict, or the one sentence that says why there is none."""

    text: str
    #: The file's name; empty for typed text.
    name: str
    verdict: Verdict | None = None
    problem: str = ""
    tree: dict[str, Any] = field(default_factory=dict)
    #: By path, of the fields that were used.
    lines: dict[str, Line] = field(default_factory=dict)


def read(text: str, name: str) -> Reading:
    """Returns what a configuration is found to be; never raises for what is in it."""
    try:
        tree = read_configuration(text, name=name)
        verdict = check(recognise(tree))
    except DpcoreError as error:
        return Reading(text=text, name=name, problem=str(error))
    paths = [path for _, path in verdict.claim.origins]
    return Reading(text=text, name=name, verdict=verdict, tree=tree, lines=find_lines(text, tree, paths, name=name))


def reading() -> Reading | None:
    """Returns what the visitor's text is found to be; None without one."""
    state = st.session_state
    text, name = str(state.get(TEXT) or ""), str(state.get(_NAME, ""))
    state[_KEPT] = text
    if not text.strip():
        return None
    found: Reading | None = state.get(_READING)
    if found is None or (found.text, found.name) != (text, name):
        found = state[_READING] = read(text, name)
    return found


def restore() -> None:
    """Gives the text area back what it held before the visitor went to another page; call before it is drawn."""
    if TEXT not in st.session_state:
        st.session_state[TEXT] = st.session_state.get(_KEPT, "")


def name() -> str:
    """Returns the name of the file or example that is shown unchanged; empty for typed text."""
    return str(st.session_state.get(_NAME, ""))


def notice() -> str:
    """Returns the sentence about the last upload that was refused, or nothing."""
    return str(st.session_state.get(_NOTICE, ""))


def upload_key() -> str:
    """Returns the uploader's key: a new one after each file, so that it is empty again."""
    return f"check_upload_{st.session_state.get(_UPLOADS, 0)}"


def typed() -> None:
    """The text was changed by hand: it is no longer that file, so its content tells the format."""
    _show(st.session_state.get(TEXT) or "", "")


def take_example(file: str) -> None:
    """Puts a worked example in place of the text."""
    example = next(example for example in EXAMPLES if example.file == file)
    _show(example.read(), example.file)


def take_upload() -> None:
    """Puts an uploaded file in place of the text, or keeps the text and says why not."""
    state = st.session_state
    uploaded = state.get(upload_key())
    if uploaded is None:
        return
    try:
        _show(_text_of(uploaded.getvalue()), uploaded.name)
    except InvalidValue as error:
        state[_NOTICE] = f"{error} The text above is as it was."
    state[_UPLOADS] = state.get(_UPLOADS, 0) + 1


def clear() -> None:
    """Empties the page."""
    _show("", "")
    st.session_state.pop(_READING, None)


def _text_of(content: bytes) -> str:
    if len(content) > LARGEST_FILE:
        raise InvalidValue(f"The file must have at most {LARGEST_FILE // 1024} kB, but has more.")
    try:
        text = content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeError:
        raise InvalidValue("The file must be text in UTF-8, but holds other bytes.") from None
    if "\x00" in text:
        raise InvalidValue("The file must be plain text, but holds a control character.")
    if not text.strip():
        raise InvalidValue("The file must hold a configuration, but is empty.")
    return text.replace("\r\n", "\n")


def _show(text: str, name: str) -> None:
    st.session_state.update({TEXT: text, _NAME: name, _NOTICE: ""})
