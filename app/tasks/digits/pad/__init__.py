"""A pad to change the ring: choose an image, then take another one that shows a digit, or draw one pixel by pixel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeGuard

import streamlit as st

from sleepviz.tasks.digits.images import COLUMNS, ROWS

_HERE = Path(__file__).parent
_pad = st.components.v2.component(
    "sleepviz_pad",
    html=(_HERE / "pad.html").read_text(encoding="utf-8"),
    css=(_HERE / "pad.css").read_text(encoding="utf-8"),
    js=(_HERE / "pad.js").read_text(encoding="utf-8"),
)


def show(
    looks: Sequence[dict[str, Any]],
    *,
    key: str,
    on_draw: Callable[[int, str, int], None],
    on_take: Callable[[int, int], None],
) -> None:
    """Draw the pad. `on_draw` gets a place from 0, the pixels row by row and their digit; `on_take` place and digit."""

    def drawn() -> None:
        given = getattr(st.session_state[key], "drawn", None)
        if is_change(given, len(looks)) and is_drawing(given.get("pixels")):
            on_draw(given["place"], given["pixels"], given["digit"])

    def taken() -> None:
        given = getattr(st.session_state[key], "taken", None)
        if is_change(given, len(looks)):
            on_take(given["place"], given["digit"])

    data = {"looks": list(looks), "rows": ROWS, "columns": COLUMNS}
    _pad(key=key, data=data, on_drawn_change=drawn, on_taken_change=taken)


def is_change(given: object, n_images: int) -> TypeGuard[dict[str, Any]]:
    """The browser is not trusted: a change names a place of the ring and a digit from 0 to 9."""
    if not isinstance(given, dict):
        return False
    named = [given.get(name) for name in ("place", "digit")]
    whole = all(isinstance(value, int) and not isinstance(value, bool) for value in named)
    return whole and 0 <= given["place"] < n_images and 0 <= given["digit"] <= 9


def is_drawing(pixels: Any) -> bool:
    """Whether these are all pixels of one image, each 0 or 1."""
    return isinstance(pixels, str) and len(pixels) == ROWS * COLUMNS and not set(pixels) - {"0", "1"}
