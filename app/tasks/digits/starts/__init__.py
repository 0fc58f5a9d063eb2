"""The eight images of a ring as buttons: the pressed one is the start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent
_starts = st.components.v2.component(
    "sleepviz_starts",
    html='<div class="starts" role="group"></div>\n',
    css=(_HERE / "starts.css").read_text(encoding="utf-8"),
    js=(_HERE / "starts.js").read_text(encoding="utf-8"),
)


def show(looks: Sequence[dict[str, Any]], start: int, *, key: str, label: str, on_start: Callable[[int], None]) -> None:
    """Draw the images; a click hands the place of another start, from 0, to `on_start`."""

    def clicked() -> None:
        place = getattr(st.session_state[key], "start", None)
        # The browser is not trusted: only a place of the ring is taken over.
        if isinstance(place, int) and not isinstance(place, bool) and 0 <= place < len(looks):
            on_start(place)

    _starts(key=key, data={"looks": list(looks), "start": start, "label": label}, on_start_change=clicked)
