"""What measured entries say, in numbers: a share with its interval, and how hard a question N passes solve."""

from __future__ import annotations

from collections.abc import Sequence

from app.figures.percent import percent
from app.shell.results import Result

WHOLE = 1e-6  # so near to a whole number a count is one, but for rounding
NOT_QUITE = {"0.0": "under 0.1", "100.0": "over 99.9"}


def reach(measured: Sequence[Result], passes: int, solved: float) -> int | None:
    """The difficulty up to which, from the easiest on, N passes give at least the share `solved` of right answers."""
    reached = None
    for entry in sorted((e for e in measured if e.passes == passes), key=lambda entry: entry.difficulty):
        if entry.accuracy < solved:
            break
        reached = entry.difficulty
    return reached


def right_of(entry: Result) -> str:
    """Write "484 of 512"; or "94.6 % of 512" where the share is a mean over the parts of an instance, and no count.

    All and none are only said where they are exact.
    """
    right = entry.accuracy * entry.n
    if abs(right - round(right)) < WHOLE:
        return f"{round(right)} of {entry.n}"
    text = percent(entry.accuracy)
    return f"{NOT_QUITE.get(text, text)}\u00a0% of {entry.n}"


def points(entry: Result) -> str:
    """Write an accuracy as "94.6 %"."""
    return f"{percent(entry.accuracy)} %"


def share(entry: Result) -> str:
    """Write an accuracy with its interval: "94.6 % (92.3–96.2)"."""
    return f"{points(entry)} ({percent(entry.low)}–{percent(entry.high)})"
