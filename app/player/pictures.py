"""The picture of a run: its task's own, or that of a text. Nothing else in the player knows the task."""

from __future__ import annotations

from app.player.document import DocumentPicture
from app.tasks import PAGES
from app.tasks.base import Picture
from sleepviz.config.events import Trace
from sleepviz.text import example


def picture_of(trace: Trace) -> Picture:
    """The picture of the run's task."""
    task = trace.spec["task"]
    return DocumentPicture(trace) if task == example.TASK else PAGES[task].picture(trace)
