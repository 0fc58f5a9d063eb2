"""Questions such as "2 hops from b", by where they start: what S holds of a start is a row of steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sleepviz.config.events import Answer

Keys = Callable[[Answer], Mapping[str, tuple[tuple[str, int], ...]]]


def keys_of(unit: str) -> Keys:
    """For each start, its questions: (number of steps in words, place). Of a question asked twice, the last counts."""

    def keys(answer: Answer) -> dict[str, tuple[tuple[str, int], ...]]:
        found: dict[str, dict[str, int]] = {}
        for place, asked in enumerate(answer.asked):
            steps, _, start = asked.partition(f" {unit}s from ")  # as the task words a question
            found.setdefault(start, {})[f"{steps} {unit}{'s' * (steps != '1')}"] = place
        return {start: tuple(sorted(of.items(), key=lambda each: each[1])) for start, of in found.items()}

    return keys
