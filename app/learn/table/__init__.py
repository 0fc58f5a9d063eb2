"""A table S of four by four that the visitor writes by key and reads by key. The arithmetic is in delta.js."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent
HALF, REST = 0.5, 0.5**0.5

# Unit vectors. Yellow lies between red and green, with a part of its own: its key overlaps theirs by one half.
KEYS: dict[str, tuple[float, float, float, float]] = {
    "red": (1, 0, 0, 0),
    "green": (0, 1, 0, 0),
    "yellow": (HALF, HALF, REST, 0),
    "blue": (0, 0, 0, 1),
}
VALUES: dict[str, tuple[float, float, float, float]] = {
    "apple": (1, 0, 0, 0),
    "pear": (0, 1, 0, 0),
    "lemon": (0, 0, 1, 0),
    "plum": (0, 0, 0, 1),
}

_table = st.components.v2.component(
    "sleepviz_table",
    html=(_HERE / "table.html").read_text(encoding="utf-8"),
    css=(_HERE / "table.css").read_text(encoding="utf-8"),
    js="\n".join((_HERE / name).read_text(encoding="utf-8") for name in ("delta.js", "table.js")),
)


def show(words: Mapping[str, Any], *, is_done: bool, key: str, on_done: Callable[[], None]) -> None:
    """Draw S and what is to be written; `on_done` is called when the last write has been made."""
    data = {"keys": KEYS, "values": VALUES, "words": dict(words), "is_done": is_done}
    _table(key=key, data=data, on_done_change=on_done)
