"""A graph to click together: every click appends the next node of one cycle, until the cycle is closed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeGuard

import streamlit as st

_HERE = Path(__file__).parent
_ring = st.components.v2.component(
    "sleepviz_ring",
    html=(_HERE / "ring.html").read_text(encoding="utf-8"),
    css=(_HERE / "ring.css").read_text(encoding="utf-8"),
    js=(_HERE / "ring.js").read_text(encoding="utf-8"),
)


def show(names: Sequence[str], *, least: int, key: str, on_close: Callable[[Sequence[str]], None]) -> None:
    """Draw a button for each name; closing a cycle of at least `least` nodes hands their order to `on_close`."""

    def closed() -> None:
        order = getattr(st.session_state[key], "order", None)
        if is_cycle(order, names, least):
            on_close(order)

    _ring(key=key, data={"names": list(names), "least": least}, on_order_change=closed)


def is_cycle(order: object, names: Sequence[str], least: int) -> TypeGuard[list[str]]:
    """The browser is not trusted: only different names that were offered, and enough of them, are a cycle."""
    if not isinstance(order, list) or not all(isinstance(name, str) for name in order):
        return False
    return least <= len(order) == len(set(order)) and set(order) <= set(names)
