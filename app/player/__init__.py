"""The theatre: one component that plays a run on one clock. It draws what `payload` gives it, nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from app.player.payload import Contender, player_payload

__all__ = ["Contender", "player_payload", "show"]

_HERE = Path(__file__).parent


def _text(*names: str) -> str:
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)


# The task folders' halves of the drawing.
_PICTURES = tuple(path.read_text(encoding="utf-8") for path in sorted(_HERE.parent.glob("tasks/*/picture.js")))

# Registered once, at import: registering in every script run would remount the component.
_player = st.components.v2.component(
    "sleepviz_player",
    html=_text("player.html"),
    css=_text("player.css"),
    # One module: drawing first, then the default export.
    js="\n".join((_text("draw.js", "graph.js", "document.js"), *_PICTURES, _text("player.js"))),
)


def show(payload: dict[str, Any], *, key: str = "player") -> None:
    """Mount the player, or hand it a new run. The key keeps it mounted while the data changes."""
    _player(key=key, data=payload)
