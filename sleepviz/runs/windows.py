"""Where sleep begins: a context cut into windows. Needs no torch, so that a page can count the windows."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from sleepviz.config.base import require
from sleepviz.config.run import Trigger


@dataclass(frozen=True)
class Window:
    """Context tokens [start, stop) that one sleep consolidates, and why it began."""

    start: int
    stop: int
    trigger: str


def cut_windows(
    n_tokens: int, window: int, trigger: Trigger, statement_stops: Sequence[int] = ()
) -> tuple[Window, ...]:
    """Cut the context where sleep begins; what is left at the end sleeps before anything is asked.

    `statement_stops` are the token counts after which a statement is over, in order. Raises ConfigError for the
    trigger "surprise": where it cuts depends on what the model keeps of the windows before.
    """
    windows, start = list[Window](), 0
    while start < n_tokens:
        windows.append(next_window(start, n_tokens, window, trigger, statement_stops))
        start = windows[-1].stop
    return tuple(windows)


def next_window(
    start: int, n_tokens: int, window: int, trigger: Trigger, statement_stops: Sequence[int] = ()
) -> Window:
    """The window that begins at `start`, as `cut_windows` cuts it."""
    require(trigger.kind != "surprise", "where surprise cuts cannot be told before the model has read.")
    size = min(trigger.every, window) if trigger.kind == "every" else window
    stops = {start + size: f"every {size} tokens" if size < window else "window full"}
    later = [count for count in trigger.asked_after if count > start]
    if later:
        stops.setdefault(min(later), "asked for")
    if trigger.kind == "statement":
        place = bisect_left(statement_stops, start + 1) + trigger.statements - 1
        over = "a statement over" if trigger.statements == 1 else f"{trigger.statements} statements over"
        stops.setdefault(statement_stops[place] if place < len(statement_stops) else n_tokens + 1, over)
        stops.setdefault(page_end(start, window), "a page over")
    stops.setdefault(n_tokens, "context over")
    stop = min(stops)
    return Window(start, stop, stops[stop])


def page_end(start: int, window: int) -> int:
    """Where the page ends on which `start` lies. The tasks write pages of L tokens, each with what belongs together."""
    return (start // window + 1) * window
