"""The experiments behind every published figure: one queue that one command works through and resumes.

Each entry of assets/results/TASK.json is one measured cell. An entry is done when the file has one
with the same experiment, variant, passes, difficulty and the digest of the checkpoint as it is now.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from sleepviz.config.model import SleepPolicy
from sleepviz.config.places import ASSETS, SITE
from sleepviz.config.run import RunSpec
from sleepviz.core.memory import Memory
from sleepviz.runs.checkpoint import Checkpoint, CheckpointError, load, provenance, write_atomically
from sleepviz.runs.record import checkpoint_of, policy_of, run_summary
from sleepviz.studies.cost import cost_of
from sleepviz.studies.measurements import HARDEST, MIXED, PASSES, Cell, cells_of
from sleepviz.studies.probe import probe_accuracy, states
from sleepviz.tasks.base import Batch, Task, Tokens
from sleepviz.tasks.depo.task import Depo
from sleepviz.tasks.gsm.task import Gsm
from sleepviz.tasks.rule110.task import HEADER, ROW_TOKENS, Rule110
from sleepviz.training.evaluate import (
    EVALUATION_STREAM,
    Setting,
    asleep,
    held_out,
    right_awake,
    right_parts_when_still,
    wilson,
)

FOLDER = ASSETS / "results"
COMMAND = "python -m sleepviz experiments --queue"
N_INSTANCES = 512
SEED = 110
PROBE_INSTANCES = 1024  # to fit it, from training
PUBLIC = SITE / "tests" / "data" / "gsm_infinite_symbolic.jsonl"
Measured = dict[tuple[Any, ...], dict[str, Any]]  # entries by `Cell.key`


def measure(cell: Cell, checkpoint: Checkpoint, slept: Slept) -> dict[str, Any]:
    """Measure one cell on held-out instances -> an entry of the results file."""
    task = checkpoint.task
    if cell.experiment == "probe":
        return measure_probe(cell, checkpoint, slept)
    if cell.experiment == "public_problems":
        return measure_public(cell, checkpoint)
    if cell.question_first and isinstance(task, Gsm):
        task = replace(task, question="first")
    if cell.difficulty > task.difficulty_max and isinstance(task, Gsm):
        task = replace(task, operations_max=HARDEST[task.name])  # neither its tokens nor its windows change
    right, mean_passes = _right(cell, checkpoint, task, slept)
    exact = np.asarray(right.all(axis=-1))  # [n, Q]
    if cell.query is not None:
        right, exact = right[:, cell.query : cell.query + 1], exact[:, cell.query : cell.query + 1]
    entry = entry_of(cell, checkpoint, float(exact.mean()), len(exact))
    if task.answers_rows:
        entry["first_cells"] = float(right[:, :, task.first_part].all(axis=-1).mean())
    if cell.experiment == "halting":
        entry |= {"mean_passes": mean_passes, "threshold": cell.threshold}
    return entry


def measure_cost(cell: Cell, checkpoint: Checkpoint, accuracy: dict[str, Any]) -> dict[str, Any]:
    """What sleep and one answer cost, beside the accuracy that was measured for the same N -> an entry."""
    cost = cost_of(checkpoint.model, _policy(cell, checkpoint), query_tokens=_query_tokens(checkpoint.task))
    paying = {"break_even_flops": cost.break_even_flops, "break_even_s": cost.break_even_s}
    return accuracy | {"experiment": cell.experiment} | asdict(cost) | paying


def entry_of(cell: Cell, checkpoint: Checkpoint, share: float, n: int) -> dict[str, Any]:
    """What every entry of a results file has: the share of `n` instances that is right, and its interval."""
    return {
        "experiment": cell.experiment,
        "variant": cell.variant,
        "checkpoint": checkpoint.info.name,
        "digest": checkpoint.info.digest,
        "passes": cell.n_passes,
        "difficulty": cell.difficulty,
        "windows": cell.n_windows,
        "n": n,
        "correct": round(share * n, 3),
        "accuracy": share,
        "ci95": list(wilson(share * n, n)),
        "seed": SEED,
    }


def _policy(cell: Cell, checkpoint: Checkpoint) -> SleepPolicy:
    name, task = cell.checkpoint, checkpoint.task.name
    spec = RunSpec(task, "", name, cell.n_passes, eviction=cell.eviction, control=cell.control)
    return policy_of(spec, checkpoint)


def _query_tokens(task: Task) -> int:
    """Tokens of one person's question, as evaluation asks it."""
    levels = np.full(1, task.difficulty_max)
    batch = task.batch(np.random.default_rng(0), size=1, n_windows=1, difficulty=levels, split="held_out")
    return int(batch.queries.shape[-1])


