"""How a model is trained: a budget, a loss, and a curriculum of stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sleepviz.config.base import JsonRoundTrip, require, require_choice
from sleepviz.config.model import PASSES_MAX, Eviction, SleepAttention


@dataclass(frozen=True)
class Stage(JsonRoundTrip):
    """One step of a curriculum: how many passes are taken, windows are read, and how hard the questions are."""

    passes: int  # the most passes drawn; its frontier
    difficulty: int  # the hardest question, with loss "final"
    windows: tuple[int, int]  # fewest and most windows in an instance
    single_window_share: float = 0.0  # share of batches with one window only, which are cheaper
    advance_at: float = 0.9  # running accuracy at the frontier that ends the stage
    frontier_share: float = 0.5  # of a batch with loss "final" is of the hardest difficulty; the rest is mixed

    def __post_init__(self) -> None:
        require(1 <= self.passes <= PASSES_MAX, f"a stage's passes must be from 1 to {PASSES_MAX}.")
        require(0 < self.advance_at <= 1, "advance_at must be above 0 and at most 1.")
        require(self.difficulty >= 0, "a stage's difficulty must be at least 0.")
        require(1 <= self.windows[0] <= self.windows[1], "a stage has at least 1 window.")
        shares = (self.single_window_share, self.frontier_share)
        require(all(0 <= share <= 1 for share in shares), "a stage's shares must be from 0 to 1.")


@dataclass(frozen=True)
class TrainConfig(JsonRoundTrip):
    """How a model is trained; with ModelConfig, the task's sizes and a seed, it fixes every batch."""

    stages: tuple[Stage, ...]
    steps: int  # optimiser steps, unless `match` names another training to equal
    batch: int = 64
    loss: Literal["next_step", "final", "answers"] = "next_step"  # see training/train.py
    steps_per_pass: int = 1  # r: levels of difficulty that one pass is asked for, unless the loss is "next_step"
    n_passes: int = 0  # 0: any N, drawn with the stage; else fixed, one model per N as in the paper
    grad_passes: int = 0  # backpropagate through the last so many passes of each sleep; 0: all
    ahead_share: float = 0.0  # of batches begin some levels on: their earlier passes are taken for granted
    # Such a batch shows a window up to so often, a pass each, and takes the passes in between for granted.
    sightings: int = 1
    stream_loss: float = 0.0  # weight of a loss on the sleeping stream's own output, see training/train.py
    sleep_attention: SleepAttention = "causal"
    eviction: Eviction = "hard"  # "none": the oracle that keeps every key and value
    lr_muon: float = 0.01
    lr_adamw: float = 2e-3
    warmup_steps: int = 100
    decay_share: float = 0.25  # of the budget, at the end: linear decay to 0, difficulties mixed uniformly
    clip_norm: float = 1.0
    init: str = ""  # checkpoint of the same task and shapes whose weights are the start
    match: tuple[str, ...] = ()  # checkpoints whose trainings, added up, this one equals ...
    match_on: Literal["", "tokens", "flops"] = ""  # ... in context tokens read, or in operations

    def __post_init__(self) -> None:
        require(len(self.stages) >= 1, "training needs at least one stage.")
        require(1 <= self.steps <= 10_000_000, "steps must be from 1 to 10000000.")
        require(self.batch >= 1, "batch must be at least 1.")
        require(0 <= self.ahead_share <= 1, "ahead_share must be from 0 to 1.")
        require(not self.ahead_share or self.stream_loss > 0, "ahead_share needs a stream_loss.")
        require(self.sightings >= 1, "sightings must be at least 1.")
        require(self.stream_loss >= 0, "stream_loss must be at least 0.")
        require(self.steps_per_pass >= 1, "steps_per_pass must be at least 1.")
        require(0 <= self.n_passes <= PASSES_MAX, f"n_passes must be from 0 (any N) to {PASSES_MAX}.")
        require(0 <= self.decay_share <= 1, "decay_share must be from 0 to 1.")
        require(bool(self.match) == bool(self.match_on), "match and match_on go together.")
        require_choice("loss", self.loss, Literal["next_step", "final", "answers"])
        require(self.loss != "next_step" or not self.n_passes, "loss next_step needs any N: n_passes must be 0.")
        alone = not (self.stream_loss or self.ahead_share)
        require(self.loss != "answers" or alone, "loss answers excludes stream_loss and ahead_share.")
        require_choice("sleep_attention", self.sleep_attention, SleepAttention)
        require_choice("eviction", self.eviction, Eviction)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> TrainConfig:
        """Inverse of `to_json`, the nested stages included. Raises ConfigError."""
        stages = tuple(Stage.from_json(stage) for stage in values.get("stages", ()))
        return super().from_json({**values, "stages": stages})
