"""Accuracy on held-out instances, with Wilson intervals, over passes and difficulty."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from sleepviz.config.base import require
from sleepviz.config.model import PASSES_MAX, SleepPolicy
from sleepviz.config.run import Control, RunSpec, Spending
from sleepviz.core.memory import Memory
from sleepviz.core.model import HybridLM
from sleepviz.runs.record import checkpoint_of, policy_of
from sleepviz.runs.schedule import Consolidated, Schedule, Sleeper, consolidate
from sleepviz.tasks.base import NOT_ASKED, Batch, ScoredFurther, Task
from sleepviz.tasks.family import Preset

EVALUATION_STREAM = 1  # first word of every evaluation seed; training's is 0
VALIDATION_STREAM = 2  # for the limits written at the end of training
BATCH = 256
SLICE = 64  # instances asleep at a time: for more, the system hands out and takes back memory at every operation
N_MAX = 100_000
VALIDATION_PASSES = (1, 4, 6, 8, 10, 12)
VALIDATION_INSTANCES = 128


def wilson(correct: float, n: int, z: float = 1.959964) -> tuple[float, float]:
    """95 % Wilson score interval of a proportion (Wilson, 1927); (0, 1) for n = 0."""
    if n == 0:
        return 0.0, 1.0
    p, z2 = correct / n, z * z
    centre, half = p + z2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    low, high = (centre - half) / (1 + z2 / n), (centre + half) / (1 + z2 / n)
    return max(0.0, min(low, p)), min(1.0, max(high, p))  # never past the share itself by rounding


@dataclass(frozen=True)
class Setting:
    """How a model sleeps and wakes in one evaluation."""

    policy: SleepPolicy
    schedule: Schedule = field(default_factory=Schedule)
    control: Control = "none"


def right_parts(model: HybridLM, task: Task, batch: Batch, setting: Setting) -> NDArray[np.bool_]:
    """Sleep through the whole context, ask every query: is each part right? -> [B, Q, T], True where not asked."""
    return right_awake(model, batch, asleep(model, task, batch, setting))


@torch.inference_mode()
def right_parts_when_still(
    model: HybridLM, task: Task, batch: Batch, policy: SleepPolicy, threshold: float
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """As `right_parts`, but each window's sleep ends when S is still -> (right, mean passes a window [B])."""
    still = Setting(policy, Schedule(spending=Spending("still", threshold=threshold)))
    slept = slept_in_slices(model, task, batch, still)
    memory, passes = Memory.joined([each.memory for each in slept]), torch.cat([each.passes for each in slept])
    return right_awake(model, batch, memory), passes.numpy()


def other_instances(memory: Memory) -> Memory:
    """The same memory with the S of another instance: that of the next in the batch."""
    return memory.with_fast_weights(tuple(state.roll(1, dims=0) for state in memory.fast_weights))


@torch.inference_mode()
def asleep(model: HybridLM, task: Task, batch: Batch, setting: Setting) -> Memory:
    """The memory with which the model wakes, once all windows are evicted."""
    memory = Memory.joined([each.memory for each in slept_in_slices(model, task, batch, setting)])
    if setting.control == "zero_state":
        return memory.with_fast_weights(tuple(torch.zeros_like(state) for state in memory.fast_weights))
    if setting.control == "shuffled_state":
        return other_instances(memory)
    return memory


def slept_in_slices(model: HybridLM, task: Task, batch: Batch, setting: Setting) -> list[Consolidated]:
    """What came of sleep, for SLICE instances at a time, once all windows are evicted."""
    contexts = torch.split(torch.from_numpy(batch.windows).flatten(1), SLICE)  # [slice, W L] each
    return [slept_through(model, task, context, setting) for context in contexts]


def slept_through(model: HybridLM, task: Task, context: Tensor, setting: Setting) -> Consolidated:
    """What came of sleep, once each window of a context [B, W L] was slept on."""
    sleeper = Sleeper(model, task, setting.policy, setting.schedule)
    return consolidate(sleeper, context, Memory.empty(model.config, len(context)))


@torch.inference_mode()
def right_awake(model: HybridLM, batch: Batch, memory: Memory) -> NDArray[np.bool_]:
    """Whether each part of each answer is right, [B, Q, T]; True where not asked."""
    answers = [
        model(torch.from_numpy(batch.queries[:, query].copy()), memory)[0].argmax(dim=-1).numpy()
        for query in range(batch.queries.shape[1])
    ]
    target = batch.targets[np.arange(len(batch.difficulty)), :, batch.difficulty]  # [B, Q, T]
    right: NDArray[np.bool_] = (np.stack(answers, axis=1) == target) | (target == NOT_ASKED)
    return right


