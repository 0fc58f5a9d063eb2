"""What a question asks, as one picture: a start, so many steps in a row, and at the end what is asked."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_chain = st.components.v2.component(
    "sleepviz_chain",
    html='<p class="chain" role="img"></p>\n',
    css=(_HERE / "chain.css").read_text(encoding="utf-8"),
    js=(_HERE / "chain.js").read_text(encoding="utf-8"),
)


def show(start: str, unit: str, count: int, *, key: str) -> None:
    """Draw `count` links called `unit` from `start` to a question mark. The middle of a long chain is left out."""
    _chain(key=key, data={"start": start, "unit": unit, "count": count, "label": in_words(start, unit, count)})


def in_words(start: str, unit: str, count: int) -> str:
    """The picture in one sentence, for a screen reader."""
    if count == 0:
        return f"From {start}, no {unit}: the question asks for the start itself."
    steps = f"1 {unit}" if count == 1 else f"{count} {unit}s in a row"
    return f"From {start}, {steps}: what is at the end?"
