"""Where sleep begins: a context cut into windows. Needs no torch, so that a page can count the windows."""

from __future__ import annotations

from dataclasses import dataclass

from sleepviz.config.run import Trigger


@dataclass(frozen=True)
class Window:
    """Context tokens [start, stop) that one sleep consolidates, and why it began."""

    start: int
    stop: int
    trigger: str


def cut_windows(n_tokens: int, window: int, trigger: Trigger) -> tuple[Window, ...]:
    """Cut the context where sleep begins; what is left at the end sleeps before anything is asked."""
    size = min(trigger.every, window) if trigger.kind == "every" else window
    reason = f"every {size} tokens" if trigger.kind == "every" and size < window else "window full"
    asked = set(trigger.asked_after)
    windows, start = [], 0
    for stop in range(1, n_tokens + 1):
        if stop - start == size:
            windows.append(Window(start, stop, reason))
        elif stop in asked:
            windows.append(Window(start, stop, "asked for"))
        elif stop == n_tokens:
            windows.append(Window(start, stop, "context over"))
        else:
            continue
        start = stop
    return tuple(windows)
