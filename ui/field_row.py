"""Numbers to type, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import streamlit as st

from ui import echo
from ui.fields import Field


def number_fields(
    fields: Iterable[Field],
    texts: Mapping[str, str],
    *,
    prefix: str,
    keep_typed: bool,
    take: Callable[[str], None],
) -> None:
    """Shows a text input for each field; its key is `prefix` and the field's name.

    Args:
        fields: in their order.
        texts: what each field shows, by name.
        prefix: of the keys in the session.
        keep_typed: whether what was typed stays, because it was refused and is to be mended.
        take: callback that takes over what was typed into the field of that name.
    """
    for field in fields:
        key = prefix + field.name
        if not keep_typed or key not in st.session_state:
            echo.put(key, texts[field.name])
        st.text_input(
            field.label,
            key=key,
            max_chars=40,
            placeholder=field.placeholder or None,
            help=f"{field.help} {field.rule.capitalize()}.".strip(),
            on_change=take,
            args=(field.name,),
        )
