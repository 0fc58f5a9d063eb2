"""A task's own picture of a run: what is drawn beside S and drift, and every sentence about its answers.

Pure: no streamlit, no torch. `payload` and `narration` ask these; nothing else knows the task.
"""

from __future__ import annotations

from app.player.document import WordsPicture
from app.tasks.base import Picture, Table
from app.tasks.depo.picture import DepoPicture
from app.tasks.gsm.picture import GsmPicture
from app.tasks.rule110.picture import Rule110Picture
from sleepviz.config.events import Trace

__all__ = ["Picture", "Table", "picture_of"]

_PICTURES: dict[str, type[Rule110Picture | DepoPicture | GsmPicture | WordsPicture]] = {
    "rule110": Rule110Picture,
    "depo": DepoPicture,
    "gsm": GsmPicture,
    "words": WordsPicture,
}


def picture_of(trace: Trace) -> Picture:
    """The picture of the run's task."""
    return _PICTURES[trace.spec["task"]](trace)
