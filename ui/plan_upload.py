"""Files that a visitor opens: bounded, read once, and refused in one sentence with nothing lost."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dpcore.errors import DpcoreError, InvalidValue
from dpcore.planner.documents import LARGEST_FILE
from ui.plan_setting import in_words
from ui.text import plain


def uploader(words: str, *, key: str, take: Callable[[bytes], str]) -> None:
    """Offers to open a file and says what became of it; `take` returns a sentence or raises InvalidValue."""
    st.file_uploader(
        f"{words} (JSON or TOML, at most {LARGEST_FILE // 1024} kB)",
        type=["json", "toml"],
        max_upload_size=1,
        key=key,
        on_change=_taken,
        args=(key, take),
    )
    good, sentence = st.session_state.get(f"{key}_said", (True, ""))
    if sentence:
        (st.success if good else st.warning)(plain(sentence), icon=":material/info:")


def _taken(key: str, take: Callable[[bytes], str]) -> None:
    file = st.session_state.get(key)
    if file is None:
        st.session_state[f"{key}_said"] = (True, "")
        return
    try:
        if file.size > LARGEST_FILE:
            raise InvalidValue(
                f"The file must have at most {LARGEST_FILE // 1024} kB, but has {file.size / 1024:,.0f} kB."
            )
        said = (True, take(file.getvalue()))
    except DpcoreError as error:
        said = (False, f"{in_words(str(error))} Nothing was changed.")
    st.session_state[f"{key}_said"] = said
