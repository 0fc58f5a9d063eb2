"""How hard a question a number of passes solves."""

from __future__ import annotations

from collections.abc import Sequence

from app.figures.percent import NEARLY_ALWAYS
from app.shell.results import Result


def reach(measured: Sequence[Result], passes: int) -> int | None:
    """The difficulty up to which, from the easiest on, N passes are right at least 95 times in 100."""
    reached = None
    for entry in sorted((e for e in measured if e.passes == passes), key=lambda entry: entry.difficulty):
        if entry.accuracy < NEARLY_ALWAYS:
            break
        reached = entry.difficulty
    return reached
