"""What is measured of Rule 110 beyond the common experiments: how long a row is kept, and what S holds."""

from __future__ import annotations

from collections.abc import Iterator

from sleepviz.tasks.base import Batch, Problem, Task, Tokens
from sleepviz.tasks.family import Measurement, Probed, Series, Study
from sleepviz.tasks.rule110.task import HEADER, ROW_TOKENS, Rule110

CONTROL_PASSES = 12
RETAINED_STEPS = (1, 4, 8, 12)


def retention(task: Task, default: str) -> Iterator[Measurement]:
    """The first row, asked after more and more windows."""
    for steps in RETAINED_STEPS:
        if steps <= task.difficulty_max:
            for n_windows in range(1, task.windows_max + 1):
                variant = f"asked_after_{n_windows}"
                yield Measurement("retention", variant, default, CONTROL_PASSES, steps, n_windows, query=0)


def row_after(task: Task, batch: Batch, steps: int) -> Tokens:
    """The cells of the last window's row after `steps` steps, [B, W] of 0/1."""
    assert isinstance(task, Rule110)
    return task.targets_after_pass(batch, steps)[:, -1, HEADER:] % ROW_TOKENS


def probed(task: Task, problem: Problem) -> tuple[Probed | None, ...]:
    """The last row alone is read, the cells of which are asked after the steps that its header shows."""
    assert isinstance(task, Rule110)
    last, steps = len(problem.queries) - 1, task.steps_asked(problem.context)
    one = Probed(steps, tuple(range(task.row_cells)), first_token=ROW_TOKENS * last)
    return (*[None] * last, one)


# Four passes are the most that both were trained with.
ATTENTION = tuple(
    Series("attention", variant, checkpoint, (1, 2, 4, 8), (1, 2, 4, 8))
    for variant, checkpoint in (("full", "rule110-micro"), ("causal", "rule110-causal"))
)

STUDY = Study(
    symbol="t",
    columns=(1, 2, 3, 4, 6, 8, 10, 12),
    passes=(1, 2, 3, 4, 6, 8, 12, 16, 20, 28),
    control_passes=CONTROL_PASSES,
    baselines={
        "n1-tokens": "n1_same_tokens",
        "n1-flops": "n1_same_flops",
        "n1-curriculum": "n1_curriculum",
        "oracle": "oracle",
    },
    second_seed=((1, 4, 12, 20), (1, 4, 8, 12)),
    series=ATTENTION,
    further=retention,
    read_from_state=row_after,
    probed=probed,
    probe_windows=1,
)
