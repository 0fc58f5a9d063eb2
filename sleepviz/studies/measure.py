"""One measurement of a study: a variant of a checkpoint at one N and one difficulty -> an entry of the results file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sleepviz.config.model import SleepPolicy
from sleepviz.config.run import RunSpec
from sleepviz.core.memory import Memory
from sleepviz.runs.checkpoint import Checkpoint, CheckpointError
from sleepviz.runs.record import checkpoint_of, policy_of, run_summary
from sleepviz.studies.cost import cost_of
from sleepviz.studies.measurements import MIXED
from sleepviz.studies.reading.memory import answered, fit_probe, read_by_lens, read_by_probe
from sleepviz.studies.reading.probe import probe_accuracy, states
from sleepviz.tasks import FAMILIES, build_task
from sleepviz.tasks.base import Batch, ScoredFurther, Task, Tokens
from sleepviz.tasks.family import Measurement
from sleepviz.training.evaluate import (
    EVALUATION_STREAM,
    Setting,
    asleep,
    held_out,
    other_instances,
    right_awake,
    right_parts_when_still,
    wilson,
)

N_INSTANCES = 512
SEED = 110
PROBE_INSTANCES = 1024  # to fit it, from training


def measured_together(
    task: str, asked: Sequence[tuple[Measurement, str]], *, slept: Slept | None = None
) -> list[dict[str, Any]]:
    """The entries of some measurements, each with the digest of its weights: a pure function of both.

    Called in a worker. Raises CheckpointError where the weights that lie here are others.
    """
    torch.set_num_threads(1)
    slept, entries = slept or Slept(), []
    for measurement, digest in asked:
        checkpoint = checkpoint_of(RunSpec(task, "", measurement.checkpoint, control=measurement.control))
        if checkpoint.info.digest != digest:
            raise CheckpointError(f"The weights of checkpoint {checkpoint.info.name!r} are others for this worker.")
        entries.append(measure(measurement, checkpoint, slept))
    return entries


def groups(asked: Sequence[tuple[Measurement, Task]]) -> list[list[Measurement]]:
    """Measurements that one sleep answers stand together; where the windows tell the difficulty, each is alone."""
    found: dict[Measurement, list[Measurement]] = {}
    for measurement, task in asked:
        together = measurement.experiment == "probe" or not (measurement.sizes or task.difficulty_in_windows)
        found.setdefault(replace(measurement, difficulty=0) if together else measurement, []).append(measurement)
    return list(found.values())


def measure(measurement: Measurement, checkpoint: Checkpoint, slept: Slept) -> dict[str, Any]:
    """Measure one variant on held-out instances -> an entry of the results file."""
    task = checkpoint.task
    if measurement.experiment == "probe":
        return measure_probe(measurement, checkpoint, slept)
    if measurement.experiment in FAMILIES[task.name].study.given:
        return measure_given(measurement, checkpoint)
    if measurement.reader:
        return measure_memory(measurement, checkpoint, slept)
    if measurement.sizes:
        task = build_task(task.name, task.to_json() | dict(measurement.sizes))
    right, mean_passes = _right(measurement, checkpoint, task, slept)
    exact = np.asarray(right.all(axis=-1))  # [n, Q]
    if measurement.query is not None:
        right, exact = (
            right[:, measurement.query : measurement.query + 1],
            exact[:, measurement.query : measurement.query + 1],
        )
    entry = entry_of(measurement, checkpoint, float(exact.mean()), len(exact))
    if isinstance(task, ScoredFurther):
        entry |= task.further_scores(right)
    if measurement.experiment == "halting":
        entry |= {"mean_passes": mean_passes, "threshold": measurement.threshold}
    return entry


def measure_cost(measurement: Measurement, checkpoint: Checkpoint, accuracy: dict[str, Any]) -> dict[str, Any]:
    """What sleep and one answer cost, beside the accuracy that was measured for the same N -> an entry."""
    cost = cost_of(checkpoint.model, _policy(measurement, checkpoint), query_tokens=_query_tokens(checkpoint.task))
    paying = {"break_even_flops": cost.break_even_flops, "break_even_s": cost.break_even_s}
    return accuracy | {"experiment": measurement.experiment} | asdict(cost) | paying


def entry_of(measurement: Measurement, checkpoint: Checkpoint, share: float, n: int) -> dict[str, Any]:
    """What every entry of a results file has: the share of `n` instances that is right, and its interval."""
    return {
        "experiment": measurement.experiment,
        "variant": measurement.variant,
        "checkpoint": checkpoint.info.name,
        "digest": checkpoint.info.digest,
        "passes": measurement.n_passes,
        "difficulty": measurement.difficulty,
        "windows": measurement.n_windows,
        "n": n,
        "correct": round(share * n, 3),
        "accuracy": share,
        "ci95": list(wilson(share * n, n)),
        "seed": SEED,
    }


def _policy(measurement: Measurement, checkpoint: Checkpoint) -> SleepPolicy:
    name, task = measurement.checkpoint, checkpoint.task.name
    spec = RunSpec(task, "", name, measurement.n_passes, eviction=measurement.eviction, control=measurement.control)
    return policy_of(spec, checkpoint)


def _query_tokens(task: Task) -> int:
    """Tokens of one person's question, as evaluation asks it."""
    levels, shortest = np.full(1, task.difficulty_max), task.windows_min
    batch = task.batch(np.random.default_rng(0), size=1, n_windows=shortest, difficulty=levels, split="held_out")
    return int(batch.queries.shape[-1])