def measure_probe(cell: Cell, checkpoint: Checkpoint, slept: Slept) -> dict[str, Any]:
    """How much of the answer at level `difficulty` a linear probe reads from S after `n_passes` -> an entry.

    The hardest question is asked, so that the model has no reason to stop early.
    """
    fitted_on, tested_on = (_states_and_answers(cell, checkpoint, slept, n) for n in (PROBE_INSTANCES, N_INSTANCES))
    return entry_of(cell, checkpoint, float(probe_accuracy(fitted_on, tested_on).mean()), N_INSTANCES)


def measure_public(cell: Cell, checkpoint: Checkpoint) -> dict[str, Any]:
    """The public generator's own problems and question: every variable that equals a value, and no other -> an entry.

    Its `op`, the variables that can be resolved, stands as the difficulty. The file has 16 problems of each.
    """
    problems = [json.loads(line) for line in PUBLIC.read_text(encoding="utf-8").splitlines()]
    right = []
    for problem in problems:
        if problem["op"] == cell.difficulty:
            text = json.dumps({"text": problem["context"], "equals": problem["question_value"]})
            spec = RunSpec("gsm", text, cell.checkpoint, cell.n_passes)
            answer = run_summary(spec, checkpoint, events=False)["answer"]
            right.append(sorted(answer) == sorted(problem["answer_list"]))
    return entry_of(cell, checkpoint, sum(right) / len(right), len(right))


def _states_and_answers(cell: Cell, checkpoint: Checkpoint, slept: Slept, n: int) -> tuple[Tensor, Tokens]:
    """S after sleep [n, features], and the answer at the cell's level [n, parts]: a row, or where each name leads."""
    task, seed = checkpoint.task, (EVALUATION_STREAM, SEED, n)
    answers = []
    batches = list(held_out(task, difficulty=task.difficulty_max, n=n, n_windows=cell.n_windows, seed=seed))
    for batch in batches:
        stream = task.stream(batch, cell.difficulty)[:, -1]  # [B, L] of the last window
        if isinstance(task, Depo):
            answers.append(task.nodes(stream))
        elif isinstance(task, Rule110):
            answers.append(stream[:, HEADER:] % ROW_TOKENS)
    return slept.states(checkpoint, batches, _policy(cell, checkpoint)), np.concatenate(answers)


