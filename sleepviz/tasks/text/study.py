"""What is measured of Text beyond the common experiments: how long a document may be."""

from __future__ import annotations

from collections.abc import Iterator

from sleepviz.tasks.base import Task
from sleepviz.tasks.family import Measurement, Study

CONTROL_PASSES = 4
PAGES = (2, 4, 8, 12, 16)  # one page has no room for everybody
HOPS = (1, 2, 3, 4)  # of training


def length(task: Task, default: str) -> Iterator[Measurement]:
    """The same number of people, told over more and more pages: more sentences that tell nothing, and more sleeps."""
    for hops in HOPS:
        for n_pages in PAGES:
            variant, sizes = f"asked_after_{n_pages}", (("pages_max", n_pages),)
            n_windows = n_pages - 1 + task.windows_min  # the index, too
            yield Measurement("length", variant, default, CONTROL_PASSES, hops, n_windows, sizes=sizes)


# A model that takes one thing for another is right on 0.96 of one hop, and each hop more adds its own errors. So a
# difficulty counts as solved at the share that ended the training's stage of three hops on one page.
SOLVED = 0.85

STUDY = Study(
    symbol="hops",
    columns=tuple(range(1, 7)),
    passes=(1, 2, 3, 4, 6, 8),
    control_passes=CONTROL_PASSES,
    control_difficulties=HOPS,
    solved=SOLVED,
    baselines={"answers-n1": "n1_same_tokens"},
    further=length,
)