def measure_probe(measurement: Measurement, checkpoint: Checkpoint, slept: Slept) -> dict[str, Any]:
    """How much of the answer at level `difficulty` a linear probe reads from S after `n_passes` -> an entry.

    The hardest question is asked, so that the model has no reason to stop early.
    """
    fitted_on, tested_on = (
        _states_and_answers(measurement, checkpoint, slept, n) for n in (PROBE_INSTANCES, N_INSTANCES)
    )
    return entry_of(measurement, checkpoint, float(probe_accuracy(fitted_on, tested_on).mean()), N_INSTANCES)


def measure_memory(measurement: Measurement, checkpoint: Checkpoint, slept: Slept) -> dict[str, Any]:
    """How often what S gives for a question is what the model answers to it after `n_passes` -> an entry.

    The reader "answer" counts how often that answer is right. The S of another instance is read where `control` is
    "shuffled_state"; the answer stays the model's own.
    """
    task, model, study = checkpoint.task, checkpoint.model, FAMILIES[checkpoint.task.name].study
    seed, setting = (EVALUATION_STREAM, SEED), Setting(_policy(measurement, checkpoint))
    difficulty, n_windows = measurement.difficulty, measurement.n_windows
    if measurement.reader == "probe":
        probe = fit_probe(*_states_and_answers(measurement, checkpoint, slept, PROBE_INSTANCES))
    same = []
    for batch in held_out(task, difficulty=difficulty, n=N_INSTANCES, n_windows=n_windows, seed=seed):
        memory = slept.memory(checkpoint, batch, setting)
        answer, right = answered(model, batch, memory)
        read_from = other_instances(memory) if measurement.control == "shuffled_state" else memory
        if measurement.reader == "answer":
            same.append(right)
        elif measurement.reader == "lens":
            same.append(read_by_lens(model, batch, read_from, measurement.layer) == answer)
        else:
            assert study.read_from_state is not None and study.asked_part is not None
            states = torch.cat([state.flatten(1) for state in read_from.fast_weights], dim=1).double()
            parts = study.read_from_state(task, batch, difficulty).shape[1]
            same.append(read_by_probe(probe, states, parts, study.asked_part(task, batch)) == answer)
    return entry_of(measurement, checkpoint, float(np.concatenate(same).mean()), N_INSTANCES)


def measure_given(measurement: Measurement, checkpoint: Checkpoint) -> dict[str, Any]:
    """Problems that are given and not drawn: an answer is right if it names every part and no other -> an entry."""
    task = checkpoint.task.name
    right = []
    for problem in FAMILIES[task].study.given[measurement.experiment](measurement.difficulty):
        spec = RunSpec(task, json.dumps(problem.input), measurement.checkpoint, measurement.n_passes)
        answer = run_summary(spec, checkpoint, events=False)["answer"]
        right.append(sorted(answer) == sorted(problem.answer))
    return entry_of(measurement, checkpoint, sum(right) / len(right), len(right))


def _states_and_answers(
    measurement: Measurement, checkpoint: Checkpoint, slept: Slept, n: int
) -> tuple[Tensor, Tokens]:
    """S after sleep [n, features], and the answer at the measured level, [n, parts]."""
    task, seed = checkpoint.task, (EVALUATION_STREAM, SEED, n)
    read = FAMILIES[task.name].study.read_from_state
    assert read is not None, f"the study of {task.name} fits no probe"
    windows = measurement.n_windows
    batches = list(held_out(task, difficulty=task.difficulty_max, n=n, n_windows=windows, seed=seed))
    answers = np.concatenate([read(task, batch, measurement.difficulty) for batch in batches])
    return slept.states(checkpoint, batches, _policy(measurement, checkpoint)), answers


def _right(
    measurement: Measurement, checkpoint: Checkpoint, task: Task, slept: Slept
) -> tuple[NDArray[np.bool_], float]:
    """Whether each part of each answer is right, [n, Q, T], and the mean number of passes a window took."""
    policy, seed = _policy(measurement, checkpoint), (EVALUATION_STREAM, SEED)
    mixed = range(task.difficulty_min, task.difficulty_max + 1)
    difficulties = mixed if measurement.difficulty == MIXED else (measurement.difficulty,)
    n_each = -(-N_INSTANCES // len(difficulties))
    rights, passes = [], []
    for difficulty in difficulties:
        for batch in held_out(task, difficulty=difficulty, n=n_each, n_windows=measurement.n_windows, seed=seed):
            if measurement.threshold:
                right, taken = right_parts_when_still(
                    checkpoint.model, checkpoint.task, batch, policy, measurement.threshold
                )
            else:
                memory = slept.memory(checkpoint, batch, Setting(policy, control=measurement.control))
                right = right_awake(checkpoint.model, batch, memory)
                taken = np.full(len(right), float(measurement.n_passes))
            if measurement.kind:
                right = right[FAMILIES[task.name].study.kinds[measurement.kind](task, batch)]
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
            self._kept[key] = asleep(checkpoint.model, checkpoint.task, batch, setting)
        return self._kept[key]

    def states(self, checkpoint: Checkpoint, batches: list[Batch], policy: SleepPolicy) -> Tensor:
        """S after these windows, [instances, features]: the same for every level that is read from it."""
        key = (checkpoint.info.digest, policy, hash(tuple(batch.windows.tobytes() for batch in batches)))
        if key not in self._states:
            self._states = dict(list(self._states.items())[-1:])  # to fit a probe, and to test it
            self._states[key] = torch.cat([states(checkpoint.model, batch, policy) for batch in batches])
        return self._states[key]