def _right(cell: Cell, checkpoint: Checkpoint, task: Task, slept: Slept) -> tuple[NDArray[np.bool_], float]:
    """Whether each part of each answer is right, [n, Q, T], and the mean number of passes a window took."""
    policy, seed = _policy(cell, checkpoint), (EVALUATION_STREAM, SEED)
    mixed = range(task.difficulty_min, task.difficulty_max + 1)
    difficulties = mixed if cell.difficulty == MIXED else (cell.difficulty,)
    n_each = -(-N_INSTANCES // len(difficulties))
    rights, passes = [], []
    for difficulty in difficulties:
        for batch in held_out(task, difficulty=difficulty, n=n_each, n_windows=cell.n_windows, seed=seed):
            if cell.threshold:
                right, taken = right_parts_when_still(checkpoint.model, batch, policy, cell.threshold)
            else:
                memory = slept.memory(checkpoint, batch, Setting(policy, control=cell.control))
                right = right_awake(checkpoint.model, batch, memory)
                taken = np.full(len(right), float(cell.n_passes))
            rights.append(right)
            passes.append(taken)
    return np.concatenate(rights), float(np.concatenate(passes).mean())


class Slept:
    """Memories of the last few sleeps: where windows do not tell the difficulty, one sleep answers all of them."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, Setting, bytes], Memory] = {}
        self._states: dict[tuple[str, SleepPolicy, int], Tensor] = {}

    def memory(self, checkpoint: Checkpoint, batch: Batch, setting: Setting) -> Memory:
        """The memory after these windows, from before or by sleeping now."""
        key = (checkpoint.info.digest, setting, batch.windows.tobytes())
        if key not in self._kept:
            self._kept = dict(list(self._kept.items())[-3:])  # two batches make 512 instances; and two to spare
            self._kept[key] = asleep(checkpoint.model, batch, setting)
        return self._kept[key]

    def states(self, checkpoint: Checkpoint, batches: list[Batch], policy: SleepPolicy) -> Tensor:
        """S after these windows, [instances, features]: the same for every level that is read from it."""
        key = (checkpoint.info.digest, policy, hash(tuple(batch.windows.tobytes() for batch in batches)))
        if key not in self._states:
            self._states = dict(list(self._states.items())[-1:])  # to fit a probe, and to test it
            self._states[key] = torch.cat([states(checkpoint.model, batch, policy) for batch in batches])
        return self._states[key]


def run_queue(*, only: str | None = None, folder: Path = FOLDER) -> dict[str, Any]:
    """Measure what is missing, writing the file after every 20 cells and when stopped; return what was done and not."""
    done, left_out = 0, []
    for name in (name for name in PASSES if only in (None, name)):
        try:
            default = load(task=name)
        except CheckpointError as error:
            left_out.append(f"{name}: {error}")
            continue
        path = folder / f"{name}.json"
        measured = {_key_of(entry): entry for entry in _entries(path)}
        loaded: dict[tuple[str, str], Checkpoint] = {}
        slept = Slept()
        kept = []
        try:
            for cell in tqdm(list(cells_of(default.task, default.info.name)), desc=name, unit="cell"):
                which = (cell.checkpoint, cell.control)
                try:
                    if which not in loaded:
                        loaded[which] = checkpoint_of(RunSpec(name, "", cell.checkpoint, control=cell.control))
                except CheckpointError as error:
                    left_out.append(f"{cell.experiment} {cell.variant}: {error}")
                    continue
                key = cell.key(loaded[which].info.digest)
                if key not in measured:
                    measured[key] = _entry(cell, loaded[which], slept, measured)
                    done += 1
                    if done % 20 == 0:
                        _write(path, name, list(measured.values()))
                kept.append(measured[key])
        except BaseException:  # Ctrl-C too: what was measured since the last write is not lost
            _write(path, name, list(measured.values()))
            raise
        _write(path, name, kept)
    return {"measured": done, "left_out": sorted(set(left_out))}


def _entry(cell: Cell, checkpoint: Checkpoint, slept: Slept, measured: Measured) -> dict[str, Any]:
    """Measure a cell. What was measured as accuracy, earlier in the queue, is not measured again: a cost stands
    beside it, and of the two seeds the first is the task's own model.
    """
    accuracy = measured.get(replace(cell, experiment="accuracy").key(checkpoint.info.digest))
    if cell.experiment == "cost":
        assert accuracy is not None
        return measure_cost(cell, checkpoint, accuracy)
    if cell.experiment == "second_seed" and accuracy is not None:
        return accuracy | {"experiment": cell.experiment}
    return measure(cell, checkpoint, slept)


def _key_of(entry: dict[str, Any]) -> tuple[Any, ...]:
    names = ("experiment", "variant", "digest", "passes", "difficulty", "windows")
    return (*(entry[name] for name in names), entry.get("threshold", 0.0))


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
