"""What is measured: every cell of the published evidence on a task, the smallest that decides a question first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sleepviz.config.model import Eviction
from sleepviz.config.run import Control
from sleepviz.runs.checkpoint import checkpoint_name
from sleepviz.tasks.base import Task

PASSES = {
    "rule110": (1, 2, 3, 4, 6, 8, 12, 16, 20, 28),
    "depo": (1, 2, 3, 4, 6, 8, 9, 10, 14, 20),
    "gsm": (1, 2, 4, 6, 8, 9, 10, 14, 20),
}
HARDEST = {"gsm": 12}
"""How far beyond training a task is asked: half as deep again. A step of Rule 110 and a hop of Depo beyond those of
training have no token, and in Depo a path must be shorter than half the cycle."""
BASELINES = {
    "rule110": ("n1-tokens", "n1-flops", "n1-curriculum", "oracle"),
    "depo": ("n1-tokens", "n1-flops", "causal-n1-tokens", "causal-n1-flops", "oracle"),
    "gsm": ("n1-tokens", "n1-flops", "n1-uniform", "oracle"),
}
"""The separately trained models of each task: what their checkpoints are called after it."""
_BASELINE_VARIANTS = {
    "n1-tokens": "n1_same_tokens",
    "n1-flops": "n1_same_flops",
    "n1-curriculum": "n1_curriculum",
    "n1-uniform": "n1_uniform",
    "causal-n1-tokens": "n1_causal_tokens",
    "causal-n1-flops": "n1_causal_flops",
    "oracle": "oracle",
}
CONTROLS: tuple[Control, ...] = ("zero_state", "shuffled_state", "replay", "reset_state", "untrained")
CONTROL_DIFFICULTIES = (1, 4, 8, 12)
CONTROL_PASSES = {"rule110": 12, "depo": 10, "gsm": 10}
THRESHOLDS = (0.5, 0.2, 0.1, 0.05, 0.02)
HALTING_PASSES_MAX = 16
PROBED = (1, 4, 8, 12)  # passes, and levels read from S after them
MIXED = -1  # as a difficulty: all of them, equally often


VARIANTS = {
    "any_n": "this model",
    "any_n_small": "trained for any N",
    "n1_same_tokens": "N = 1 only, same tokens",
    "n1_same_flops": "N = 1 only, same FLOPs",
    "n1_curriculum": "N = 1 only, one difficulty after another",
    "n1_uniform": "N = 1 only, same tokens, difficulties mixed",
    "n1_causal_tokens": "N = 1 only, same tokens, causal asleep",
    "n1_causal_flops": "N = 1 only, same FLOPs, causal asleep",
    "oracle": "full attention, nothing evicted",
    "deeper": "deeper, no passes, same FLOPs a window",
    "per_n": "trained for this N only",
    "hebbian": "Hebbian rule instead of the delta rule",
    "hard": "hard: the whole cache is cleared",
    "sliding": "sliding: the newest L − 1 tokens stay",
    "sliding_unprepared": "sliding, but trained with hard eviction only",
    "causal": "causal attention asleep",
    "full": "full attention asleep",
    "layers_2": "2 layers",
    "layers_4": "4 layers",
    "fixed_n": "a fixed N",
    "drift_halting": "stops when S is still",
    "linear": "a linear probe",
}
"""A results file's variants in words, for every table and plot."""


@dataclass(frozen=True)
class Cell:
    """One measurement: a variant at one N and one difficulty."""

    experiment: str
    variant: str
    checkpoint: str
    n_passes: int
    difficulty: int
    n_windows: int
    control: Control = "none"
    eviction: Eviction = "hard"
    query: int | None = None  # count this query alone (retention: the first window's)
    question_first: bool = False  # GSM
    threshold: float = 0.0  # halt when S drifts by less; 0: take all passes

    def key(self, digest: str) -> tuple[Any, ...]:
        """What makes two measurements the same one."""
        return self.experiment, self.variant, digest, self.n_passes, self.difficulty, self.n_windows, self.threshold


def baseline_names(task: str) -> tuple[str, ...]:
    """The N = 1 models that a run may be compared with, the one that knows most first."""
    return tuple(f"{task}-{suffix}" for suffix in ("causal-n1-tokens", "n1-flops", "n1-uniform", "n1-tokens"))


@dataclass(frozen=True)
class Series:
    """A model over N and difficulty, beside others that differ in one thing."""

    experiment: str
    variant: str
    checkpoint: str
    passes: tuple[int, ...]
    difficulties: tuple[int, ...]
    eviction: Eviction = "hard"

    def cells(self, n_windows: int) -> Iterator[Cell]:
        """Every N, and for each every difficulty: where the windows do not tell it, one sleep answers them all."""
        for n in self.passes:
            for difficulty in self.difficulties:
                yield Cell(
                    self.experiment, self.variant, self.checkpoint, n, difficulty, n_windows, eviction=self.eviction
                )


def _rule110_series() -> Iterator[Series]:
    """Four passes are the most that both were trained with."""
    for variant, checkpoint in (("full", "rule110-micro"), ("causal", "rule110-causal")):
        yield Series("attention", variant, checkpoint, (1, 2, 4, 8), (1, 2, 4, 8))


