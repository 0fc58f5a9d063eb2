"""How a model is trained: a budget, a loss, and a curriculum of stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

from sleepviz.config.base import ConfigError, JsonRoundTrip, require, require_choice
from sleepviz.config.model import PASSES_MAX, Eviction, SleepAttention

STEPS_MAX = 10_000_000
EARLIER_NAMES = {"ahead_share": "skipped_share", "sightings": "repeats", "stream_loss": "pass_loss"}
"""Settings that checkpoints and saved trainings may still have under another name, and today's."""


@dataclass(frozen=True)
class Stage(JsonRoundTrip):
    """One step of a curriculum: how many passes are taken, windows are read, and how hard the questions are."""

    passes: int  # the most passes drawn; its frontier
    difficulty: int  # the hardest question, unless the loss is "next_step"
    windows: tuple[int, int]  # fewest and most windows in an instance
    single_window_share: float = 0.0  # share of batches with one window only, which are cheaper
    advance_at: float = 0.9  # running accuracy at the frontier that ends the stage
    frontier_share: float = 0.5  # of a batch is of the hardest difficulty; the rest is mixed

    def __post_init__(self) -> None:
        require(1 <= self.passes <= PASSES_MAX, f"a stage's passes must be from 1 to {PASSES_MAX}.")
        require(0 < self.advance_at <= 1, "advance_at must be above 0 and at most 1.")
        require(self.difficulty >= 0, "a stage's difficulty must be at least 0.")
        require(1 <= self.windows[0] <= self.windows[1], "a stage has at least 1 window.")
        shares = (self.single_window_share, self.frontier_share)
        require(all(0 <= share <= 1 for share in shares), "a stage's shares must be from 0 to 1.")


@dataclass(frozen=True)
class Budget(JsonRoundTrip):
    """How long a training lasts: an amount, or as much as other trainings took together."""

    unit: Literal["steps", "tokens", "flops"]  # optimiser steps, context tokens read, or operations
    amount: float = 0.0
    match: tuple[str, ...] = ()  # checkpoints whose trainings, added up, this one equals

    def __post_init__(self) -> None:
        require_choice("a budget's unit", self.unit, Literal["steps", "tokens", "flops"])
        require((self.amount > 0) != bool(self.match), "a budget is an amount above 0, or that of other checkpoints.")
        whole = self.unit != "steps" or (self.amount == int(self.amount) and not self.match)
        require(whole and (self.unit != "steps" or self.amount <= STEPS_MAX), f"steps must be from 1 to {STEPS_MAX}.")

    @classmethod
    def steps(cls, n: int) -> Self:
        """So many optimiser steps. Raises ConfigError."""
        require(1 <= n <= STEPS_MAX, f"steps must be from 1 to {STEPS_MAX}.")
        return cls("steps", n)

    @classmethod
    def equal_to(cls, *names: str, unit: Literal["tokens", "flops"] = "tokens") -> Self:
        """What the trainings of these checkpoints took together."""
        return cls(unit, match=names)

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read the command line's tokens:X or flops:X. Raises ConfigError."""
        kind, _, amount = text.partition(":")
        try:
            value = float(amount)
        except ValueError:
            value = 0.0
        plain = set(amount) <= set("0123456789.e") and 0 < value < float("inf")
        if kind not in ("tokens", "flops") or not plain:
            raise ConfigError("The budget is written tokens:X or flops:X, for example flops:2e14.")
        return cls("tokens" if kind == "tokens" else "flops", value)


