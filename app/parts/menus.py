"""A menu of words that the engine knows, written out for a person."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from app.shell.state import Visit


def pick(visit: Visit, name: str, label: str, options: Mapping[str, str], hint: str | None = None) -> str:
    """A menu whose options are the engine's words, written out."""
    key, changed = visit.key(name), visit.forget_link_problems
    chosen = st.selectbox(
        label, tuple(options), format_func=lambda option: options[option], key=key, help=hint, on_change=changed
    )
    return str(chosen)