def _depo_series() -> Iterator[Series]:
    """The paper's causal attention asleep in the large size; then, of `depo-small`, what needs many trainings."""
    yield Series("attention_large", "causal", "depo-causal", PASSES["depo"], tuple(range(1, 9)))
    passes, hops = (1, 2, 3, 4, 5, 6, 8, 12), (1, 2, 3, 4)
    for suffix in ("", "-s1", "-s2"):
        yield Series("seeds", "any_n_small", f"depo-small{suffix}", passes, hops)
        yield Series("seeds", "n1_same_tokens", f"depo-small-n1{suffix}", (1,), hops)
    yield Series("baseline_small", "deeper", "depo-small-deeper", (1,), hops)
    for n in (2, 4):
        yield Series("baseline_small", "per_n", f"depo-small-n{n}", (n,), hops)
    yield Series("baseline_small", "hebbian", "depo-small-hebbian", passes, hops)
    yield Series("attention", "causal", "depo-small", passes, hops)
    yield Series("attention", "full", "depo-small-full", passes, hops)
    yield Series("eviction", "hard", "depo-small", passes, hops)
    yield Series("eviction", "sliding", "depo-small-sliding", passes, hops, eviction="sliding")
    yield Series("eviction", "sliding_unprepared", "depo-small", passes, hops, eviction="sliding")
    yield Series("depth", "layers_2", "depo-small-2layers", passes, hops)
    yield Series("depth", "layers_4", "depo-small", passes, hops)


SERIES = {"rule110": tuple(_rule110_series()), "depo": tuple(_depo_series())}
SECOND_SEED = {
    "rule110": ((1, 4, 12, 20), (1, 4, 8, 12)),
    "depo": ((1, 4, 9, 20), tuple(range(1, 9))),
    "gsm": ((1, 4, 10, 20), tuple(range(9))),
}
"""Passes and difficulties of the task's own model and of the same training with seed 1: N of 1, a few, enough, many."""


def cells_of(task: Task, default: str) -> Iterator[Cell]:
    """Every measurement of one task, the smallest that decides a question first; `default` is its any-N checkpoint."""
    name, most = task.name, task.windows_max
    difficulties = range(task.difficulty_min, task.difficulty_max + 1)
    for n_passes in PASSES[name]:
        for difficulty in range(task.difficulty_min, HARDEST.get(name, task.difficulty_max) + 1):
            yield Cell("accuracy", "any_n", default, n_passes, difficulty, most)
    for suffix in BASELINES[name]:
        variant = _BASELINE_VARIANTS[suffix]
        alone: Control = "oracle" if variant == "oracle" else "none"
        for difficulty in difficulties:
            yield Cell("baseline", variant, f"{name}-{suffix}", 1, difficulty, most, control=alone)
    for control in CONTROLS:
        for difficulty in CONTROL_DIFFICULTIES:
            if difficulty <= task.difficulty_max:
                yield Cell("control", control, default, CONTROL_PASSES[name], difficulty, most, control=control)
    for n_passes in PASSES[name]:
        yield Cell("halting", "fixed_n", default, n_passes, MIXED, most)
    for threshold in THRESHOLDS:
        yield Cell("halting", "drift_halting", default, HALTING_PASSES_MAX, MIXED, most, threshold=threshold)
    for n_passes in PASSES[name]:
        yield Cell("cost", "any_n", default, n_passes, task.difficulty_max, most)
    passes, asked = SECOND_SEED[name]
    levels = tuple(difficulty for difficulty in asked if difficulty <= task.difficulty_max)
    for checkpoint in (checkpoint_name(default, seed) for seed in (0, 1)):
        yield from Series("second_seed", "any_n", checkpoint, passes, levels).cells(most)
    for series in SERIES.get(name, ()):
        yield from series.cells(most)
    if name in ("rule110", "depo"):  # where every level has one answer of the same form
        for n_passes in PROBED:
            for level in PROBED:
                if level <= task.difficulty_max:
                    yield Cell("probe", "linear", default, n_passes, level, 1 if name == "rule110" else most)
    if name == "gsm":
        for resolvable in range(1, 9):
            for variant, checkpoint, n_passes in (
                ("any_n", default, 1),
                ("any_n", default, 10),
                ("n1_same_tokens", "gsm-n1-tokens", 1),
                ("n1_uniform", "gsm-n1-uniform", 1),
            ):
                yield Cell("public_problems", variant, checkpoint, n_passes, resolvable, most)
        for difficulty in (1, 4, 8):
            for n_passes in (1, 10):
                yield Cell("accuracy_question_first", "any_n", default, n_passes, difficulty, most, question_first=True)
            for variant, checkpoint in (("n1_same_tokens", "gsm-n1-tokens"), ("n1_uniform", "gsm-n1-uniform")):
                yield Cell("baseline_question_first", variant, checkpoint, 1, difficulty, most, question_first=True)
    if name == "rule110":
        for difficulty in CONTROL_DIFFICULTIES:
            for n_windows in range(1, most + 1):
                variant = f"asked_after_{n_windows}"
                yield Cell("retention", variant, default, CONTROL_PASSES[name], difficulty, n_windows, query=0)
