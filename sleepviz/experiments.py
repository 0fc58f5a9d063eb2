"""The experiments behind every published figure: one queue that one command works through and resumes.

Each entry of assets/results/TASK.json is one measured cell. An entry is done when the file has one
with the same experiment, variant, passes, difficulty and the digest of the checkpoint as it is now.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from sleepviz.checkpoint import Checkpoint, CheckpointError, load, provenance, write_atomically
from sleepviz.config import Control, RunSpec, SleepPolicy
from sleepviz.cost import cost_of
from sleepviz.evaluate import EVALUATION_STREAM, Setting, asleep, held_out, right_awake, right_parts_when_still, wilson
from sleepviz.memory import Memory
from sleepviz.probe import probe_accuracy, states
from sleepviz.record import checkpoint_of, policy_of, run_summary
from sleepviz.tasks.base import Batch, Task, Tokens
from sleepviz.tasks.depo import Depo
from sleepviz.tasks.gsm import Gsm
from sleepviz.tasks.rule110 import HEADER, ROW_TOKENS, Rule110

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "results"
COMMAND = "python -m sleepviz experiments --queue"
N_INSTANCES = 512
SEED = 110
PASSES = {
    "rule110": (1, 2, 3, 4, 6, 8, 12, 16, 20, 28),
    "depo": (1, 2, 3, 4, 6, 8, 9, 10, 14, 20),
    "gsm": (1, 2, 4, 6, 8, 10, 20),
}
CONTROLS: tuple[Control, ...] = ("zero_state", "shuffled_state", "replay", "reset_state", "untrained")
CONTROL_DIFFICULTIES = (1, 4, 8, 12)
CONTROL_PASSES = {"rule110": 12, "depo": 10, "gsm": 10}
ATTENTION = {"rule110": (("full", "rule110-micro"), ("causal", "rule110-causal"))}
ATTENTION_PASSES = (1, 2, 4, 8)  # four is the most that both were trained with
ATTENTION_DIFFICULTIES = (1, 2, 4, 8)
THRESHOLDS = (0.5, 0.2, 0.1, 0.05, 0.02)
HALTING_PASSES_MAX = 16
PROBED = (1, 4, 8, 12)  # passes, and levels read from S after them
PROBE_INSTANCES = 1024  # to fit it, from training
PUBLIC = Path(__file__).resolve().parents[1] / "tests" / "data" / "gsm_infinite_symbolic.jsonl"
Measured = dict[tuple[Any, ...], dict[str, Any]]  # entries by `Cell.key`
MIXED = -1  # as a difficulty: all of them, equally often


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
    question_first: bool = False  # GSM
    threshold: float = 0.0  # halt when S drifts by less; 0: take all passes

    def key(self, digest: str) -> tuple[Any, ...]:
        """What makes two measurements the same one."""
        return self.experiment, self.variant, digest, self.n_passes, self.difficulty, self.n_windows, self.threshold


def cells_of(task: Task, default: str) -> Iterator[Cell]:
    """Every measurement of one task, the smallest that decides a question first."""
    name, most = task.name, task.windows_max
    difficulties = range(task.difficulty_min, task.difficulty_max + 1)
    for n_passes in PASSES[name]:
        for difficulty in difficulties:
            yield Cell("accuracy", "any_n", default, n_passes, difficulty, most)
    for variant, suffix in (
        ("n1_same_tokens", "n1-tokens"),
        ("n1_same_flops", "n1-flops"),
        ("n1_curriculum", "n1-curriculum"),
        ("n1_uniform", "n1-uniform"),
        ("oracle", "oracle"),
    ):
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
    for variant, checkpoint in ATTENTION.get(name, ()):
        for n_passes in ATTENTION_PASSES:
            for difficulty in ATTENTION_DIFFICULTIES:
                yield Cell("attention", variant, checkpoint, n_passes, difficulty, most)
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


def measure(cell: Cell, checkpoint: Checkpoint, slept: Slept) -> dict[str, Any]:
    """Measure one cell on held-out instances -> an entry of the results file."""
    task = checkpoint.task
    if cell.experiment == "probe":
        return measure_probe(cell, checkpoint, slept)
    if cell.experiment == "public_problems":
        return measure_public(cell, checkpoint)
    if cell.question_first and isinstance(task, Gsm):
        task = replace(task, question="first")
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
    spec = RunSpec(checkpoint.task.name, "", cell.checkpoint, cell.n_passes, control=cell.control)
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
    """Measure a cell; a cost stands beside the accuracy of the same N, which comes before it in the queue."""
    if cell.experiment == "cost":
        return measure_cost(
            cell, checkpoint, measured[replace(cell, experiment="accuracy").key(checkpoint.info.digest)]
        )
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
