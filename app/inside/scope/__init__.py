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


def show(runs: Sequence[dict[str, Any]], *, plane: str, at: int, key: str, on_pass: Callable[[int], None]) -> None:
    """Mount the microscope over one run or two; `at` is the pass in sight, from 1. `on_pass` hears of another.

    `plane` says whose plane the way of S and of h is drawn in. What one of the runs does not let one see is left out.
    """

    def moved() -> tuple[int, int]:
        """The pass that the slider was moved to last, and how many moves the page has heard of; 0 and 0 at first."""
        given = getattr(st.session_state.get(key), "moved", None)
        numbers = (given.get("pass"), given.get("moves")) if isinstance(given, dict) else ()
        whole = [int(each) for each in numbers if isinstance(each, int | float)]
        return (whole[0], whole[1]) if len(whole) == 2 else (0, 0)

    def changed() -> None:
        if moved()[0]:
            on_pass(moved()[0])

    pictures = {**text.PICTURES, "path": (text.PICTURES["path"][0], plane)}
    if not all(run["decay"] for run in runs):
        pictures = {name: words for name, words in pictures.items() if name not in ("tokens", "wrote")}
    if not any(run["attended"] for run in runs):
        pictures = {name: words for name, words in pictures.items() if name != "attention"}
    words = {"pass": text.PASS, "pictures": pictures, "other_shape": text.OTHER_SHAPE}
    data = {"runs": list(runs), "at": at, "heard": moved()[1], "words": words}
    _scope(key=key, data=data, on_moved_change=changed)
