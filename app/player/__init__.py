"""The theatre: one component that plays a run on one clock. It draws what `payload` gives it, nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from app.player.payload import Contender, player_payload

__all__ = ["Contender", "player_payload", "script", "show"]

_HERE = Path(__file__).parent
_TASKS = _HERE.parent / "tasks"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def script() -> str:
    """One module: what all pictures draw with, every picture, and last the player, which is the default export.

    Each picture stands in a block of its own, so that two of them may use the same name.
    """
    shared = (_text(_HERE / name) for name in ("draw.js", "graph.js"))
    pictures = (_text(path) for path in (_HERE / "document.js", *sorted(_TASKS.glob("*/picture.js"))))
    return "\n".join([*shared, *(f"{{\n{each}}}" for each in pictures), _text(_HERE / "player.js")])


# Registered once, at import: registering in every script run would remount the component.
_player = st.components.v2.component(
    "sleepviz_player",
    html=_text(_HERE / "player.html"),
    css=_text(_HERE / "player.css"),
    js=script(),
)


def show(payload: dict[str, Any], *, key: str = "player") -> None:
    """Mount the player, or hand it a new run. The key keeps it mounted while the data changes."""
    _player(key=key, data=payload)
