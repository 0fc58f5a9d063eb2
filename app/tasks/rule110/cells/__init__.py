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

    def clicked() -> None:
        new = getattr(st.session_state[key], "row", None)
        # The browser is not trusted: only a row of the same length made of 0 and 1 is taken over.
        if isinstance(new, str) and len(new) == len(row) and not set(new) - {"0", "1"}:
            on_change(new)

    _cells(key=key, data={"row": row, "label": label}, on_row_change=clicked)
