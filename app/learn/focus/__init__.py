"""Moves the focus to the step's sentence when a new step opens, so that a keyboard goes on from there."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_focus = st.components.v2.component(
    "sleepviz_focus",
    html='<i class="focus"></i>\n',
    css=".focus { display: none; }\n",
    js=(Path(__file__).parent / "focus.js").read_text(encoding="utf-8"),
)


def on_change(value: int, *, target: str, key: str) -> None:
    """Focus the container with the key `target` whenever `value` is another than in the run before."""
    _focus(key=key, data={"value": value, "target": target})
