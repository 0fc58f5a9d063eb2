"""The bar under a figure or a table: save the picture, save the numbers, copy what leads back to them.

Everything is made in the browser: the picture by Plotly itself, the files from the records handed over here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import streamlit as st

from app.shell.results import Cost, Result

_HERE = Path(__file__).parent
_keep = st.components.v2.component(
    "sleepviz_keep",
    html=(_HERE / "keep.html").read_text(encoding="utf-8"),
    css=(_HERE / "keep.css").read_text(encoding="utf-8"),
    js=(_HERE / "keep.js").read_text(encoding="utf-8"),
)
PLOTLY_CONFIG: Mapping[str, Any] = {"displayModeBar": True, "displaylogo": False, "modeBarButtons": [["toImage"]]}
"""For every figure with a bar: its hidden button is what makes the picture."""


def show(
    entries: Sequence[Result], *, file: str, key: str, picture: str = "", anchor: str = "", copies: Mapping[str, str]
) -> None:
    """Draw the bar.

    `file` names what is saved, without an ending. `picture` is the key of a Plotly chart on the page; "": none.
    `anchor` is the heading that the copied link leads to. `copies` are further texts to copy, by their button.
    """
    columns, rows = records(entries)
    _keep(
        key=key,
        data={
            "file": file,
            "picture": picture,
            "anchor": anchor,
            "columns": columns,
            "rows": rows,
            "copies": [{"label": label, "text": text} for label, text in copies.items()],
        },
    )


def records(entries: Sequence[Result]) -> tuple[list[str], list[list[Any]]]:
    """The entries as a table: names of columns, and one row an entry; columns that no entry fills are left out."""
    plain = [field.name for field in fields(Result) if field.name != "cost"]
    flat = [
        {**{name: getattr(entry, name) for name in plain}, **(asdict(entry.cost) if entry.cost else {})}
        for entry in entries
    ]
    names = [*plain, *(field.name for field in fields(Cost))]
    if not any(entry.threshold for entry in entries):
        names.remove("threshold")
    filled = [name for name in names if any(each.get(name) not in (None, "") for each in flat)]
    return filled, [[each.get(name) for name in filled] for each in flat]