def accuracies(
    model: HybridLM,
    task: Task,
    setting: Setting,
    *,
    difficulties: Sequence[int],
    n: int,
    n_windows: int,
    seed: Sequence[int],
) -> list[NDArray[np.bool_]]:
    """For each difficulty, whether each part of each answer is right on n held-out instances -> [n, Q, T] each.

    Where the windows do not show the difficulty, one sleep serves the questions of every difficulty.
    """
    rights: list[list[NDArray[np.bool_]]] = [[] for _ in difficulties]
    drawn = [held_out(task, difficulty=d, n=n, n_windows=n_windows, seed=seed) for d in difficulties]
    for batches in zip(*drawn, strict=True):
        memory = None if task.difficulty_in_windows else asleep(model, task, batches[0], setting)
        for right, batch in zip(rights, batches, strict=True):
            right.append(right_awake(model, batch, memory or asleep(model, task, batch, setting)))
    return [np.concatenate(right) for right in rights]


def accuracy(
    model: HybridLM,
    task: Task,
    setting: Setting,
    *,
    difficulty: int,
    n: int,
    n_windows: int,
    seed: Sequence[int],
) -> NDArray[np.bool_]:
    """As `accuracies`, of one difficulty -> [n, Q, T]."""
    (right,) = accuracies(model, task, setting, difficulties=(difficulty,), n=n, n_windows=n_windows, seed=seed)
    return right


def held_out(task: Task, *, difficulty: int, n: int, n_windows: int, seed: Sequence[int]) -> Iterator[Batch]:
    """n held-out instances in batches. They depend on the seed, n_windows and, where the windows show it, on the
    difficulty: every N answers the same ones.
    """
    shown = (difficulty,) if task.difficulty_in_windows else ()
    rng = np.random.default_rng((*seed, *shown, n_windows))
    for part in np.array_split(np.arange(n), math.ceil(n / BATCH)):  # even: shuffled_state needs company
        levels = np.full(len(part), difficulty)
        yield task.batch(rng, size=len(part), n_windows=n_windows, difficulty=levels, split="held_out")


def evaluate(
    spec: RunSpec, *, passes: Sequence[int], difficulties: Sequence[int], n: int, n_windows: int | None = None
) -> dict[str, Any]:
    """The `eval` command: accuracy of single answers over passes and difficulty; spec.input is not used.

    n counts instances and so do the intervals, since the answers of one instance are not independent.
    Raises ConfigError and CheckpointError.
    """
    checkpoint = checkpoint_of(spec)
    task, windows_max = checkpoint.task, checkpoint.task.windows_max
    n_windows = windows_max if n_windows is None else n_windows
    require(1 <= n <= N_MAX, f"n must be from 1 to {N_MAX} instances.")
    require(n > 1 or spec.control != "shuffled_state", "shuffled_state needs n of at least 2 instances.")
    require(task.windows_min <= n_windows <= windows_max, f"rows must be from {task.windows_min} to {windows_max}.")
    hardest = task.difficulty_max
    easiest = task.difficulty_min
    in_range = all(easiest <= difficulty <= hardest for difficulty in difficulties)
    require(in_range, f"difficulty must be whole numbers from {easiest} to {hardest}.")
    policies = [policy_of(replace(spec, n_passes=n_passes), checkpoint) for n_passes in passes]
    table: dict[str, list[list[Any]]] = {"accuracy": [], "ci95": []}
    for policy in tqdm(policies, unit="N", desc=checkpoint.info.name):
        rights = accuracies(
            checkpoint.model,
            task,
            Setting(policy, Schedule(spec.trigger, spec.spending), spec.control),
            difficulties=difficulties,
            n=n,
            n_windows=n_windows,
            seed=(EVALUATION_STREAM, spec.seed),
        )
        exact = [right.all(axis=-1) for right in rights]  # [n, Q] each
        table["accuracy"].append([float(right.mean()) for right in exact])
        table["ci95"].append([list(wilson(float(right.mean()) * n, n)) for right in exact])
        if isinstance(task, ScoredFurther):
            scores = [task.further_scores(right) for right in rights]
            for name in scores[0]:
                table.setdefault(name, []).append([score[name] for score in scores])
    return {
        "task": task.name,
        "checkpoint": checkpoint.info.name,
        "digest": checkpoint.info.digest,
        "control": spec.control,
        "windows": n_windows,
        "seed": spec.seed,
        "passes": list(passes),
        "difficulty": list(difficulties),
        "n": n,
        **table,
    }


def measured_limits(preset: Preset, model: HybridLM) -> tuple[dict[str, Any], dict[str, Any]]:
    """Limits and metrics of a trained model for meta.json: what may be asked, and what it answers right.

    The limits are the task's. What the model has earned is read from its accuracy on validation instances.
    """
    task, train = preset.task, preset.train
    passes = (train.n_passes,) if train.n_passes else VALIDATION_PASSES
    difficulties = range(task.difficulty_min, task.difficulty_max + 1)
    table = []
    for n_passes in passes:
        rights = accuracies(
            model,
            task,
            Setting(SleepPolicy(n_passes, train.eviction, train.sleep_attention)),
            difficulties=difficulties,
            n=VALIDATION_INSTANCES,
            n_windows=task.windows_max,
            seed=(VALIDATION_STREAM,),
        )
        table.append([float(right.all(axis=-1).mean()) for right in rights])
    limits = {**task.limits(), "passes_trained": train.n_passes or train.stages[-1].passes, "passes_max": PASSES_MAX}
    return limits, {"passes": list(passes), "difficulty": list(difficulties), "validation_accuracy": table}
