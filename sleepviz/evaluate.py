"""Accuracy on held-out instances, with Wilson intervals, over passes and difficulty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sleepviz.config import PASSES_MAX, SleepPolicy
from sleepviz.memory import Memory
from sleepviz.model import HybridLM
from sleepviz.presets import Preset
from sleepviz.sleep import sleep
from sleepviz.tasks.base import NOT_ASKED, Batch, Task

EVALUATION_STREAM = 1  # first word of every evaluation seed; training's is 0
VALIDATION_STREAM = 2  # for the limits written at the end of training
BATCH = 256
EARNED_ACCURACY = 0.95


def wilson(correct: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """95 % Wilson score interval of a proportion (Wilson, 1927); (0, 1) for n = 0."""
    if n == 0:
        return 0.0, 1.0
    p, z2 = correct / n, z * z
    centre, half = p + z2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return max(0.0, (centre - half) / (1 + z2 / n)), min(1.0, (centre + half) / (1 + z2 / n))


def right_parts(model: HybridLM, batch: Batch, policy: SleepPolicy, level: int) -> NDArray[np.bool_]:
    """Sleep through every window, ask every query: is each part right? -> [B, Q, T], True where not asked."""
    with torch.inference_mode():
        memory = Memory.empty(model.config, len(batch.windows))
        for window in torch.from_numpy(batch.windows).unbind(dim=1):
            memory = sleep(model, window, memory, policy)
        answers = [
            model(torch.from_numpy(batch.queries[:, query].copy()), memory)[0].argmax(dim=-1).numpy()
            for query in range(batch.queries.shape[1])
        ]
    target = batch.targets[:, :, level]  # [B, Q, T]
    right: NDArray[np.bool_] = (np.stack(answers, axis=1) == target) | (target == NOT_ASKED)
    return right


def accuracy(
    model: HybridLM,
    task: Task,
    policy: SleepPolicy,
    *,
    difficulty: int,
    n: int,
    n_windows: int,
    seed: Sequence[int],
) -> NDArray[np.bool_]:
    """Whether each part of each answer is right on n held-out instances -> [n, Q, T]."""
    rng = np.random.default_rng((*seed, difficulty))
    parts = []
    for start in range(0, n, BATCH):
        size = min(BATCH, n - start)
        levels = np.full(size, difficulty)
        batch = task.batch(rng, size=size, n_windows=n_windows, difficulty=levels, split="held_out")
        parts.append(right_parts(model, batch, policy, difficulty))
    return np.concatenate(parts)


def measured_limits(preset: Preset, model: HybridLM) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a trained model may be asked: limits and metrics for meta.json, from validation instances.

    `difficulty_max` shrinks to the largest one up to which the best N is right at least 95 times in 100;
    a model of one fixed N keeps the task's, since its border is what it is compared for.
    """
    task, train = preset.task, preset.train
    passes = (train.n_passes,) if train.n_passes else (1, 2, 3, 4, 6, 8, 12, 16)
    table = []
    for n_passes in passes:
        policy = SleepPolicy(n_passes=n_passes, sleep_attention=train.sleep_attention)
        row = []
        for difficulty in range(task.difficulty_max + 1):
            right = accuracy(
                model, task, policy, difficulty=difficulty, n=256, n_windows=task.windows_max, seed=(VALIDATION_STREAM,)
            )
            row.append(float(right.all(axis=-1).mean()))
        table.append(row)
    best = np.array(table).max(axis=0)
    short = np.flatnonzero(best < EARNED_ACCURACY)
    earned = int(short[0]) - 1 if len(short) and not train.n_passes else task.difficulty_max
    limits = {**task.limits(), "passes_trained": train.passes_of(train.stages[-1]), "passes_max": PASSES_MAX}
    limits[task.difficulty_name] = max(earned, 0)
    metrics = {"passes": list(passes), "difficulty": list(range(task.difficulty_max + 1)), "validation_accuracy": table}
    return limits, metrics
