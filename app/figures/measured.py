"""What measured entries say, in numbers: a share with its interval, and how hard a question N passes solve."""

from __future__ import annotations

from collections.abc import Sequence

from app.figures.percent import percent
from app.shell.results import Result


def reach(measured: Sequence[Result], passes: int, solved: float) -> int | None:
    """The difficulty up to which, from the easiest on, N passes give at least the share `solved` of right answers."""
    reached = None
    for entry in sorted((e for e in measured if e.passes == passes), key=lambda entry: entry.difficulty):
        if entry.accuracy < solved:
            break
        reached = entry.difficulty
    return reached


def points(entry: Result) -> str:
    """Write an accuracy as "94.6 %"."""
    return f"{percent(entry.accuracy)} %"


def share(entry: Result) -> str:
    """Write an accuracy with its interval: "94.6 % (92.3–96.2)"."""
    return f"{points(entry)} ({percent(entry.low)}–{percent(entry.high)})"
