"""Runs the page again when its theme changes: plots carry their inks with them, and Streamlit tells of a new theme
only with the next run of the script. Nothing is drawn.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_watch = st.components.v2.component(
    "sleepviz_theme_watch",
    html='<i class="watch"></i>\n',
    css=".watch { display: none; }\n",
    js=(Path(__file__).parent / "watch.js").read_text(encoding="utf-8"),
)


def show() -> None:
    """Mount it; what it sends is only the reason to run again."""
    _watch(key="theme_watch", on_scheme_change=lambda: None)
