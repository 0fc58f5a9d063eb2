"""What one training step trains on: N, windows and difficulties, drawn from the seed, the step and the stage.

With `rest_share` some batches end with a window that tells nothing but shows every name once more, and all windows
before it take one pass. Then the passes of the last window can only join what S holds already. A model that never had
to do this learns to join new statements to S, and never S to new statements (docs/experiments.md). With
`late_share` some of the other batches, too, take one pass in all windows but the last, which tells something.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sleepviz.config.training import Stage, TrainConfig
from sleepviz.tasks.base import AskedTogether, Batch, Task, Tokens, pass_supervised, resting
from sleepviz.training.loop import TRAINING_STREAM

NO_DIFFICULTY = -2  # of no question; -1 is that of a question which nothing answers
FRONTIER_SHARE = 0.6  # of batches take exactly the passes that the frontier needs


@dataclass(frozen=True)
class Plan:
    """What one step trains on, drawn from (seed, step, stage) and nothing else."""

    batch: Batch
    n_passes: int
    is_late: bool = False  # every window before the last takes one pass
    frontier: int | None = None  # only answers of this difficulty tell whether the stage is mastered; None: all do

    @property
    def passes(self) -> tuple[int, ...]:
        """N of each window."""
        before = 1 if self.is_late else self.n_passes
        return (*(before,) * (self.batch.windows.shape[1] - 1), self.n_passes)

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Which instances [B], or which questions [B, Q] where each has a difficulty of its own, tell that."""
        return np.asarray((self.batch.difficulty == self.frontier) | (self.frontier is None))


def plan_step(task: Task, config: TrainConfig, *, seed: int, step: int, stage: Stage, mixing: bool) -> Plan:
    """Draw the batch of one step. `mixing`: difficulties and passes uniform up to the stage's."""
    rng = np.random.default_rng((TRAINING_STREAM, seed, step))
    if config.n_passes:
        n_passes = config.n_passes
    elif not mixing and rng.random() < FRONTIER_SHARE:
        n_passes = stage.passes
    else:
        n_passes = int(rng.integers(1, stage.passes + 1))
    single = rng.random() < stage.single_window_share
    n_windows = 1 if single else int(rng.integers(stage.windows[0], stage.windows[1] + 1))
    # Clamped and not drawn anew: the batches of earlier trainings stay as they were.
    difficulty = np.maximum(_difficulties(rng, task, config, stage, n_passes, mixing), task.difficulty_min)
    asked: dict[str, Any] = {"size": config.batch, "n_windows": n_windows, "difficulty": difficulty, "split": "train"}
    if config.skipped_share and rng.random() < config.skipped_share:
        repeats = min(n_passes, config.repeats)
        skipped = tuple(sorted(rng.integers(0, task.difficulty_max + 1, repeats).tolist()))
        n_passes = 1 if repeats > 1 else n_passes
        batch = pass_supervised(task, "skipped_share").batch(rng, **asked, skipped_passes=skipped)
    else:
        batch = task.batch(rng, **asked)
    if config.loss != "answers":
        return Plan(batch, n_passes)
    rests = rng.random() < config.rest_share
    if rests:
        batch = replace(batch, windows=np.concatenate([batch.windows, resting(task).rest(batch.windows)], axis=1))
    is_late = rests or (config.late_share > 0 and rng.random() < config.late_share)
    frontier = stage.difficulty if n_windows == stage.windows[1] and not is_late else NO_DIFFICULTY
    return Plan(batch, n_passes, is_late, frontier)


def _difficulties(
    rng: np.random.Generator, task: Task, config: TrainConfig, stage: Stage, n_passes: int, mixing: bool
) -> Tokens:
    """Difficulties [batch] of one step; [batch, questions] with loss "answers", where one sleep serves them all."""
    size: tuple[int, ...] = (config.batch,)
    if config.loss == "answers" and isinstance(task, AskedTogether):
        size = (config.batch, task.n_questions)
    if config.loss == "next_step":
        # Any difficulty beyond the passes only says "go on", so all are shown from the start; but the
        # first thing to learn is to keep what was read, and that is what the easiest ask for.
        easy = rng.integers(0, min(stage.difficulty + 1, task.difficulty_max) + 1, size)
        return np.where(rng.random(size) < 0.5, easy, rng.integers(0, task.difficulty_max + 1, size))
    reach = stage.difficulty if config.n_passes else min(stage.difficulty, config.steps_per_pass * n_passes)
    spread = rng.integers(task.difficulty_min if config.loss == "answers" else 0, reach + 1, size)
    return spread if mixing else np.where(rng.random(size) < stage.frontier_share, reach, spread)
