"""The questions of a ring by the image that they start from: what S holds of an image is a row of jumps."""

from __future__ import annotations

from sleepviz.config.events import Answer

BETWEEN = " jumps from "  # as the task words a question


def keys(answer: Answer) -> dict[str, tuple[tuple[str, int], ...]]:
    """Start -> (number of jumps in words, place of the question) for each; of a question asked twice, the last."""
    found: dict[str, dict[str, int]] = {}
    for place, asked in enumerate(answer.asked):
        jumps, _, start = asked.partition(BETWEEN)
        found.setdefault(start, {})[f"{jumps} jump{'s' * (jumps != '1')}"] = place
    return {start: tuple(sorted(of.items(), key=lambda each: each[1])) for start, of in found.items()}
