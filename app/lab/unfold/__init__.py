"""A link to a folded section opens it. Only the browser knows which heading an address names (/lab#probe)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

_unfold = st.components.v2.component(
    "sleepviz_unfold",
    html='<i class="unfold"></i>\n',
    css=".unfold { display: none; }\n",
    js=(Path(__file__).parent / "unfold.js").read_text(encoding="utf-8"),
)


def watch(anchors: Sequence[str], on_named: Callable[[str], None], *, key: str) -> None:
    """Call `on_named` with one of `anchors` when the address names it: on opening a link, and on a click on one."""
    _unfold(key=key, data={"anchors": list(anchors)}, on_named_change=lambda: _tell(key, on_named))


def _tell(key: str, on_named: Callable[[str], None]) -> None:
    named = st.session_state[key].named
    if isinstance(named, str):
        on_named(named)
