"""Presets are code: what is trained, on which task size, and how. `python -m sleepviz train --preset NAME`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sleepviz.config import ConfigError, ModelConfig, Stage, TrainConfig
from sleepviz.tasks.base import Task
from sleepviz.tasks.rule110 import Rule110


@dataclass(frozen=True)
class Preset:
    """One reproducible training: task size, architecture and recipe."""

    name: str
    task: Task
    model: ModelConfig
    train: TrainConfig
    default: bool = False  # the checkpoint that the task uses when none is named

    def to_json(self) -> dict[str, Any]:
        """Everything that a resumed training must share with its beginning."""
        return {
            "name": self.name,
            "task": self.task.name,
            "task_sizes": self.task.to_json(),
            "model": self.model.to_json(),
            "train": self.train.to_json(),
        }


def _rule110_stages(task: Rule110) -> tuple[Stage, ...]:
    """Rows are told apart first, which two passes are enough for; then every depth at once."""
    windows = (min(2, task.rows_max), task.rows_max)
    return (
        Stage(passes=2, difficulty=1, windows=windows),
        Stage(task.steps_max + 3, task.steps_max, windows, single_window_share=0.7, own_answers=True),
    )


def _rule110_model(task: Rule110, **changes: Any) -> ModelConfig:
    return replace(
        ModelConfig(
            vocab_size=task.vocab_size,
            window=task.window,
            layer_types=("full_attention", "linear_attention"),
            d_model=64,
            n_heads=4,
            key_dim=32,
            value_dim=16,
            beta_max=2.0,
            input_recall=True,
            window_positions=True,
        ),
        **changes,
    )


_MICRO = Rule110(row_cells=16, rows_max=4, steps_max=12)
_MICRO_TRAIN = TrainConfig(stages=_rule110_stages(_MICRO), steps=20_000, sleep_attention="full", grad_passes=3)

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (Preset("rule110-micro", _MICRO, _rule110_model(_MICRO), _MICRO_TRAIN, default=True),)
}


def preset_named(name: str) -> Preset:
    """Look up a preset. Raises ConfigError that lists the names there are."""
    if name not in PRESETS:
        raise ConfigError(f"There is no preset named {name!r}; the presets are {', '.join(PRESETS)}.")
    return PRESETS[name]
