"""The roll call: a task's windows may end with every name and a free place for each, where the passes can work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.tasks.base import Deviation

ROLL_CALL = Deviation(
    "roll call", "Every window ends with all names and a free place for each, where the passes can work."
)


def told_spans(heads: Sequence[int], n_tokens: int) -> list[tuple[int, int]]:
    """What was told among the tokens, [first, last) for each window: up to where its roll call begins, in `heads`."""
    length = n_tokens // max(len(heads), 1)
    return [(index * length, head) for index, head in enumerate(heads)]


def window_parts(spans: Sequence[tuple[int, int]], n_tokens: int, name: str) -> list[dict[str, Any]]:
    """Names for the parts of every window on the time line: what was written, then the roll call up to the next."""
    stops = [first for first, _ in spans[1:]] + [n_tokens]
    parts: list[dict[str, Any]] = []
    for (first, last), stop in zip(spans, stops, strict=False):  # without a span, nothing has a name
        parts += [{"start": first, "stop": last, "name": name, "own": True}]
        parts += [{"start": last, "stop": stop, "name": "roll call", "own": False}]
    return parts
