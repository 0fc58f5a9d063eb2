"""Questions such as "2 hops from b", by where they start: what S holds of a start is a row of steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from app.parts.units import count
from app.tasks.answers import woken_passes
from app.tasks.base import Table
from sleepviz.config.events import Answer, Trace

Keys = Callable[[Answer], Mapping[str, tuple[tuple[str, int], ...]]]


def keys_of(unit: str) -> Keys:
    """For each start, its questions: (number of steps in words, place). Of a question asked twice, the last counts."""

    def keys(answer: Answer) -> dict[str, tuple[tuple[str, int], ...]]:
        found: dict[str, dict[str, int]] = {}
        for place, asked in enumerate(answer.asked):
            steps, _, start = asked.partition(f" {unit}s from ")  # as the task words a question
            found.setdefault(start, {})[count(int(steps), unit)] = place
        return {start: tuple(sorted(of.items(), key=lambda each: each[1])) for start, of in found.items()}

    return keys


def right_by_steps(woken: Answer, n_starts: int) -> list[int]:
    """For each number of steps, how many starts are right. The person's question stands first, then start by start."""
    grid = woken.correct[1:]
    columns = len(grid) // n_starts
    return [sum(grid[column::columns]) for column in range(columns)]


def starts_table(trace: Trace, n_starts: int, steps: Sequence[str], said: Callable[[Answer], str]) -> Table | None:
    """Starts answered right, pass by pass and for each number of `steps`, and what is `said` to the question."""
    rows = tuple(
        (
            f"{event.window_index + 1} · {event.pass_index + 1}",
            *map(str, right_by_steps(event.woken, n_starts)),
            said(event.woken),
        )
        for event in woken_passes(trace)
    )
    caption = f"How many of the {n_starts} starts would be answered right if the model woke after each pass."
    return Table(caption, ("window · pass", *steps, "your question"), rows) if rows else None
