"""Measure the schedules: what is missing in assets/results/schedules.json, which is written after every cell."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from sleepviz.config.model import SleepPolicy
from sleepviz.core.memory import Memory
from sleepviz.runs.alone import alone_at
from sleepviz.runs.checkpoint import Checkpoint, CheckpointError, load
from sleepviz.runs.schedule import Sleeper, consolidate
from sleepviz.studies.measure import entry_of
from sleepviz.studies.measurements import MIXED, PAPER
from sleepviz.studies.queue import FOLDER, ResultsFile
from sleepviz.studies.schedules.plan import Cell, cells_of, passes_compared, until_still
from sleepviz.tasks import FAMILIES
from sleepviz.tasks.base import Batch, Task
from sleepviz.tasks.family import Measurement
from sleepviz.training.evaluate import EVALUATION_STREAM, right_awake

NAME, COMMAND = "schedules", "python -m sleepviz schedules"
SEED = 1129  # set before anything was measured; no other study uses it
N_INSTANCES = 192
BATCH = 16  # what a core's cache holds


def run_schedules(*, folder: Path = FOLDER, n: int = N_INSTANCES) -> dict[str, Any]:
    """Measure what is missing on every task whose default checkpoint is here; return what was done."""
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    done, left_out, keys = 0, list[str](), list[tuple[Any, ...]]()
    with alone_at(folder / f".{NAME}.lock", "Another process measures schedules into the same folder."):
        file = ResultsFile(folder / f"{NAME}.json", NAME, COMMAND)
        for name in FAMILIES:
            try:
                checkpoint = load(task=name)
            except CheckpointError as error:
                left_out.append(f"{name}: {error}")
                continue
            for cell, key in _measured(checkpoint, file):
                keys.append(key)
                if key not in file.measured:
                    file.note(key, measure_cell(cell, checkpoint, n))
                    done += 1
        file.finish(keys)
    return {"measured": done, "left_out": left_out}


def _measured(checkpoint: Checkpoint, file: ResultsFile) -> Iterator[tuple[Cell, tuple[Any, ...]]]:
    """Every cell with its key; that of the paper's schedule beside stillness follows from what stillness took."""
    task, bar = checkpoint.task, tqdm(desc=checkpoint.task.name, unit="cell")

    def keyed(cell: Cell) -> tuple[Cell, tuple[Any, ...]]:
        bar.update()
        return cell, _measurement(cell, checkpoint).key(checkpoint.info.digest)

    still, key = keyed(until_still())
    yield still, key
    compared = passes_compared(task)
    beside = math.ceil(file.measured[key]["mean_passes"])
    if beside not in compared:
        yield keyed(next(cell for cell in cells_of(task, beside) if cell.variant == PAPER))
    for n_passes in compared:
        yield from map(keyed, cells_of(task, n_passes))


def _measurement(cell: Cell, checkpoint: Checkpoint) -> Measurement:
    """A cell as the results file knows it."""
    name, n_windows, threshold = checkpoint.info.name, checkpoint.task.windows_max, cell.schedule.spending.threshold
    return Measurement("schedule", cell.variant, name, cell.n_passes, MIXED, n_windows, threshold=threshold)


@torch.inference_mode()
def measure_cell(cell: Cell, checkpoint: Checkpoint, n: int) -> dict[str, Any]:
    """Measure one schedule on n held-out instances of all difficulties -> an entry of the results file."""
    task, model = checkpoint.task, checkpoint.model
    policy = SleepPolicy(cell.asleep, sleep_attention=checkpoint.info.sleep_attention)
    sleeper = Sleeper(model, task, policy, cell.schedule)
    rights, passes, sleeps = list[NDArray[np.bool_]](), list[float](), list[float]()
    for batch in instances(task, n):
        context = torch.from_numpy(batch.windows).flatten(1)
        slept = consolidate(sleeper, context, Memory.empty(model.config, len(context)))
        rights.append(np.asarray(right_awake(model, batch, slept.memory).all(axis=-1)))  # [B, Q]
        passes += slept.passes.tolist()
        sleeps += slept.sleeps.tolist()
    share = float(np.concatenate(rights).mean())
    reading = cell.n_passes - cell.asleep
    return {
        **entry_of(_measurement(cell, checkpoint), checkpoint, share, n),
        "task": task.name,
        "seed": SEED,
        "threshold": cell.schedule.spending.threshold,
        "trigger": cell.schedule.trigger.text,
        "spending": cell.schedule.spending.text,
        "mean_passes": float(np.mean(passes)) + reading,
        "reading_passes": reading,
        "mean_sleeps": float(np.mean(sleeps)),
    }


def instances(task: Task, n: int) -> Iterator[Batch]:
    """n held-out instances of the most windows, the difficulties as even as n allows; the same for every schedule.

    Where a window shows its difficulty, the windows of one instance differ in it, so that some are harder than others.
    """
    rng = np.random.default_rng((EVALUATION_STREAM, SEED))
    levels = np.arange(task.difficulty_min, task.difficulty_max + 1)
    for part in np.array_split(np.arange(n), math.ceil(n / BATCH)):
        if task.difficulty_in_windows:
            shape = (len(part), task.windows_max)
            yield _each_window(task, rng.permuted(np.resize(levels, shape[0] * shape[1])).reshape(shape), rng)
        else:
            difficulty = levels[part % len(levels)]
            size, windows = len(part), task.windows_max
            yield task.batch(rng, size=size, n_windows=windows, difficulty=difficulty, split="held_out")


def _each_window(task: Task, difficulty: NDArray[np.int64], rng: np.random.Generator) -> Batch:
    """Instances whose windows [B, W] have these difficulties, and whose queries ask for one window each."""
    size, n_windows = difficulty.shape
    seed = int(rng.integers(2**32))
    batches = {
        int(level): task.batch(
            np.random.default_rng(seed),
            size=size,
            n_windows=n_windows,
            difficulty=np.full(size, level),
            split="held_out",
        )
        for level in np.unique(difficulty)
    }
    first = next(iter(batches.values()))
    windows, targets = np.empty_like(first.windows), np.empty_like(first.targets[:, :, :1])
    for level, batch in batches.items():
        chosen = difficulty == level
        windows[chosen] = batch.windows[chosen]
        targets[:, :, 0][chosen] = batch.targets[:, :, level][chosen]
    return Batch(windows, first.queries, targets, np.zeros(size, dtype=np.int64))