@dataclass(frozen=True)
class TrainConfig(JsonRoundTrip):
    """How a model is trained; with ModelConfig, the task's sizes and a seed, it fixes every batch."""

    stages: tuple[Stage, ...]
    budget: Budget
    batch: int = 64
    loss: Literal["next_step", "final", "answers"] = "next_step"  # see training/step.py
    steps_per_pass: int = 1  # r: levels of difficulty that one pass is asked for, unless the loss is "next_step"
    n_passes: int = 0  # 0: any N, drawn with the stage; else fixed, one model per N as in the paper
    rest_share: float = 0.0  # share of batches that end with a window that tells nothing; see training/plan.py
    late_share: float = 0.0  # share of the others whose windows before the last take one pass
    grad_passes: int = 0  # backpropagate through the last so many passes of each sleep; 0: all
    skipped_share: float = 0.0  # share of batches whose windows look as they would after some skipped passes
    repeats: int = 1  # in such a batch, how often a window is shown, one pass each, after more and more skipped passes
    pass_loss: float = 0.0  # weight of a loss on what each pass puts out, see training/step.py
    sleep_attention: SleepAttention = "causal"
    eviction: Eviction = "hard"  # "none": the oracle that keeps every key and value
    lr_muon: float = 0.01
    lr_adamw: float = 2e-3
    warmup_steps: int = 100
    decay_share: float = 0.25  # of the budget, at the end: linear decay to 0, difficulties mixed uniformly
    clip_norm: float = 1.0
    init: str = ""  # checkpoint of the same task and shapes whose weights are the start

    def __post_init__(self) -> None:
        require(len(self.stages) >= 1, "training needs at least one stage.")
        require(self.batch >= 1, "batch must be at least 1.")
        require(0 <= self.skipped_share <= 1, "skipped_share must be from 0 to 1.")
        require(0 <= self.rest_share <= 1, "rest_share must be from 0 to 1.")
        require(0 <= self.late_share <= 1, "late_share must be from 0 to 1.")
        needs_answers = self.rest_share or self.late_share
        require(not needs_answers or self.loss == "answers", "rest_share and late_share need loss answers.")
        require(not self.skipped_share or self.pass_loss > 0, "skipped_share needs a pass_loss.")
        require(self.repeats >= 1, "repeats must be at least 1.")
        require(self.pass_loss >= 0, "pass_loss must be at least 0.")
        require(self.steps_per_pass >= 1, "steps_per_pass must be at least 1.")
        require(0 <= self.n_passes <= PASSES_MAX, f"n_passes must be from 0 (any N) to {PASSES_MAX}.")
        require(0 <= self.decay_share <= 1, "decay_share must be from 0 to 1.")
        require_choice("loss", self.loss, Literal["next_step", "final", "answers"])
        require(self.loss != "next_step" or not self.n_passes, "loss next_step needs any N: n_passes must be 0.")
        alone = not (self.pass_loss or self.skipped_share)
        require(self.loss != "answers" or alone, "loss answers excludes pass_loss and skipped_share.")
        require_choice("sleep_attention", self.sleep_attention, SleepAttention)
        require_choice("eviction", self.eviction, Eviction)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Inverse of `to_json`, stages and budget included; earlier names are read too. Raises ConfigError."""
        values = with_present_names(values)
        stages, budget = values.get("stages", ()), values.get("budget")
        require(isinstance(budget, dict | Budget), "TrainConfig needs a budget.")
        if not isinstance(budget, Budget):
            budget = Budget.from_json(budget or {})
        return super().from_json({**values, "stages": tuple(map(Stage.from_json, stages)), "budget": budget})


def with_present_names(values: dict[str, Any]) -> dict[str, Any]:
    """The settings of a training with their present names: what `TrainConfig.to_json` gives, from earlier ones too.

    A budget was once `steps`, or `match` and `match_on` beside a number of steps that meant nothing.
    """
    require(isinstance(values, dict), "TrainConfig must be a JSON object.")
    present = {EARLIER_NAMES.get(name, name): value for name, value in values.items()}
    steps, match, unit = (present.pop(name, None) for name in ("steps", "match", "match_on"))
    if "budget" not in present and (match or steps is not None):
        matched = {"unit": unit, "match": match, "amount": 0.0}
        present["budget"] = matched if match or unit else {"unit": "steps", "amount": steps, "match": []}
    return present
