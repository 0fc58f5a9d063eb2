"""The theatre: one component that plays a run on one clock. It draws what `payload` gives it, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from app.explain import architecture
from app.player.payload import Contender, player_payload

__all__ = ["Contender", "Start", "drawing_script", "player_payload", "script", "show"]

_HERE = Path(__file__).parent
PLACE = ("layer", "head", "window", "pass")  # of a head of S, as the player posts it
_TASKS = _HERE.parent / "tasks"


@dataclass(frozen=True)
class Start:
    """Where a run begins: at an event, counted from 0, or at an act of a window, and there at a pass from 1 on."""

    event: int | None = None
    act: Literal["read", "full", "asleep", "clear", "answer"] = "read"
    window: int = 0
    pass_number: int = 1
    speed: float = 1.0
    paused: bool = False

    def to_json(self) -> dict[str, Any]:
        """As the script reads it."""
        place = {"act": self.act, "window": self.window, "pass": self.pass_number}
        return {**(place if self.event is None else {"event": self.event}), "speed": self.speed, "paused": self.paused}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def drawing_script() -> str:
    """What any picture draws with: inks, lines and marks, the colours of S, and values read by pointer and keyboard."""
    return "\n".join(_text(_HERE / name) for name in ("draw.js", "holds.js", "probe.js"))


def script() -> str:
    """One module: what all pictures draw with, every picture, and last the player, which is the default export.

    Each picture stands in a block of its own, so that two of them may use the same name.
    """
    names = ("draw.js", "strip.js", "holds.js", "graph.js", "grid.js", "answers.js", "probe.js", "prose.js")
    pictures = (_text(path) for path in (_HERE / "document.js", *sorted(_TASKS.glob("*/picture.js"))))
    shared = (_text(_HERE / name) for name in names)
    return "\n".join([architecture.JS, *shared, *(f"{{\n{each}}}" for each in pictures), _text(_HERE / "player.js")])


# Registered once, at import: registering in every script run would remount the component.
_player = st.components.v2.component(
    "sleepviz_player",
    html=_text(_HERE / "player.html"),
    css=f"{architecture.CSS}\n{_text(_HERE / 'player.css')}",
    js=script(),
)


def show(
    payload: dict[str, Any],
    *,
    key: str = "player",
    start: Start | None = None,
    stale: str = "",
    presented: bool = False,
    locked: bool = False,
    layers: Sequence[str] = (),
    inside: bool = False,
    on_present: Callable[[bool], None] | None = None,
) -> dict[str, int] | None:
    """Mount the player, or hand it a new run. The key keeps it mounted while the data changes.

    `stale` says in a few words why this run is not the one that is asked for; the run is then greyed.
    `presented` fills the window with the stage; `on_present` hears when the visitor turns that on or off.
    `locked` leaves out the button that does so. `layers` are the model's layer types: with them the model is drawn,
    and the parts that take part in each act are lit. With `inside` the visitor may look into a head of S: then the
    layer, head, window and pass that were pointed at are returned, each from 1.
    """

    def changed() -> None:
        if on_present is not None:
            on_present(getattr(st.session_state[key], "view", "") == "present")

    data = {
        "run": payload,
        "start": (start or Start()).to_json(),
        "stale": stale,
        "view": "present" if presented else "",
        "locked": locked,
        "architecture": architecture.drawing(layers) if layers else None,
        "inside": inside,
    }
    told = _player(key=key, data=data, on_view_change=changed, on_inside_change=lambda: None)
    place = getattr(told, "inside", None)
    return {name: int(place[name]) for name in PLACE} if isinstance(place, dict) and set(place) == set(PLACE) else None
