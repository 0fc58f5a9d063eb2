"""What the presets of several tasks share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sleepviz.config.model import LayerType
from sleepviz.config.training import Budget, Stage, TrainConfig
from sleepviz.tasks.base import Task

HYBRID: tuple[LayerType, ...] = ("full_attention", "linear_attention")
ROLL_CALL: dict[str, Any] = {"fast_heads": 16, "key_dim": 24, "value_dim": 16, "conv_kernel": 4, "beta_max": 2.0}
"""Of the model of a task whose windows end with a roll call."""

ANSWERS: dict[str, Any] = {"conv_kernel": 4, "look_back": (), "beta_max": 2.0, "window_positions": True}
"""What the models found from answers alone have beside the paper's: no start as look-ups, no feedback of h."""


def two_a_pass(steps: int) -> int:
    """Passes that a model found from answers alone is trained with for so many steps: two a pass, and one to read."""
    return -(-steps // 2) + 1


def alone(answers: TrainConfig, first: Stage, difficulties: Iterable[int], match: str) -> TrainConfig:
    """The training `answers` with N = 1 only and without rest, on as many tokens as the checkpoint `match` read.

    Two windows come before harder questions: N = 1 may never master those, and must have read as many windows.
    """
    further = (Stage(1, each, (1, 2), single_window_share=0.3, advance_at=0.7) for each in difficulties)
    return replace(answers, stages=(first, *further), n_passes=1, rest_share=0.0, budget=Budget.equal_to(match))


def fixed_n(task: Task, match: tuple[str, ...], n_passes: int = 1) -> TrainConfig:
    """One N on a task with a roll call, on its answers alone: one difficulty after another, at equal tokens."""
    levels = tuple(
        Stage(n_passes, level, (1, 2), single_window_share=0.3, advance_at=0.6)
        for level in range(1, task.difficulty_max + 1)
    )
    return TrainConfig(levels, Budget.equal_to(*match), batch=32, loss="final", n_passes=n_passes)
