"""Tokens with their keys and values: typed by the visitor without end, or read with a slider until a window is full."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_cache = st.components.v2.component(
    "sleepviz_cache",
    html=(_HERE / "cache.html").read_text(encoding="utf-8"),
    css=(_HERE / "cache.css").read_text(encoding="utf-8"),
    js=(_HERE / "cache.js").read_text(encoding="utf-8"),
)


def typed(words: Mapping[str, str], *, goal: int, key: str, on_done: Callable[[], None]) -> None:
    """A line to type in; `on_done` is called once `goal` words stand in it."""
    _cache(key=key, data={"kind": "typed", "words": dict(words), "goal": goal}, on_done_change=on_done)


def read(
    tokens: Sequence[str], words: Mapping[str, str], *, is_full: bool, key: str, on_done: Callable[[], None]
) -> None:
    """A slider that reads the window's tokens; `on_done` is called once all are read. `is_full` starts at the end."""
    data = {"kind": "read", "words": dict(words), "goal": len(tokens), "tokens": list(tokens), "is_full": is_full}
    _cache(key=key, data=data, on_done_change=on_done)
