"""Rule 110 as eight small pictures: three bits above decide the bit below them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from sleepviz.tasks.rule110.task import next_rows

_HERE = Path(__file__).parent
_rule = st.components.v2.component(
    "sleepviz_rule110",
    html='<ul class="rule"></ul>\n',
    css=(_HERE / "rule.css").read_text(encoding="utf-8"),
    js=(_HERE / "rule.js").read_text(encoding="utf-8"),
)


def patterns() -> tuple[tuple[str, str], ...]:
    """The eight patterns of three bits, "111" first, each with the bit that the task's own step puts below it."""
    threes = [f"{number:03b}" for number in range(7, -1, -1)]
    below = next_rows(np.array([[int(bit) for bit in three] for three in threes], dtype=np.uint8))[:, 1]
    return tuple(zip(threes, (str(bit) for bit in below), strict=True))


def show(key: str) -> None:
    """Draw the eight patterns of three cells, each with the cell that it makes."""
    _rule(key=key, data={"patterns": patterns(), "label": "Rule 110: three bits above decide the bit below"})
