"""The questions of a graph by the node that they start from: what S holds of a node is a row of hops."""

from __future__ import annotations

from sleepviz.config.events import Answer

BETWEEN = " hops from "  # as the task words a question


def keys(answer: Answer) -> dict[str, tuple[tuple[str, int], ...]]:
    """Start -> (number of hops in words, place of the question) for each; of a question asked twice, the last."""
    found: dict[str, dict[str, int]] = {}
    for place, asked in enumerate(answer.asked):
        hops, _, start = asked.partition(BETWEEN)
        found.setdefault(start, {})[f"{hops} hop{'s' * (hops != '1')}"] = place
    return {start: tuple(sorted(of.items(), key=lambda each: each[1])) for start, of in found.items()}
