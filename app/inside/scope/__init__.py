"""The microscope: every picture of one head, moved together by one slider over the passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from app import player
from app.inside import inside_text as text

_HERE = Path(__file__).parent
_scope = st.components.v2.component(
    "sleepviz_scope",
    html=(_HERE / "scope.html").read_text(encoding="utf-8"),
    css=(_HERE / "scope.css").read_text(encoding="utf-8"),
    js="\n".join([player.drawing_script(), (_HERE / "scope.js").read_text(encoding="utf-8")]),
)


def show(runs: Sequence[dict[str, Any]], *, at: int, key: str, on_pass: Callable[[int], None]) -> None:
    """Mount the microscope over one run or two; `at` is the pass in sight, from 1. `on_pass` hears of another."""

    def changed() -> None:
        given = getattr(st.session_state[key], "pass", None)
        if isinstance(given, int | float):
            on_pass(int(given))

    words = {"pass": text.PASS, "pictures": text.PICTURES, "other_shape": text.OTHER_SHAPE}
    _scope(key=key, data={"runs": list(runs), "at": at, "words": words}, on_pass_change=changed)
