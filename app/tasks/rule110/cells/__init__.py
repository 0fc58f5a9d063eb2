"""A row of cells to click: each is a toggle button. The typed text stays the one source of the row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_cells = st.components.v2.component(
    "sleepviz_cells",
    html='<div class="cells" role="group"></div>\n',
    css=(_HERE / "cells.css").read_text(encoding="utf-8"),
    js=(_HERE / "cells.js").read_text(encoding="utf-8"),
)


def show(row: str, *, key: str, label: str, on_change: Callable[[str], None]) -> None:
    """Draw `row`; a click hands the new row to `on_change`, as if it had been typed."""

    heard = f"{key}_heard"  # how many clicks the page has heard of

    def clicked() -> None:
        given = getattr(st.session_state[key], "clicked", None)
        new, clicks = (given.get("row"), given.get("clicks")) if isinstance(given, dict) else (None, None)
        # The browser is not trusted: only a row of the same length made of 0 and 1 is taken over.
        if isinstance(new, str) and len(new) == len(row) and not set(new) - {"0", "1"}:
            on_change(new)
        if isinstance(clicks, int | float):
            st.session_state[heard] = int(clicks)

    data = {"row": row, "label": label, "heard": st.session_state.get(heard, 0)}
    _cells(key=key, data=data, on_clicked_change=clicked)
