"""Which schedules are compared on which task, and at how many passes.

Total passes are counted in passes per token: N passes over a window of 20 tokens are as much as N over each of two
windows of 10. So a finer cut costs nothing by itself. To be surprised costs an ordinary pass over all that is read. It
is counted, so that such a schedule sleeps with N - 1 passes.

What a schedule can mean differs from task to task:
- Rule 110: a row is one statement and one window. Surprise and the ends of statements come out as a full window, so
  they are left out. A row that is cut in two makes no sense to a model that read whole rows only; it is measured.
- Depo, GSM and Text: a window is a page of statements, then a foot of names. Cuts at ends of statements leave the
  foot whole; a cut after every half window does not mind it.
Sleep by hand has no rule that could be measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sleepviz.config.run import STILL, Spending, Trigger
from sleepviz.runs.schedule import Schedule
from sleepviz.studies.measurements import PAPER, STILLNESS
from sleepviz.tasks import FAMILIES
from sleepviz.tasks.base import Task, statement_stops

STATEMENTS = 3
RATIO = 1.5  # set beforehand, by how often held-out pages of another seed were cut: about twice a page
STILL_PASSES_MAX = 16


@dataclass(frozen=True)
class Cell:
    """One schedule at N passes per token in all, of which `asleep` are left for each sleep."""

    variant: str
    schedule: Schedule
    n_passes: int
    asleep: int


def passes_compared(task: Task) -> tuple[int, ...]:
    """Half of the passes with which the task's causal controls are measured, and all of them."""
    most = FAMILIES[task.name].study.control_passes
    return max(most // 2, 2), most


def cells_of(task: Task, n_passes: int) -> Iterator[Cell]:
    """Every schedule that makes sense on the task, at N passes per token."""
    n_windows = task.windows_max
    yield Cell(PAPER, Schedule(), n_passes, n_passes)
    half = Trigger("every", every=-(-task.window // 2))
    yield Cell("schedule_half", Schedule(half), n_passes, n_passes)
    if len(statement_stops(task, [0] * task.window)) > 1:
        yield Cell("schedule_statements", Schedule(Trigger("statement", statements=STATEMENTS)), n_passes, n_passes)
        yield Cell("schedule_surprise", Schedule(Trigger("surprise", ratio=RATIO)), n_passes, n_passes - 1)
    hardest = Spending("hardest", budget=n_passes * n_windows, threshold=STILL)
    yield Cell("schedule_hardest", Schedule(spending=hardest), n_passes, n_passes)


def until_still() -> Cell:
    """Sleep until S is still: how many passes this takes is measured, and the paper's schedule gets no fewer."""
    return Cell(STILLNESS, Schedule(spending=Spending("still", threshold=STILL)), STILL_PASSES_MAX, STILL_PASSES_MAX)
