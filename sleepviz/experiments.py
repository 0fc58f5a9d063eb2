"""The experiments behind every published figure: one queue that one command works through and resumes.

Each entry of assets/results/TASK.json is one measured cell. An entry is done when the file has one
with the same experiment, variant, passes, difficulty and the digest of the checkpoint as it is now.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from sleepviz.checkpoint import Checkpoint, CheckpointError, load, provenance, write_atomically
from sleepviz.config import Control, RunSpec, Trigger
from sleepviz.evaluate import EVALUATION_STREAM, Setting, accuracy, wilson
from sleepviz.record import checkpoint_of, policy_of

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "results"
COMMAND = "python -m sleepviz experiments --queue"
N_INSTANCES = 512
SEED = 110
PASSES = (1, 2, 3, 4, 6, 8, 12)
CONTROLS: tuple[Control, ...] = ("zero_state", "shuffled_state", "replay", "reset_state", "untrained")
CONTROL_STEPS = (1, 4, 8, 12)


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
    query: int | None = None  # count this query alone (retention: the first window's)
    trigger: Trigger = field(default_factory=Trigger)

    def key(self, digest: str) -> tuple[Any, ...]:
        """What makes two measurements the same one."""
        return self.experiment, self.variant, digest, self.n_passes, self.difficulty, self.n_windows


def rule110_cells(default: str, steps_max: int, rows_max: int) -> Iterator[Cell]:
    """Rule 110: the whole table of the any-N model, its baselines, causal controls, retention."""
    for steps in range(steps_max + 1):
        for n_passes in PASSES:
            yield Cell("accuracy", "any_n", default, n_passes, steps, rows_max)
        for variant, name in (
            ("n1_same_tokens", "rule110-n1-tokens"),
            ("n1_same_flops", "rule110-n1-flops"),
            ("n1_curriculum", "rule110-n1-curriculum"),
        ):
            yield Cell("baseline", variant, name, 1, steps, rows_max)
    for steps in CONTROL_STEPS:
        for control in CONTROLS:
            yield Cell("control", control, default, steps_max, steps, rows_max, control=control)
        for n_windows in range(1, rows_max + 1):
            variant = f"asked_after_{n_windows}"
            yield Cell("retention", variant, default, steps_max, steps, n_windows, query=0)


def measure(cell: Cell, checkpoint: Checkpoint) -> dict[str, Any]:
    """Measure one cell on held-out instances -> an entry of the results file."""
    spec = RunSpec(checkpoint.task.name, "", cell.checkpoint, cell.n_passes, control=cell.control, trigger=cell.trigger)
    right = accuracy(
        checkpoint.model,
        checkpoint.task,
        Setting(policy_of(spec, checkpoint), cell.trigger, cell.control),
        difficulty=cell.difficulty,
        n=N_INSTANCES,
        n_windows=cell.n_windows,
        seed=(EVALUATION_STREAM, SEED),
    )
    exact = np.asarray(right.all(axis=-1))  # [n, Q]
    asked = slice(None) if cell.query is None else slice(cell.query, cell.query + 1)
    share = float(exact[:, asked].mean())
    return {
        "experiment": cell.experiment,
        "variant": cell.variant,
        "checkpoint": checkpoint.info.name,
        "digest": checkpoint.info.digest,
        "passes": cell.n_passes,
        "difficulty": cell.difficulty,
        "windows": cell.n_windows,
        "n": N_INSTANCES,
        "correct": round(share * N_INSTANCES, 3),
        "accuracy": share,
        "ci95": list(wilson(share * N_INSTANCES, N_INSTANCES)),
        "first_cells": float(right[:, :, checkpoint.task.first_part].all(axis=-1).mean()),
        "seed": SEED,
    }


def run_queue(*, only: str | None = None, folder: Path = FOLDER) -> dict[str, Any]:
    """Measure what is missing, writing the file after every cell; return how much was done and left out."""
    done, left_out = 0, []
    for task in ("rule110",) if only in (None, "rule110") else ():
        default = load(task=task).info
        sizes = default.meta["task_sizes"]
        cells = list(rule110_cells(default.name, sizes["steps_max"], sizes["rows_max"]))
        path = folder / f"{task}.json"
        entries = _entries(path)
        measured = {_key_of(entry): entry for entry in entries}
        loaded: dict[tuple[str, str], Checkpoint] = {}
        kept = []
        for cell in tqdm(cells, desc=task, unit="cell"):
            which = (cell.checkpoint, cell.control)
            try:
                if which not in loaded:
                    loaded[which] = checkpoint_of(RunSpec(task, "", cell.checkpoint, control=cell.control))
            except CheckpointError as error:
                left_out.append(f"{cell.experiment} {cell.variant}: {error}")
                continue
            key = cell.key(loaded[which].info.digest)
            if key not in measured:
                measured[key] = measure(cell, loaded[which])
                done += 1
                if done % 20 == 0:
                    _write(path, task, list(measured.values()))
            kept.append(measured[key])
        _write(path, task, kept)
    return {"measured": done, "left_out": sorted(set(left_out))}


def _key_of(entry: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(entry[name] for name in ("experiment", "variant", "digest", "passes", "difficulty", "windows"))


def _entries(path: Path) -> list[dict[str, Any]]:
    """What an earlier run measured; nothing when the file is missing or damaged."""
    try:
        entries: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["entries"]
        for entry in entries:
            hash(_key_of(entry))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
    return entries


def _write(path: Path, task: str, entries: list[dict[str, Any]]) -> None:
    head = json.dumps({"task": task, "made_by": COMMAND, "commit": provenance()["commit"]})[1:-1]
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    write_atomically(path, f'{{{head}, "entries": [\n{lines}\n]}}\n'.encode())


def readme_table(entries: list[dict[str, Any]], difficulties: Sequence[int]) -> str:
    """The README's table: accuracy and interval of each N and of the N = 1 baselines, a column a difficulty."""
    head = ["|", "model |", *(f"t = {difficulty} |" for difficulty in difficulties)]
    lines = [" ".join(head), "|---" * (len(difficulties) + 1) + "|"]
    for label, experiment, variant in (
        *((f"any-N, N = {n}", "accuracy", n) for n in PASSES),
        ("trained with N = 1 only, same tokens", "baseline", "n1_same_tokens"),
        ("trained with N = 1 only, same tokens, t one by one", "baseline", "n1_curriculum"),
        ("trained with N = 1 only, same FLOPs", "baseline", "n1_same_flops"),
    ):
        found = {
            entry["difficulty"]: entry
            for entry in entries
            if entry["experiment"] == experiment and variant in (entry["variant"], entry["passes"])
        }
        if all(difficulty in found for difficulty in difficulties):
            cells = [_cell(found[difficulty]) for difficulty in difficulties]
            lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(entry: dict[str, Any]) -> str:
    low, high = entry["ci95"]
    return f"{entry['accuracy']:.2f} ({low:.2f}–{high:.2f})"
